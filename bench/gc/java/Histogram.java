/** Times in 32 buckets a doubling: see cpp/bench.hpp. */
final class Histogram {
  private final long[] buckets = new long[60 * 32];
  private long count;
  private long totalNs;
  private long longestNs;
  private long lastNs;

  /** The next operation begins now; each lap ends one and begins another. */
  void start() {
    lastNs = System.nanoTime();
  }

  void lap() {
    long now = System.nanoTime();
    add(now - lastNs);
    lastNs = now;
  }

  private void add(long ns) {
    int shift = Math.max(58 - Long.numberOfLeadingZeros(ns), 0);
    ++buckets[32 * shift + (int) (ns >>> shift)];
    ++count;
    totalNs += ns;
    longestNs = Math.max(longestNs, ns);
  }

  void add(Histogram other) {
    for (int i = 0; i < buckets.length; ++i) buckets[i] += other.buckets[i];
    count += other.count;
    totalNs += other.totalNs;
    longestNs = Math.max(longestNs, other.longestNs);
  }

  private static long endOf(int bucket) {
    if (bucket < 64) return bucket;
    int shift = bucket / 32 - 1;
    return ((bucket - 32L * shift + 1) << shift) - 1;
  }

  private long quantileNs(double share) {
    long wanted = (long) (share * count);
    long seen = 0;
    for (int i = 0; i < buckets.length; ++i) {
      seen += buckets[i];
      if (seen > wanted) return Math.min(endOf(i), longestNs);
    }
    return longestNs;
  }

  void print(String name) {
    System.out.printf("%s_count %d%n%s_total_ns %d%n", name, count, name, totalNs);
    System.out.printf("%s_p50_ns %d%n", name, quantileNs(0.5));
    System.out.printf("%s_p99_ns %d%n", name, quantileNs(0.99));
    System.out.printf("%s_p999_ns %d%n", name, quantileNs(0.999));
    System.out.printf("%s_max_ns %d%n", name, longestNs);
  }
}
