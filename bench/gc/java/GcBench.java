/** See cpp/gcbench.hpp. */
final class GcBench implements Run.Work {
  private static final class Node {
    Node left, right;
    int i, j;

    Node() {}

    Node(Node left, Node right) {
      this.left = left;
      this.right = right;
    }
  }

  private static final int LEAST_DEPTH = 4;
  private static final int OPERATION_DEPTH = 9;
  private static final int ARRAY_LENGTH = 500_000;

  private final int depth;
  private final int threads;

  GcBench(int size, int count) {
    depth = size;
    threads = count;
  }

  @Override
  public long pass(Histogram operations) {
    if (threads == 1) return alone(operations);
    long[] sums = new long[threads];
    Histogram[] each = new Histogram[threads];
    Thread[] running = new Thread[threads];
    for (int i = 0; i < threads; ++i) {
      int at = i;
      each[i] = new Histogram();
      running[i] = new Thread(() -> {
        try {
          sums[at] = alone(each[at]);
        } catch (OutOfMemoryError error) {
          Run.giveUp(error);
        }
      });
      running[i].start();
    }
    Checksum result = new Checksum();
    for (int i = 0; i < threads; ++i) {
      join(running[i]);
      result.add(sums[i]);
      operations.add(each[i]);
    }
    return result.sum();
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException error) {
      throw new IllegalStateException(error);
    }
  }

  private long alone(Histogram operations) {
    Checksum result = new Checksum();
    result.add(depthOf(bottomUp(depth + 1, operations)));
    Node lasting = new Node();
    populate(depth, lasting, operations);
    double[] array = new double[ARRAY_LENGTH];
    for (int i = 0; i < ARRAY_LENGTH; ++i) array[i] = 1.0 / (i + 1);
    for (int d = LEAST_DEPTH; d <= depth; d += 2) {
      long wanted = 2 * nodesOf(depth + 1) / nodesOf(d);
      makeMany(d, wanted, true, result, operations);
      makeMany(d, wanted, false, result, operations);
    }
    result.add(count(lasting));
    result.add((long) (1.0 / array[1000] + 0.5));
    return result.sum();
  }

  private static void makeMany(int depth, long wanted, boolean topDown, Checksum result,
                               Histogram operations) {
    long atOnce = 1L << Math.max(OPERATION_DEPTH - depth, 0);
    for (; wanted > 0; wanted -= atOnce) {
      if (depth > OPERATION_DEPTH) {
        result.add(depthOf(topDown ? topDown(depth, operations) : bottomUp(depth, operations)));
        continue;
      }
      operations.start();
      for (long i = Math.min(atOnce, wanted); i > 0; --i) {
        result.add(depthOf(topDown ? topDown(depth) : bottomUp(depth)));
      }
      operations.lap();
    }
  }

  private static Node topDown(int depth) {
    Node root = new Node();
    populate(depth, root);
    return root;
  }

  private static Node topDown(int depth, Histogram operations) {
    Node root = new Node();
    populate(depth, root, operations);
    return root;
  }

  private static void populate(int depth, Node root) {
    if (depth <= 0) return;
    root.left = new Node();
    root.right = new Node();
    populate(depth - 1, root.left);
    populate(depth - 1, root.right);
  }

  private static void populate(int depth, Node root, Histogram operations) {
    if (depth <= OPERATION_DEPTH) {
      operations.start();
      populate(depth, root);
      operations.lap();
      return;
    }
    root.left = new Node();
    root.right = new Node();
    populate(depth - 1, root.left, operations);
    populate(depth - 1, root.right, operations);
  }

  private static Node bottomUp(int depth) {
    if (depth <= 0) return new Node();
    Node left = bottomUp(depth - 1);
    Node right = bottomUp(depth - 1);
    return new Node(left, right);
  }

  private static Node bottomUp(int depth, Histogram operations) {
    if (depth > OPERATION_DEPTH) {
      Node left = bottomUp(depth - 1, operations);
      Node right = bottomUp(depth - 1, operations);
      return new Node(left, right);
    }
    operations.start();
    Node tree = bottomUp(depth);
    operations.lap();
    return tree;
  }

  private static long nodesOf(int depth) {
    return (2L << depth) - 1;
  }

  private static long count(Node tree) {
    return tree.left == null ? 1 : 1 + count(tree.left) + count(tree.right);
  }

  private static long depthOf(Node tree) {
    long depth = 0;
    for (; tree.left != null; tree = tree.left) ++depth;
    return depth;
  }
}
