/** See cpp/quads.hpp. */
final class Quads implements Run.Work {
  private static final byte WHITE = 0;
  private static final byte BLACK = 1;
  private static final byte MIXED = 2;

  /** Its quadrants lie in the node, as in the other languages. */
  private static final class Quad {
    Quad quadrant0, quadrant1, quadrant2, quadrant3;
    final long shade;

    Quad(byte shade) {
      this.shade = shade;
    }
  }

  private record Circle(long x, long y, long radius) {}

  private static final long SIDE = 256;

  private final long operationCount;
  private final Quad[] images;
  private final Draw random = new Draw(4713);

  Quads(int size, int count) {
    operationCount = count * 100L;
    images = new Quad[size];
    for (int i = 0; i < size; ++i) images[i] = disc();
  }

  @Override
  public long pass(Histogram operations) {
    Checksum sum = new Checksum();
    operations.start();
    for (long i = 0; i < operationCount; ++i) {
      Quad made = operation(i);
      sum.add(area(made, SIDE));
      images[random.below(images.length)] = made;
      operations.lap();
    }
    return sum.sum();
  }

  private Quad operation(long number) {
    if (number % 2 == 0) return disc();
    Quad first = randomImage();
    if (number % 8 == 7) return turned(first);
    return exclusiveOr(first, randomImage());
  }

  private Quad randomImage() {
    return images[random.below(images.length)];
  }

  private Quad disc() {
    long x = random.below(SIDE);
    long y = random.below(SIDE);
    long radius = SIDE / 8 + random.below(SIDE / 4);
    return painted(new Circle(x, y, radius), 0, 0, SIDE);
  }

  private static long clamp(long value, long least, long most) {
    return Math.min(Math.max(value, least), most);
  }

  private static Quad painted(Circle shape, long x, long y, long width) {
    long nearX = clamp(shape.x, x, x + width - 1) - shape.x;
    long nearY = clamp(shape.y, y, y + width - 1) - shape.y;
    long reach = shape.radius * shape.radius;
    if (nearX * nearX + nearY * nearY > reach) return new Quad(WHITE);
    long farX = Math.max(Math.abs(x - shape.x), Math.abs(x + width - 1 - shape.x));
    long farY = Math.max(Math.abs(y - shape.y), Math.abs(y + width - 1 - shape.y));
    if (farX * farX + farY * farY <= reach) return new Quad(BLACK);
    long half = width / 2;
    Quad first = painted(shape, x, y, half);
    Quad second = painted(shape, x + half, y, half);
    Quad third = painted(shape, x, y + half, half);
    Quad fourth = painted(shape, x + half, y + half, half);
    return joined(first, second, third, fourth);
  }

  private static Quad exclusiveOr(Quad a, Quad b) {
    if (a.shade != MIXED && b.shade != MIXED) return new Quad(a.shade == b.shade ? WHITE : BLACK);
    boolean wholeA = a.shade != MIXED;
    boolean wholeB = b.shade != MIXED;
    Quad first = exclusiveOr(wholeA ? a : a.quadrant0, wholeB ? b : b.quadrant0);
    Quad second = exclusiveOr(wholeA ? a : a.quadrant1, wholeB ? b : b.quadrant1);
    Quad third = exclusiveOr(wholeA ? a : a.quadrant2, wholeB ? b : b.quadrant2);
    Quad fourth = exclusiveOr(wholeA ? a : a.quadrant3, wholeB ? b : b.quadrant3);
    return joined(first, second, third, fourth);
  }

  private static Quad turned(Quad image) {
    if (image.shade != MIXED) return new Quad((byte) image.shade);
    Quad first = turned(image.quadrant2);
    Quad second = turned(image.quadrant0);
    Quad third = turned(image.quadrant3);
    Quad fourth = turned(image.quadrant1);
    return joined(first, second, third, fourth);
  }

  private static Quad joined(Quad first, Quad second, Quad third, Quad fourth) {
    long shade = first.shade;
    if (shade != MIXED && second.shade == shade && third.shade == shade && fourth.shade == shade) {
      return first;
    }
    Quad made = new Quad(MIXED);
    made.quadrant0 = first;
    made.quadrant1 = second;
    made.quadrant2 = third;
    made.quadrant3 = fourth;
    return made;
  }

  private static long area(Quad image, long width) {
    if (image.shade == WHITE) return 0;
    if (image.shade == BLACK) return width * width;
    return area(image.quadrant0, width / 2) + area(image.quadrant1, width / 2)
        + area(image.quadrant2, width / 2) + area(image.quadrant3, width / 2);
  }
}
