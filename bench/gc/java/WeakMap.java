import java.lang.ref.WeakReference;

/** See cpp/weak_map.hpp. Not java.util's, whose queue of dead entries would be another work. */
final class WeakMap implements Run.Work {
  private static final class Key {
    final long name, load;

    Key(long name, long load) {
      this.name = name;
      this.load = load;
    }
  }

  private static final class Value {
    final long number;

    Value(long number) {
      this.number = number;
    }
  }

  private static final class Entry extends WeakReference<Key> {
    final Value value;
    Entry next;

    Entry(Key key, Value value) {
      super(key);
      this.value = value;
    }
  }

  private static final int SWEPT_AT_ONCE = 4;

  private final long operationCount;
  private final Key[] keys;
  private final Entry[] table;
  private int swept;
  private long made = 1;
  private final Draw random = new Draw(4714);

  WeakMap(int size, int count) {
    operationCount = count * 1000L;
    keys = new Key[size];
    table = new Entry[Math.max(Integer.highestOneBit(size - 1) << 1, 1)];
    for (int i = 0; i < size; ++i) replace(i);
  }

  @Override
  public long pass(Histogram operations) {
    Checksum result = new Checksum();
    operations.start();
    for (long i = 0; i < operationCount; ++i) {
      replace(random.below(keys.length));
      sweep();
      long first = lookUp(random.below(keys.length));
      result.add(first + lookUp(random.below(keys.length)));
      operations.lap();
    }
    return result.sum();
  }

  private void sweep() {
    for (int i = 0; i < SWEPT_AT_ONCE; ++i) {
      int bucket = swept++ & table.length - 1;
      Entry before = null;
      for (Entry entry = table[bucket]; entry != null; entry = entry.next) {
        if (!entry.refersTo(null)) {
          before = entry;
        } else if (before == null) {
          table[bucket] = entry.next;
        } else {
          before.next = entry.next;
        }
      }
    }
  }

  private int bucketOf(Key key) {
    return (int) (key.name * 0x9e3779b97f4a7c15L >>> 32) & table.length - 1;
  }

  private void replace(int at) {
    Key key = new Key(made, made * 3);
    Entry entry = new Entry(key, new Value(made * 7));
    ++made;
    int bucket = bucketOf(key);
    entry.next = table[bucket];
    table[bucket] = entry;
    keys[at] = key;
  }

  private long lookUp(int at) {
    Key key = keys[at];
    return find(key).value.number + key.load;
  }

  private Entry find(Key key) {
    int bucket = bucketOf(key);
    Entry before = null;
    for (Entry entry = table[bucket];; entry = entry.next) {
      if (entry.refersTo(key)) return entry;
      if (!entry.refersTo(null)) {
        before = entry;
      } else if (before == null) {
        table[bucket] = entry.next;
      } else {
        before.next = entry.next;
      }
    }
  }
}
