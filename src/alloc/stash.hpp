// A thread's own batches of one class, between its magazine and the depot.
//
//   magazine <--> stash <--> depot, shared by all threads
//
// What a thread flushes it often wants back: batches that come and go here need no atomic operation,
// and above all they stay with the thread. Blocks that wander through the depot from thread to thread
// end up side by side in different threads' hands, and then every free of one thread takes the cache
// line of the marks away from another.
//
// How much it may hold follows reuse, as the depot does (depot.hpp): where a refill finds nothing after
// a flush found no room it was too small. A thread that only frees keeps one batch, and passes on the
// rest. What was not wanted since the last trim goes.
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
  [[nodiscard]] bool has_room() const { return count_ < allowed_; }
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
      allowed_ = static_cast<std::uint8_t>(base::smaller(most(number), allowed_ * 2U));
    }
    return one;
  }
  // A flush had to go elsewhere.
  void note_refused() { refused_ = true; }

  // Returns how many batches were not wanted since the last trim: the caller removes them.
  std::size_t trim() {
    std::size_t unused = lowest_;
    allowed_ = static_cast<std::uint8_t>(base::larger(1, allowed_ - unused));
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
  static constexpr std::size_t most_bytes = 128 * base::KiB;
  static constexpr std::size_t most_batches = 32;
  static std::size_t most(std::size_t number) {
    std::size_t by_bytes = most_bytes / (batch_of(number) * ground::class_bytes(number));
    return base::larger(1, base::smaller(most_batches, by_bytes));
  }

  batch* top_ = nullptr;
  std::uint8_t count_ = 0;
  std::uint8_t allowed_ = 1;
  std::uint8_t lowest_ = 0;  // batches held since the last trim, at the least
  bool refused_ = false;     // and not asked for since
};

}  // namespace strata::alloc
