// A stack of batches that threads push to and pop from without a lock (Treiber, 1986).
//
//   top    | address of the first batch / 64 : 42 bits | change counter : 22 bits |
//
//   top -> batch -> batch -> batch -> null      under: the next one; depth: how many there are from
//           depth 3  depth 2  depth 1           here on
//
// Batches lie in the metadata arena and are never given back to it, so a thread that reads a batch
// which another has popped meanwhile reads something old, not something foreign; its exchange then
// fails, because every change counts the counter on.
//
// One exchange changes hands. A thread that is cut off for ever in between (a handler that leaves by
// longjmp, a fork) loses the batch in its hands and nothing else.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bits.hpp"
#include "ground/address_map.hpp"

namespace strata::alloc {

inline constexpr std::size_t most_batch = 32;  // blocks in a batch

struct alignas(64) batch {
  std::atomic<batch*> under{nullptr};
  std::atomic<std::uint32_t> depth{0};
  std::uint32_t count = 0;
  std::uintptr_t blocks[most_batch] = {};

  void fill(const std::uintptr_t* from, std::size_t how_many) {
    count = static_cast<std::uint32_t>(how_many);
    std::memcpy(blocks, from, how_many * sizeof(std::uintptr_t));
  }
  // Returns how many blocks it copied.
  std::size_t copy_to(std::uintptr_t* into) const {
    std::memcpy(into, blocks, count * sizeof(std::uintptr_t));
    return count;
  }
};

class batch_stack {
 public:
  // The batch is the caller's until then, and nobody's afterwards.
  void push(batch* one) {
    // acquire: the batch on top is looked into.
    std::uint64_t seen = top_.load(std::memory_order_acquire);
    do {
      batch* first = first_of(seen);
      one->under.store(first, std::memory_order_relaxed);
      one->depth.store(depth_of(first) + 1, std::memory_order_relaxed);
      // release: whoever pops it sees what it holds.
    } while (!top_.compare_exchange_weak(seen, successor(seen, one), std::memory_order_acq_rel,
                                         std::memory_order_acquire));
  }

  // Null when there is none.
  batch* pop() {
    // acquire: pairs with push, here and where the exchange fails.
    std::uint64_t seen = top_.load(std::memory_order_acquire);
    while (batch* first = first_of(seen)) {
      batch* under = first->under.load(std::memory_order_relaxed);
      if (top_.compare_exchange_weak(seen, successor(seen, under), std::memory_order_acquire,
                                     std::memory_order_acquire)) {
        return first;
      }
    }
    return nullptr;
  }

  // How many batches there are; exact when nobody is pushing or popping.
  [[nodiscard]] std::size_t depth() const {
    return depth_of(first_of(top_.load(std::memory_order_acquire)));
  }

  // Calls visit for each batch; exact under the same condition, and finite in any case.
  template <typename Visit>
  void each(Visit visit) const {
    const batch* one = first_of(top_.load(std::memory_order_acquire));
    for (std::size_t left = depth_of(one); left > 0 && one != nullptr; --left) {
      visit(*one);
      one = one->under.load(std::memory_order_acquire);
    }
  }

 private:
  static constexpr unsigned counter_bits = 22;
  static constexpr unsigned alignment_bits = base::log2_of(alignof(batch));

  static std::uint32_t depth_of(const batch* one) {
    return one == nullptr ? 0 : one->depth.load(std::memory_order_relaxed);
  }
  static batch* first_of(std::uint64_t top) {
    return base::pointer_to<batch>(top >> counter_bits << alignment_bits);
  }
  static std::uint64_t successor(std::uint64_t top, const batch* first) {
    std::uint64_t counter = (top + 1) % (std::uint64_t{1} << counter_bits);
    return base::address_of(first) >> alignment_bits << counter_bits | counter;
  }

  std::atomic<std::uint64_t> top_{0};
};

}  // namespace strata::alloc
