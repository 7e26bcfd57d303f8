/** Numbers that look random and are the same in every run and language: see cpp/bench.hpp. */
final class Draw {
  private long state;

  Draw(long seed) {
    state = seed;
  }

  static long after(long state) {
    state ^= state << 13;
    state ^= state >>> 7;
    return state ^ state << 17;
  }

  /** In [0, bound), of a state. */
  static int below(long state, long bound) {
    return (int) ((state >>> 32) * bound >>> 32);
  }

  int below(long bound) {
    state = after(state);
    return below(state, bound);
  }
}
