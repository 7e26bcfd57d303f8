final class Checksum {
  private long sum;

  void add(long value) {
    sum = sum * 31 + value;
  }

  long sum() {
    return sum;
  }
}
