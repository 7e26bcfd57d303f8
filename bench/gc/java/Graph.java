/** See cpp/graph.hpp. */
final class Graph implements Run.Work {
  private static final class Edge {
    Node to;
    long weight;
  }

  /** Its four edges lie in the node, as in the other languages. */
  private static final class Node {
    Edge edge0, edge1, edge2, edge3;
    long name;

    Edge edge(int slot) {
      return switch (slot) {
        case 0 -> edge0;
        case 1 -> edge1;
        case 2 -> edge2;
        default -> edge3;
      };
    }

    void setEdge(int slot, Edge edge) {
      switch (slot) {
        case 0 -> edge0 = edge;
        case 1 -> edge1 = edge;
        case 2 -> edge2 = edge;
        default -> edge3 = edge;
      }
    }
  }

  private static final class Step {
    Step before;
    Node at;
  }

  private static final int DEGREE = 4;
  private static final int REWIRED_AT_ONCE = 8;
  private static final int WALK_LENGTH = 8;

  private final long operationCount;
  private final Node[] nodes;
  private final Draw random = new Draw(4712);

  Graph(int size, int count) {
    operationCount = count * 1000L;
    nodes = new Node[size];
    for (int i = 0; i < size; ++i) {
      nodes[i] = new Node();
      nodes[i].name = i;
    }
    for (int i = 0; i < size; ++i) {
      for (int slot = 0; slot < DEGREE; ++slot) rewire(i, slot);
    }
  }

  @Override
  public long pass(Histogram operations) {
    Checksum result = new Checksum();
    operations.start();
    for (long i = 0; i < operationCount; ++i) {
      for (int j = 0; j < REWIRED_AT_ONCE; ++j) {
        int from = random.below(nodes.length);
        rewire(from, random.below(DEGREE));
      }
      result.add(walk(random.below(nodes.length)));
      operations.lap();
    }
    return result.sum();
  }

  private void rewire(int from, int slot) {
    Edge made = new Edge();
    made.to = nodes[random.below(nodes.length)];
    made.weight = random.below(1000);
    nodes[from].setEdge(slot, made);
  }

  private long walk(int from) {
    long sum = 0;
    Node at = nodes[from];
    Step last = null;
    for (int i = 0; i < WALK_LENGTH; ++i) {
      Step now = new Step();
      now.before = last;
      now.at = at;
      last = now;
      Edge next = at.edge((int) (sum & DEGREE - 1));
      sum += next.weight;
      at = next.to;
    }
    for (Step back = last; back != null; back = back.before) sum = sum * 3 + back.at.name;
    return sum;
  }
}
