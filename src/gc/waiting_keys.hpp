// Ephemerons that wait until a tracer reaches their keys (Hayes, 1997), by their keys: each is looked at again
// once, however long the chains are in which the value of one leads to the key of the next.
//
//   heads_      | 2 | - | 1 | ...                  of chains of entries whose keys hash to the same
//   entries_    | ephemeron, next | ephemeron, next | ...       by when they came; numbers begin at 1
//   woken_      a chain, too: of those whose keys have been reached
//
//   an entry is waiting, woken or taken; its place is used again when all are taken
//   heads_.size() = entries_.size(): each addition splits one chain, so that none takes long (linear hashing;
//   Litwin, 1980)
//
// While an ephemeron waits here, its key's word is as it was.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bits.hpp"
#include "gc/row.hpp"

namespace strata::gc {

class waiting_keys {
 public:
  bool open(std::size_t most) { return entries_.open(most) && heads_.open(most); }

  [[nodiscard]] bool empty() const { return waiting_ == 0; }
  void add(void** ephemeron) {
    heads_.push(none);
    std::size_t last = heads_.size() - 1;
    if (last != 0) split(last - std::bit_floor(last));
    entries_.push({ephemeron, none});
    put(entries_.size(), chain_of(ephemeron[0]));
    ++waiting_;
  }
  // A tracer has come to the object that it knows by this address.
  void wake(const void* key) {
    for (std::size_t* link = &chain_of(key); *link != none;) {
      entry& at = entry_at(*link);
      if (at.ephemeron[0] != key) {
        link = &at.next;
        continue;
      }
      std::size_t number = std::exchange(*link, at.next);
      put(number, woken_);
      --waiting_;
    }
  }
  [[nodiscard]] bool has_woken() const { return woken_ != none; }
  // Null when there is none.
  void** take_woken() {
    if (woken_ == none) return nullptr;
    entry& first = entry_at(woken_);
    woken_ = first.next;
    void** ephemeron = std::exchange(first.ephemeron, nullptr);
    if (woken_ == none && waiting_ == 0) {  // small again, in the cache
      entries_.clear();
      heads_.clear();
    }
    return ephemeron;
  }
  // visit(void** ephemeron) for all, waiting or woken.
  template <class Visit>
  void take_all(Visit visit) {
    for (const entry& each : entries_) {
      if (each.ephemeron != nullptr) visit(each.ephemeron);
    }
    clear();
  }
  // Of those that wait when no key will be reached any more; null when none is left. Then clear().
  void** take_left() {
    while (!entries_.empty()) {
      if (void** left = entries_.pop().ephemeron) return left;
    }
    return nullptr;
  }
  void clear() {
    entries_.clear();
    heads_.clear();
    entries_.trim();
    heads_.trim();
    waiting_ = 0;
    woken_ = none;
  }

 private:
  struct entry {
    void** ephemeron;
    std::size_t next;
  };
  static constexpr std::size_t none = 0;

  entry& entry_at(std::size_t number) { return entries_[number - 1]; }
  std::size_t& chain_of(const void* key) {
    std::size_t mask = std::bit_ceil(heads_.size()) - 1;
    // Keys near each other in memory have their heads near each other: a chain of ephemerons often follows its keys'
    // addresses, and would miss the cache for each.
    std::uintptr_t address = base::address_of(key);
    std::size_t at = (base::mixed(address >> 10) + (address >> 4)) & mask;
    return heads_[at < heads_.size() ? at : at & (mask >> 1)];
  }
  void put(std::size_t number, std::size_t& chain) {
    entry_at(number).next = std::exchange(chain, number);
  }
  // There is a head more, for some of this chain.
  void split(std::size_t head) {
    std::size_t next = std::exchange(heads_[head], none);
    while (next != none) {
      std::size_t number = std::exchange(next, entry_at(next).next);
      put(number, chain_of(entry_at(number).ephemeron[0]));
    }
  }

  row<entry> entries_;
  row<std::size_t> heads_;
  std::size_t waiting_ = 0;
  std::size_t woken_ = none;
};

}  // namespace strata::gc
