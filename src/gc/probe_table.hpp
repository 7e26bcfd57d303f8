// A hash table of weak entries with open addressing that grows and shrinks a little at a time: what an
// intern table is made of.
//
//   previous   | moved | moved | entry |       | dead  | entry | ...    being emptied from its start
//                                ^ drained_
//   current    | entry |       | entry |       | ...                    where additions go
//
//   an entry is   the hash, and the object's address; 0: free, and no probe goes past it; 1: dead or moved
//   used          of a table: its slots that are not free
//   live          of both tables: the entries that are neither dead nor moved
//   used of current + live of previous <= 3/4 of current's slots, as long as the system gives memory
//
// One thread at a time adds. Others may look up meanwhile: what they find is right; what they don't find
// they look for again when they are the one that adds. Tables are given back while nobody looks up: at the
// next collection.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "os/memory.hpp"

namespace strata::gc {

struct probe_entry {
  std::uint64_t hash;
  std::uintptr_t object;

  static constexpr std::uintptr_t free = 0;
  static constexpr std::uintptr_t gone = 1;
};

// One array of slots, on pages of its own.
struct probe_slots {
  std::size_t count;
  std::size_t used;
  probe_slots* retired;  // the next one to give back
  std::uint64_t padding;
  probe_entry at[1];

  static std::size_t bytes_for(std::size_t count) {
    return base::align_up(offsetof(probe_slots, at) + count * sizeof(probe_entry),
                          os::page_bytes());
  }
  // As many slots as so many pages hold; null when the system refuses.
  static probe_slots* make(std::size_t count);
  void destroy() { os::release(this, bytes_for(count)); }
};

class probe_table {
 public:
  probe_table() = default;
  probe_table(const probe_table&) = delete;
  probe_table& operator=(const probe_table&) = delete;
  ~probe_table();

  // The address of an object for which matches(object) is true, or null. By any thread.
  template <class Matches>
  void* find(std::uint64_t hash, Matches matches) const {
    if (void* found = find_in(current_.load(std::memory_order_acquire), hash, matches))
      return found;
    return find_in(previous_.load(std::memory_order_acquire), hash, matches);
  }
  // By one thread at a time. False when the system refuses memory for a larger table.
  bool add(std::uint64_t hash, void* object);

  // The rest while nobody looks up.

  // keep(void*& object): false when the entry is to go; it may change the address.
  template <class Keep>
  void sweep(Keep keep);
  // visit(hash, object) for each entry; the table is empty and small afterwards.
  template <class Visit>
  void take_all(Visit visit);
  // Goes on with what is under way, for so many slots; begins to shrink where little is left.
  void tidy(std::size_t slots);
  void give_back_retired();

  [[nodiscard]] std::size_t live() const { return live_; }
  [[nodiscard]] std::size_t slots() const { return slots_; }
  [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }
  [[nodiscard]] std::size_t longest_probe() const { return longest_probe_; }

 private:
  static constexpr std::size_t least_slots = 128;
  // So many that the old table is empty before the new one is full, even one an eighth of its size.
  static constexpr std::size_t slots_per_addition = 16;

  template <class Matches>
  static void* find_in(probe_slots* in, std::uint64_t hash, Matches matches) {
    if (in == nullptr) return nullptr;
    for (std::size_t at = hash & (in->count - 1);; at = (at + 1) & (in->count - 1)) {
      probe_entry& entry = in->at[at];
      // acquire: with the object come its hash and its content.
      std::uintptr_t object =
          std::atomic_ref<std::uintptr_t>(entry.object).load(std::memory_order_acquire);
      if (object == probe_entry::free) return nullptr;
      if (object == probe_entry::gone) continue;
      if (std::atomic_ref<std::uint64_t>(entry.hash).load(std::memory_order_relaxed) != hash)
        continue;
      void* found = base::pointer_to(object);
      if (matches(found)) return found;
    }
  }
  // Goes over entries from a slot on. visit(entry) -> false: it is gone.
  template <class Visit>
  void each(probe_slots* in, std::size_t from, Visit visit);
  bool make_room();
  bool replace(std::size_t count);
  void put(probe_slots& in, std::uint64_t hash, std::uintptr_t object);
  void drain(std::size_t slots);
  void retire(probe_slots* old);

  std::atomic<probe_slots*> current_{nullptr};
  std::atomic<probe_slots*> previous_{nullptr};
  std::size_t drained_ = 0;
  std::size_t live_ = 0;
  std::size_t undrained_ = 0;  // of the live, those in the previous table
  std::size_t slots_ = 0;
  std::size_t held_bytes_ = 0;
  std::size_t longest_probe_ = 0;
  probe_slots* retired_ = nullptr;
};

template <class Visit>
void probe_table::each(probe_slots* in, std::size_t from, Visit visit) {
  if (in == nullptr) return;
  constexpr std::size_t ahead = 8;
  for (std::size_t at = from; at < in->count; ++at) {
    // What an entry refers to lies anywhere.
    if (at + ahead < in->count) __builtin_prefetch(base::pointer_to(in->at[at + ahead].object - 8));
    probe_entry& entry = in->at[at];
    if (entry.object == probe_entry::free || entry.object == probe_entry::gone) continue;
    if (visit(entry)) continue;
    entry.object = probe_entry::gone;
    --live_;
  }
}

template <class Keep>
void probe_table::sweep(Keep keep) {
  auto look = [&](probe_entry& entry) {
    void* object = base::pointer_to(entry.object);
    if (!keep(object)) return false;
    entry.object = base::address_of(object);
    return true;
  };
  each(current_.load(std::memory_order_relaxed), 0, look);
  std::size_t before = live_;
  each(previous_.load(std::memory_order_relaxed), drained_, look);
  undrained_ -= before - live_;
}

template <class Visit>
void probe_table::take_all(Visit visit) {
  if (live_ == 0) return;
  probe_slots* current = current_.exchange(nullptr, std::memory_order_relaxed);
  probe_slots* previous = previous_.exchange(nullptr, std::memory_order_relaxed);
  auto look = [&](probe_entry& entry) {
    visit(entry.hash, base::pointer_to(entry.object));
    return true;
  };
  live_ = undrained_ = slots_ = 0;
  std::size_t from = drained_;
  drained_ = 0;
  each(current, 0, look);
  each(previous, from, look);
  if (current != nullptr) retire(current);
  if (previous != nullptr) retire(previous);
}

}  // namespace strata::gc
