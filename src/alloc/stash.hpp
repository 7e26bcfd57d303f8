// A thread's own batches of one class, between its magazine and the depot.
//
//   magazine <--> stash <--> depot, shared by all threads
//
// What a thread flushes it often wants back: batches that come and go here need no atomic operation,
// and above all they stay with the thread. Blocks that wander through the depot from thread to thread
// end up side by side in different threads' hands, and then each write of one thread takes the block's
// cache line away from another. So the stashes of the smallest classes have room from the start.
//
// How much it may hold follows reuse, as the depot does (depot.hpp): where a refill finds nothing after
// a flush found no room it was too small. A thread that only frees keeps the first few KiB, and passes on
// the rest. What was not wanted since the last trim goes.
//
// The owner's slow operations alone use it, and whoever holds the owner's gate (thread_cache.hpp). Each
// change is one store, so that one cut off anywhere loses a batch and nothing else.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "alloc/batch_stack.hpp"
#include "alloc/depot.hpp"
#include "base/bits.hpp"

namespace strata::alloc {

class stash {
 public:
  [[nodiscard]] bool has_room(std::size_t number) const { return count_ < allowed(number); }
  void push(batch* full) {
    full->under.store(top_, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    top_ = full;
    ++count_;
  }
  // A batch, for giving its blocks back to their spans; null when there is none.
  batch* remove() {
    batch* one = top_;
    if (one == nullptr) return nullptr;
    top_ = one->under.load(std::memory_order_relaxed);
    if (count_ > 0) --count_;
    if (count_ < lowest_) lowest_ = count_;
    return one;
  }
  // The same, for use.
  batch* take(std::size_t number) {
    batch* one = remove();
    if (one == nullptr && refused_) {
      refused_ = false;
      allowed_ = static_cast<std::uint8_t>(base::smaller(most(number), allowed(number) * 2));
    }
    return one;
  }
  // A flush had to go elsewhere.
  void note_refused() { refused_ = true; }

  // Returns how many batches were not wanted since the last trim: the caller removes them.
  std::size_t trim() {
    std::size_t unused = lowest_;
    // An eighth goes in any case, so that an allowance that serves nobody does not stay.
    std::size_t less = base::smaller(allowed_, unused + (allowed_ + 7U) / 8);
    allowed_ = static_cast<std::uint8_t>(allowed_ - less);
    lowest_ = static_cast<std::uint8_t>(count_ - unused);
    refused_ = false;
    return unused;
  }

  // Calls visit for each batch.
  template <typename Visit>
  void each(Visit visit) const {
    std::size_t left = count_;
    for (const batch* one = top_; one != nullptr && left > 0; --left) {
      visit(*one);
      one = one->under.load(std::memory_order_relaxed);
    }
  }

 private:
  static std::size_t batches(std::size_t number, std::size_t bytes, std::size_t most) {
    std::size_t by_bytes = bytes / (batch_of(number) * ground::class_bytes(number));
    return base::larger(1, base::smaller(most, by_bytes));
  }
  static std::size_t first(std::size_t number) { return batches(number, 16 * base::KiB, 8); }
  static std::size_t most(std::size_t number) { return batches(number, 256 * base::KiB, 128); }

  // Batches that it may hold.
  [[nodiscard]] std::size_t allowed(std::size_t number) const {
    return base::larger(first(number), allowed_);
  }

  batch* top_ = nullptr;
  std::uint8_t count_ = 0;
  std::uint8_t allowed_ = 0;  // by reuse
  std::uint8_t lowest_ = 0;   // batches held since the last trim, at the least
  bool refused_ = false;      // and not asked for since
};

}  // namespace strata::alloc
