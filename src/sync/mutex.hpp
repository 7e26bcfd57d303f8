// A lock for the allocator's shared levels: one word, no allocation, usable before libc is ready,
// resettable in a forked child, and never held while a signal handler runs.
//
//   word   0 free   1 held   2 held, and somebody may sleep    (Drepper, Futexes Are Tricky, 2011)
//
// Signals: a handler that interrupts a critical section and leaves it by longjmp would leave the
// lock held for ever, and one that forks would make the fork wait for itself. A `locked` section
// therefore blocks signals first. Sections nest; only the outermost one changes the mask.
//
// Ranks: locks are taken in the order of their ranks; debug builds check it.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/check.hpp"
#include "os/process.hpp"

namespace strata::sync {

// In the order in which they are taken.
enum class rank : std::uint8_t {
  registry,    // the list of thread caches
  heaps,       // the list of first-class heaps
  heap,        // one first-class heap
  quarantine,  // freed blocks that wait
  guard,       // the slots of guarded blocks
  bin,         // one size class's spans
  large,       // the tree of mappings
  pages,       // the page heap
  metadata,    // the metadata arena
};

class mutex {
 public:
  explicit constexpr mutex(rank order) : rank_(order) {}

  [[nodiscard]] rank order() const { return rank_; }

  void lock() {
    std::uint32_t expected = 0;
    // acquire: pairs with unlock's release, so that the section sees what the last one wrote.
    if (!word_.compare_exchange_strong(expected, 1, std::memory_order_acquire)) lock_slow();
  }
  bool try_lock() {
    std::uint32_t expected = 0;
    return word_.compare_exchange_strong(expected, 1, std::memory_order_acquire);
  }
  void unlock() {
    // release: the next holder sees what this section wrote.
    if (word_.exchange(0, std::memory_order_release) == 2) os::wake_one(&word_);
  }
  // In a forked child, where no other thread exists.
  void reset() { word_.store(0, std::memory_order_relaxed); }

 private:
  STRATA_NOINLINE void lock_slow() {
    for (int spins = 0; spins < 100; ++spins) {
      if (word_.load(std::memory_order_relaxed) == 0 && try_lock()) return;
      os::relax();
    }
    while (word_.exchange(2, std::memory_order_acquire) != 0) os::wait(&word_, 2);
  }

  std::atomic<std::uint32_t> word_{0};
  rank rank_;
};

// Signals stay out while one of these lives.
class signal_shield {
 public:
  // depth_ changes only while signals are blocked: a handler that leaves by longjmp in between would
  // leave it wrong.
  signal_shield() {
    if (depth_ == 0) before_ = os::block_signals();
    std::atomic_signal_fence(std::memory_order_seq_cst);
    ++depth_;
  }
  ~signal_shield() {
    --depth_;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (depth_ == 0) os::restore_signals(before_);
  }
  signal_shield(const signal_shield&) = delete;
  signal_shield& operator=(const signal_shield&) = delete;

 private:
  // A handler never sees depth_ > 0, except for one of a faulting instruction, after which
  // nothing is promised.
  static inline thread_local constinit int depth_ = 0;
  os::signal_mask before_ = 0;
};

// A critical section.
class locked {
 public:
  explicit locked(mutex& lock) : lock_(lock) {
    if constexpr (config::debug) {
      outer_ = innermost_;
      STRATA_CHECK(outer_ < static_cast<int>(lock.order()));
      innermost_ = static_cast<int>(lock.order());
    }
    lock_.lock();
  }
  ~locked() {
    lock_.unlock();
    if constexpr (config::debug) innermost_ = outer_;
  }
  locked(const locked&) = delete;
  locked& operator=(const locked&) = delete;

 private:
  // The rank of the innermost section that this thread is in; debug builds only.
  static inline thread_local constinit int innermost_ = -1;

  signal_shield shield_;
  mutex& lock_;
  int outer_ = -1;
};

}  // namespace strata::sync
