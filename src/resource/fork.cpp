#include <strata/detail/fork.hpp>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <strata/detail/word_lock.hpp>

#include "os/fork.hpp"
#include "os/process.hpp"

namespace strata::detail {
namespace {

struct thread {
  bool is_known = false;
  os::stack_range stack;
};
// Its address tells threads apart.
constinit thread_local thread this_thread = {};

}  // namespace

struct fork_list {
  static inline constinit word_lock lock;  // guards all below, and is held during a fork
  static inline constinit fork_seat* youngest = nullptr;
  static inline constinit std::atomic<bool> asked{false};
  // relaxed: changes only in a child, while it has one thread.
  static inline constinit std::atomic<std::uint32_t> depth{1};

  // The thread on whose stack it lies. Not under the lock: to ask for a stack allocates.
  static const void* stack_of(const fork_seat& one) {
    if (!this_thread.is_known) {
      this_thread.is_known = true;
      this_thread.stack = os::own_stack();
    }
    auto [start, end] = this_thread.stack;
    return address_of(&one) >= start && address_of(&one) < end ? &this_thread : nullptr;
  }

  static inline constinit bool leaves_threads = false;  // the fork that is under way

  static constexpr std::uint64_t patience_ns = 1'000'000'000;
  static constexpr int tries = 200;

  static void link(fork_seat& one) {
    one.younger_ = nullptr;
    one.older_ = youngest;
    if (youngest != nullptr) youngest->younger_ = &one;
    youngest = &one;
  }
  static void unlink(fork_seat& one) {
    if (one.older_ != nullptr) one.older_->younger_ = one.younger_;
    (one.younger_ != nullptr ? one.younger_->older_ : youngest) = one.older_;
  }

  static bool try_hold(fork_seat& one) {
    if (one.ways_->try_hold == nullptr) return true;
    for (int i = 0; i < tries; ++i) {
      if (one.ways_->try_hold(one.resource_)) return true;
      std::this_thread::yield();
    }
    return false;
  }
  static bool is_callers(const fork_seat& one) {
    return one.ways_->is_callers != nullptr && one.ways_->is_callers(one.resource_);
  }
  // False, and none is held, when one cannot be had and may not be left out.
  static bool hold_all(bool may_leave_out) {
    for (fork_seat* each = youngest; each != nullptr; each = each->older_) {
      if (is_callers(*each)) continue;
      each->held_ = try_hold(*each);
      if (each->held_ || may_leave_out) continue;
      let_go_all();
      return false;
    }
    return true;
  }
  static void let_go_all() {
    for (fork_seat* each = youngest; each != nullptr; each = each->older_) {
      if (each->held_ && each->ways_->let_go != nullptr) each->ways_->let_go(each->resource_);
      each->held_ = false;
    }
  }

  // What lay on stacks that others will use.
  static void forget_lost() {
    fork_seat* older = nullptr;
    for (fork_seat* each = youngest; each != nullptr; each = older) {
      older = each->older_;
      if (each->stack_of_ == nullptr || each->stack_of_ == &this_thread) continue;
      unlink(*each);
      each->is_entered_ = false;
      if (each->ways_->lost != nullptr) each->ways_->lost(each->resource_);
    }
  }

  static void before() {
    std::uint64_t patient_until_ns = os::monotonic_ns() + patience_ns;
    lock.lock();
    while (!hold_all(os::monotonic_ns() > patient_until_ns)) {
      // Who holds what we want may want to enter another.
      lock.unlock();
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      lock.lock();
    }
    leaves_threads = os::has_other_threads();
  }
  static void in_parent() {
    let_go_all();
    lock.unlock();
  }
  static void in_child() {
    if (!leaves_threads) return in_parent();
    depth.fetch_add(1, std::memory_order_relaxed);
    // What was not held may be half changed.
    for (fork_seat* each = youngest; each != nullptr; each = each->older_) {
      if (each->held_ && each->ways_->let_go != nullptr) each->ways_->let_go(each->resource_);
    }
    for (fork_seat* each = youngest; each != nullptr; each = each->older_) {
      if (each->held_ && each->ways_->in_child != nullptr) each->ways_->in_child(each->resource_);
      each->held_ = false;
    }
    forget_lost();
    lock.unlock();
  }
};

const void* calling_thread() noexcept { return &this_thread; }

void fork_seat::enter() noexcept {
  // relaxed: one asks; whether it has been answered matters to forks from then on.
  if (!fork_list::asked.exchange(true, std::memory_order_relaxed)) {
    os::at_fork(fork_list::before, fork_list::in_parent, fork_list::in_child);
  }
  const void* stack = fork_list::stack_of(*this);
  std::lock_guard inside(fork_list::lock);
  if (is_entered_) {
    fork_list::unlink(*this);
  } else {
    entered_in_ = fork_list::depth.load(std::memory_order_relaxed);
    stack_of_ = stack;
    is_entered_ = true;
  }
  fork_list::link(*this);
}

void fork_seat::leave() noexcept {
  std::lock_guard inside(fork_list::lock);
  if (is_entered_) fork_list::unlink(*this);
  is_entered_ = false;
}

bool fork_seat::crossed_fork() const noexcept {
  return entered_in_ != fork_list::depth.load(std::memory_order_relaxed);
}

}  // namespace strata::detail
