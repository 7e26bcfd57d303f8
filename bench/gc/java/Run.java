import java.lang.management.ManagementFactory;

/**
 * A run of a workload on the JVM's heap, in the order of cpp/bench.hpp: prepare, a pass to warm up, a
 * pass to be measured; then a figure a line. Pauses are in the JVM's log, in which begin_ns and end_ns
 * tell what belongs to the second pass.
 *
 *   java ... Run WORKLOAD SIZE COUNT
 */
public final class Run {
  interface Work {
    long pass(Histogram operations);
  }

  static Work prepared(String workload, int size, int count) {
    return switch (workload) {
      case "gcbench" -> new GcBench(size, count);
      case "binary_trees" -> new BinaryTrees(size, count);
      case "lru" -> new Lru(size, count);
      case "graph" -> new Graph(size, count);
      case "quads" -> new Quads(size, count);
      case "weak_map" -> new WeakMap(size, count);
      default -> null;
    };
  }

  public static void main(String[] words) {
    if (words.length != 3) wrongUsage();
    try {
      Work work = prepared(words[0], Integer.parseInt(words[1]), Integer.parseInt(words[2]));
      if (work == null) wrongUsage();
      measure(work);
    } catch (OutOfMemoryError error) {
      giveUp(error);
    }
  }

  private static void measure(Work work) {
    var system = (com.sun.management.OperatingSystemMXBean)
        ManagementFactory.getOperatingSystemMXBean();
    Checksum result = new Checksum();
    system.getProcessCpuTime();
    result.add(work.pass(new Histogram()));
    Histogram operations = new Histogram();
    long begin = System.nanoTime();
    long cpu = system.getProcessCpuTime();
    result.add(work.pass(operations));
    cpu = system.getProcessCpuTime() - cpu;
    long end = System.nanoTime();
    System.out.printf("checksum %016x%n", result.sum());
    System.out.printf("wall_ns %d%ncpu_ns %d%n", end - begin, cpu);
    System.out.printf("begin_ns %d%nend_ns %d%n", begin, end);
    operations.print("operation");
  }

  /** By any thread; those that still run end with it. */
  static void giveUp(OutOfMemoryError error) {
    System.err.println("out of memory");
    Runtime.getRuntime().halt(1);
  }

  private static void wrongUsage() {
    System.err.println("usage: WORKLOAD SIZE COUNT");
    System.exit(2);
  }
}
