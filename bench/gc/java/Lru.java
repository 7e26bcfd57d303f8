import java.util.Arrays;

/** See cpp/lru.hpp. */
final class Lru implements Run.Work {
  private static final class Entry {
    Entry newer, older, chain;
    byte[] value;
    long key;
  }

  private static final int KEYS_PER_ENTRY = 6;

  private final long lookups;
  private final long keys;
  private final Entry[] table;
  private final Entry ends = new Entry();
  private final Draw random = new Draw(4711);

  Lru(int size, int count) {
    lookups = count * 1000L;
    keys = (long) size * KEYS_PER_ENTRY;
    table = new Entry[Math.max(Integer.highestOneBit(size - 1) << 1, 1)];
    ends.newer = ends;
    ends.older = ends;
    for (int i = 0; i < size;) {
      long key = nextKey();
      if (touch(key) != 0) continue;
      insert(key);
      ++i;
    }
  }

  @Override
  public long pass(Histogram operations) {
    Checksum result = new Checksum();
    operations.start();
    for (long i = 0; i < lookups; ++i) {
      long key = nextKey();
      long found = touch(key);
      result.add(found);
      if (found == 0) {
        result.add(-forgetOldest());
        insert(key);
      }
      operations.lap();
    }
    return result.sum();
  }

  private static long hash(long key) {
    return key * 0x9e3779b97f4a7c15L;
  }

  private static int lengthOf(long key) {
    long state = Draw.after(hash(key) | 1);
    state = Draw.after(state);
    int scale = Draw.below(state, 5);
    state = Draw.after(state);
    return 32 + Draw.below(state, 32L << scale);
  }

  private int bucketOf(long key) {
    return (int) (hash(key) >>> 32) & table.length - 1;
  }

  private long nextKey() {
    return random.below(random.below(keys) + 1L);
  }

  private long touch(long key) {
    Entry found = find(key);
    if (found == null) return 0;
    unlink(found);
    linkNewest(found);
    return found.value.length + found.value[0];
  }

  private Entry find(long key) {
    Entry at = table[bucketOf(key)];
    while (at != null && at.key != key) at = at.chain;
    return at;
  }

  private static void unlink(Entry one) {
    one.newer.older = one.older;
    one.older.newer = one.newer;
  }

  private void linkNewest(Entry one) {
    one.older = ends.older;
    one.newer = ends;
    ends.older.newer = one;
    ends.older = one;
  }

  private void insert(long key) {
    byte[] value = new byte[lengthOf(key)];
    Arrays.fill(value, (byte) (key & 127));
    Entry made = new Entry();
    made.value = value;
    made.key = key;
    int bucket = bucketOf(key);
    made.chain = table[bucket];
    table[bucket] = made;
    linkNewest(made);
  }

  private long forgetOldest() {
    Entry oldest = ends.newer;
    unlink(oldest);
    int bucket = bucketOf(oldest.key);
    if (table[bucket] == oldest) {
      table[bucket] = oldest.chain;
    } else {
      Entry before = table[bucket];
      while (before.chain != oldest) before = before.chain;
      before.chain = oldest.chain;
    }
    return oldest.key;
  }
}
