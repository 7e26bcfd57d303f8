/** See cpp/binary_trees.hpp. */
final class BinaryTrees implements Run.Work {
  private static final class Node {
    Node left, right;

    Node() {}

    Node(Node left, Node right) {
      this.left = left;
      this.right = right;
    }
  }

  private static final int LEAST_DEPTH = 4;
  private static final int OPERATION_DEPTH = 9;

  private final int depth;
  private final long deepest;

  BinaryTrees(int size, int count) {
    depth = size;
    deepest = count;
  }

  @Override
  public long pass(Histogram operations) {
    Checksum result = new Checksum();
    result.add(makeAndCount(depth + 1, 1, operations));
    Node lasting = bottomUp(depth, operations);
    for (int d = LEAST_DEPTH; d <= depth; d += 2) {
      result.add(makeAndCount(d, deepest << (depth - d), operations));
    }
    result.add(count(lasting));
    return result.sum();
  }

  private static long makeAndCount(int depth, long wanted, Histogram operations) {
    long nodes = 0;
    long atOnce = 1L << Math.max(OPERATION_DEPTH - depth, 0);
    for (; wanted > 0; wanted -= atOnce) {
      if (depth > OPERATION_DEPTH) {
        nodes += count(bottomUp(depth, operations));
        continue;
      }
      operations.start();
      for (long i = Math.min(atOnce, wanted); i > 0; --i) nodes += count(bottomUp(depth));
      operations.lap();
    }
    return nodes;
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

  private static long count(Node tree) {
    return tree.left == null ? 1 : 1 + count(tree.left) + count(tree.right);
  }
}
