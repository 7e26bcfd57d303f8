#include "gc/probe_table.hpp"

#include <bit>
#include <utility>

namespace strata::gc {

probe_slots* probe_slots::make(std::size_t count) {
  void* memory = os::map(bytes_for(count), os::page_bytes());
  if (memory == nullptr) return nullptr;
  auto* made = static_cast<probe_slots*>(memory);  // all zeros: free slots
  made->count = count;
  return made;
}

probe_table::~probe_table() {
  give_back_retired();
  if (probe_slots* at = current_.load(std::memory_order_relaxed)) at->destroy();
  if (probe_slots* at = previous_.load(std::memory_order_relaxed)) at->destroy();
}

bool probe_table::add(std::uint64_t hash, void* object) {
  drain(slots_per_addition);
  probe_slots* current = current_.load(std::memory_order_relaxed);
  auto taken = [&] { return current->used + undrained_ + 1; };
  if (current == nullptr || 4 * taken() > 3 * current->count) {
    // Without memory for more it fills up.
    if (!make_room() && (current == nullptr || taken() >= current->count)) return false;
    current = current_.load(std::memory_order_relaxed);
  }
  put(*current, hash, base::address_of(object));
  ++live_;
  return true;
}

bool probe_table::make_room() {
  drain(~std::size_t{0});
  return replace(std::bit_ceil(base::larger(least_slots, 2 * (live_ + 1))));
}

// What there is becomes the previous table, which is empty by now.
bool probe_table::replace(std::size_t count) {
  probe_slots* made = probe_slots::make(count);
  if (made == nullptr) return false;
  held_bytes_ += probe_slots::bytes_for(count);
  slots_ = count;
  drained_ = 0;
  undrained_ = live_;
  // release: who sees the table sees what it is like. This order: who finds nothing here looks there.
  previous_.store(current_.load(std::memory_order_relaxed), std::memory_order_release);
  current_.store(made, std::memory_order_release);
  return true;
}

void probe_table::put(probe_slots& in, std::uint64_t hash, std::uintptr_t object) {
  std::size_t at = hash & (in.count - 1);
  std::size_t probes = 1;
  for (; in.at[at].object != probe_entry::free; ++probes) at = (at + 1) & (in.count - 1);
  longest_probe_ = base::larger(longest_probe_, probes);
  std::atomic_ref<std::uint64_t>(in.at[at].hash).store(hash, std::memory_order_relaxed);
  // release: see find_in.
  std::atomic_ref<std::uintptr_t>(in.at[at].object).store(object, std::memory_order_release);
  ++in.used;
}

void probe_table::drain(std::size_t slots) {
  probe_slots* previous = previous_.load(std::memory_order_relaxed);
  if (previous == nullptr) return;
  probe_slots& current = *current_.load(std::memory_order_relaxed);
  for (; slots > 0 && drained_ < previous->count; --slots, ++drained_) {
    probe_entry& entry = previous->at[drained_];
    if (entry.object == probe_entry::free || entry.object == probe_entry::gone) continue;
    put(current, entry.hash, entry.object);
    --undrained_;
    // relaxed: a reader that comes too late here finds it in the current table, or asks again.
    std::atomic_ref<std::uintptr_t>(entry.object)
        .store(probe_entry::gone, std::memory_order_relaxed);
  }
  if (drained_ < previous->count) return;
  previous_.store(nullptr, std::memory_order_relaxed);
  retire(previous);
}

void probe_table::tidy(std::size_t slots) {
  drain(slots);
  if (previous_.load(std::memory_order_relaxed) != nullptr || slots_ == 0) return;
  if (live_ == 0) {
    retire(current_.exchange(nullptr, std::memory_order_relaxed));
    slots_ = 0;
    return;
  }
  if (slots_ > least_slots && 8 * live_ < slots_)
    replace(std::bit_ceil(base::larger(least_slots, 2 * live_)));
}

void probe_table::retire(probe_slots* old) { old->retired = std::exchange(retired_, old); }

void probe_table::give_back_retired() {
  while (retired_ != nullptr) {
    probe_slots* behind = retired_->retired;
    held_bytes_ -= probe_slots::bytes_for(retired_->count);
    retired_->destroy();
    retired_ = behind;
  }
}

}  // namespace strata::gc
