// A cache that forgets what was used least recently: a hash table of chained entries on a list in the order
// of their last use, with values of mixed sizes. Look-ups of skewed random keys; one that misses replaces
// the last entry of the list. Caches of this kind are what memcached and Guava made usual, and what papers
// on old generations measure (LXR on Lucene and h2, say).
//
// Stresses: what young collections are bad at. Most objects survive them and die old, in the order they
// were made; every look-up stores into old objects; the table is one large object full of references.
//
// SIZE: entries. COUNT: look-ups, in thousands.
#pragma once

#include <cstring>

#include "bench.hpp"

namespace bench {

template <class Memory>
class lru {
  template <class T>
  using ref = typename Memory::template ref<T>;
  template <class T>
  using local = typename Memory::template local<T>;
  template <class T>
  using global = typename Memory::template global<T>;
  using mutator = typename Memory::mutator;
  using bytes = typename Memory::template array<char>;

  struct entry {
    ref<entry> newer, older;  // a ring, in which `ends_` lies between the newest and the oldest
    ref<entry> chain;
    ref<bytes> value;
    std::int64_t key;
  };
  using arg = typename Memory::template arg<entry>;
  using entry_table = typename Memory::template array<ref<entry>>;

 public:
  lru(typename Memory::heap&, mutator& self, std::size_t size, std::size_t count)
      : lookups_(count * 1000),
        keys_(size * keys_per_entry),
        buckets_(std::bit_ceil(size)),
        table_{self, nullptr},
        ends_{self, nullptr} {
    table_ = self.template make<entry_table>(buckets_);
    ends_ = self.template make<entry>();
    ends_->newer = ends_;
    ends_->older = ends_;
    for (std::size_t i = 0; i < size;) {
      std::int64_t key = next_key();
      if (touch(self, key) != 0) continue;
      insert(self, key);
      ++i;
    }
  }

  std::uint64_t pass(mutator& self, histogram& operations) {
    checksum result;
    stopwatch watch(operations);
    for (std::size_t i = 0; i < lookups_; ++i) {
      std::int64_t key = next_key();
      std::int64_t found = touch(self, key);
      result.add(found);
      if (found == 0) {
        result.add(-forget_oldest(self));
        insert(self, key);
      }
      watch.lap();
    }
    return result.sum();
  }

  void drop(mutator& self) {
    if constexpr (Memory::by_hand) {
      while (ends_->older.get() != ends_.get()) forget_oldest(self);
      self.release(ends_);
      self.release(table_);
    }
  }

 private:
  static constexpr std::size_t keys_per_entry = 6;

  static std::uint64_t hash(std::int64_t key) {
    return static_cast<std::uint64_t>(key) * 0x9e3779b97f4a7c15;
  }
  // 32 bytes more than up to 31, 63, ... or 511.
  static std::size_t length_of(std::int64_t key) {
    draw random(hash(key) | 1);
    random.next();
    std::size_t scale = random.below(5);
    return 32 + random.below(std::size_t{32} << scale);
  }
  std::size_t bucket_of(std::int64_t key) const { return (hash(key) >> 32) & (buckets_ - 1); }

  // Small ones come more often.
  std::int64_t next_key() {
    return static_cast<std::int64_t>(random_.below(random_.below(keys_) + 1));
  }
  // Makes an entry the newest, and reads its value; 0 where there is none.
  std::int64_t touch(mutator& self, std::int64_t key) {
    local<entry> found{self, find(key)};
    if (!found) return 0;
    unlink(found);
    link_newest(found);
    return static_cast<std::int64_t>(found->value->size()) + (*found->value)[0];
  }
  // Good until something is allocated.
  entry* find(std::int64_t key) {
    entry* at = (*table_)[bucket_of(key)].get();
    while (at != nullptr && at->key != key) at = at->chain.get();
    return at;
  }
  static void unlink(arg one) {
    one->newer->older = one->older;
    one->older->newer = one->newer;
  }
  void link_newest(arg one) {
    one->older = ends_->older;
    one->newer = ends_;
    ends_->older->newer = one;
    ends_->older = one;
  }

  void insert(mutator& self, std::int64_t key) {
    std::size_t length = length_of(key);
    local<bytes> value = self.template make<bytes>(length);
    std::memset(value->data(), static_cast<int>(key & 127), length);
    local<entry> made = self.template make<entry>();
    made->value = value;
    made->key = key;
    ref<entry>& bucket = (*table_)[bucket_of(key)];
    made->chain = bucket;
    bucket = made;
    link_newest(made);
  }
  // The forgotten key.
  std::int64_t forget_oldest(mutator& self) {
    local<entry> oldest{self, ends_->newer};
    std::int64_t key = oldest->key;
    unlink(oldest);
    ref<entry>* from = &(*table_)[bucket_of(key)];
    while (from->get() != oldest.get()) from = &(*from)->chain;
    *from = oldest->chain;
    if constexpr (Memory::by_hand) {
      self.release(oldest->value);
      self.release(oldest);
    }
    return key;
  }

  std::size_t lookups_;
  std::size_t keys_;
  std::size_t buckets_;
  global<entry_table> table_;
  global<entry> ends_;
  draw random_{4711};
};

}  // namespace bench
