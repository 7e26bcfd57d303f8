// A map from objects to values that knows of an object only as long as somebody else does, as caches of
// properties, proxies and listeners are: java.util.WeakHashMap, JavaScript's WeakMap; ephemerons are what
// Barry Hayes made of it ('Ephemerons: a new finalization mechanism'). Keys die all the time; a pair whose
// key has died is taken out by whoever comes along its chain; each operation goes along four, in turn.
//
// Stresses: weak references, hundreds of thousands at once, to be cleared at each collection.
//
// Values don't refer to keys: Java and Go would never let such keys die.
//
// SIZE: keys. COUNT: operations, in thousands: each puts a new key in the place of another and looks up
// two more.
#pragma once

#include "bench.hpp"

namespace bench {

template <class Memory>
class weak_map {
  template <class T>
  using ref = typename Memory::template ref<T>;
  template <class T>
  using local = typename Memory::template local<T>;
  template <class T>
  using global = typename Memory::template global<T>;
  using mutator = typename Memory::mutator;

  struct key {
    static constexpr bool leaf = true;
    std::int64_t name, load;
  };
  struct value {
    static constexpr bool leaf = true;
    std::int64_t number;
  };
  using pair = typename Memory::template pair<key, value>;
  struct entry {
    ref<pair> what;
    ref<entry> next;
  };
  using key_list = typename Memory::template array<ref<key>>;
  using entry_table = typename Memory::template array<ref<entry>>;

 public:
  weak_map(typename Memory::heap&, mutator& self, std::size_t size, std::size_t count)
      : size_(size),
        operations_(count * 1000),
        buckets_(std::bit_ceil(size)),
        keys_{self, nullptr},
        table_{self, nullptr} {
    keys_ = self.template make<key_list>(size);
    table_ = self.template make<entry_table>(buckets_);
    for (std::size_t i = 0; i < size; ++i) replace(self, i);
  }

  std::uint64_t pass(mutator& self, histogram& operations) {
    checksum result;
    stopwatch watch(operations);
    for (std::size_t i = 0; i < operations_; ++i) {
      replace(self, random_.below(size_));
      sweep(self);
      result.add(look_up(self, random_.below(size_)) + look_up(self, random_.below(size_)));
      watch.lap();
    }
    return result.sum();
  }

  void drop(mutator& self) {
    if constexpr (Memory::by_hand) {
      for (std::size_t i = 0; i < size_; ++i) let_die(self, place_of(i).get());
      self.release(keys_);
      self.release(table_);
    }
  }

 private:
  static constexpr int swept_at_once = 4;

  ref<key>& place_of(std::size_t at) { return (*keys_)[at]; }
  ref<entry>& bucket_of(const key* of) {
    std::uint64_t hash = static_cast<std::uint64_t>(of->name) * 0x9e3779b97f4a7c15;
    return (*table_)[(hash >> 32) & (buckets_ - 1)];
  }

  void replace(mutator& self, std::size_t at) {
    if constexpr (Memory::by_hand) let_die(self, place_of(at).get());
    local<key> made = self.template make<key>(made_, made_ * 3);
    local<value> number = self.template make<value>(made_ * 7);
    ++made_;
    local<pair> both = self.template make<pair>(made, number);
    local<entry> first = self.template make<entry>();
    first->what = both;
    ref<entry>& bucket = bucket_of(made.get());
    first->next = bucket;
    bucket = first;
    place_of(at) = made;
  }

  void sweep(mutator& self) {
    for (int i = 0; i < swept_at_once; ++i) {
      ref<entry>* from = &(*table_)[swept_++ & (buckets_ - 1)];
      while (from->get() != nullptr) {
        if ((*from)->what->key(self).get() == nullptr)
          *from = (*from)->next;
        else
          from = &(*from)->next;
      }
    }
  }

  std::int64_t look_up(mutator& self, std::size_t at) {
    const key* wanted = place_of(at).get();
    entry* found = find(self, wanted)->get();
    return found->what->value(self).get()->number + wanted->load;
  }
  // Where the entry of a living key hangs. Those of dead ones that are met are gone afterwards.
  ref<entry>* find(mutator& self, const key* wanted) {
    ref<entry>* from = &bucket_of(wanted);
    for (;;) {
      const key* of = (*from)->what->key(self).get();
      if (of == wanted) return from;
      if (of == nullptr)
        *from = (*from)->next;
      else
        from = &(*from)->next;
    }
  }

  // By hand: a key and what the map has of it.
  void let_die(mutator& self, key* dying) {
    if (dying == nullptr) return;
    ref<entry>* from = find(self, dying);
    entry* gone = from->get();
    *from = gone->next;
    self.release(gone->what->value(self));
    self.release(gone->what);
    self.release(gone);
    self.release(dying);
  }

  std::size_t size_;
  std::size_t operations_;
  std::size_t buckets_;
  global<key_list> keys_;
  global<entry_table> table_;
  std::size_t swept_ = 0;
  std::int64_t made_ = 1;
  draw random_{4714};
};

}  // namespace bench
