// What fork() does to resources that several threads use.
//
// The child has one thread and a copy of all memory. A lock that another thread held stays held in it
// for ever, and what that thread was changing stays half changed. So each such resource has a seat in
// a list, and a fork goes
//
//   before      takes the locks of all seats, the youngest first: a resource is younger than its upstream
//   in both     gives them back
//   in child    lets each seat put right what the threads that are gone left: their caches are for
//               others now, and they wait for nothing
//
// Locks of several resources may nest in any order, so nothing is waited for with a lock in hand: if one
// cannot be had soon, all are given back, and it begins again. What the forking thread itself has, as
// code of a user's that runs under a lock may fork, it keeps. A lock that cannot be had for a second is
// left alone: its holder will not give it back. The parent does not notice; the child had better not
// use that resource.
//
// Nothing between fork and its return calls upstream or frees memory: a program that only execs must
// not hang because of a memory_resource of its own.
#pragma once

#include <atomic>
#include <cstdint>

#include <strata/detail/support.hpp>

namespace strata::detail {

// Each may be null: there is nothing to do. `resource` is what the seat was made with.
struct fork_ways {
  bool (*try_hold)(void* resource) noexcept;  // all of its locks, or none and false
  void (*let_go)(void* resource) noexcept;
  void (*in_child)(void* resource) noexcept;  // no lock is held
  // In a child, after in_child: it lay on the stack of a thread that is gone, where others will be.
  void (*lost)(void* resource) noexcept = nullptr;
  // Whether the calling thread has the locks itself: it goes on having them, in both.
  bool (*is_callers)(const void* resource) noexcept = nullptr;
};

class STRATA_RESOURCES_API fork_seat {
 public:
  constexpr fork_seat(const fork_ways& ways, void* resource) noexcept
      : ways_(&ways), resource_(resource) {}
  fork_seat(const fork_seat&) = delete;
  fork_seat& operator=(const fork_seat&) = delete;

  // From here until leave() forks look after it. Once more makes it the youngest. In the child it
  // has left if it lay on the stack of a thread that is gone.
  void enter() noexcept;
  void leave() noexcept;
  // Whether threads may be gone that used it: this process is a child of the one in which it was entered.
  [[nodiscard]] bool crossed_fork() const noexcept;

 private:
  friend struct fork_list;
  const fork_ways* ways_;
  void* resource_;
  fork_seat* older_ = nullptr;
  fork_seat* younger_ = nullptr;
  const void* stack_of_ = nullptr;  // the thread on whose stack it lies; null: on none
  std::uint32_t entered_in_ = 0;    // how many forks deep, from 1
  bool is_entered_ = false;
  bool held_ = false;
};

// A seat for as long as what it is a member of.
class fork_member : public fork_seat {
 public:
  fork_member(const fork_ways& ways, void* resource) noexcept : fork_seat(ways, resource) {
    enter();
  }
  ~fork_member() { leave(); }
};

// Tells the calling thread from others.
STRATA_RESOURCES_API const void* calling_thread() noexcept;

// A lock that every fork finds free, for data that need nothing else. Declared behind them, so that
// the locks within them are older.
template <class Lock>
class fork_safe : public Lock {
 public:
  fork_safe() noexcept : seat_(ways, this) {}

  // Holds the lock while code of a user's runs, which may fork.
  class lent {
   public:
    explicit lent(fork_safe& lock) : lock_(lock) {
      lock.lock();
      // relaxed, as below: a thread asks for itself alone
      lock.lent_to_.store(calling_thread(), std::memory_order_relaxed);
    }
    ~lent() {
      lock_.lent_to_.store(nullptr, std::memory_order_relaxed);
      lock_.unlock();
    }
    lent(const lent&) = delete;
    lent& operator=(const lent&) = delete;

   private:
    fork_safe& lock_;
  };

 private:
  static bool try_hold(void* self) noexcept { return static_cast<fork_safe*>(self)->try_lock(); }
  static void let_go(void* self) noexcept { static_cast<fork_safe*>(self)->unlock(); }
  static bool is_callers(const void* self) noexcept {
    const auto& lent_to = static_cast<const fork_safe*>(self)->lent_to_;
    return lent_to.load(std::memory_order_relaxed) == calling_thread();
  }
  static constexpr fork_ways ways = {try_hold, let_go, nullptr, nullptr, is_callers};

  std::atomic<const void*> lent_to_{nullptr};
  fork_member seat_;
};

// The same for one that is never destroyed. Whatever is locked within it enters first, and then it does.
template <class Lock>
class fork_safe_global : public Lock {
 public:
  constexpr fork_safe_global() noexcept : seat_(ways, this) {}
  void enter() noexcept { seat_.enter(); }

 private:
  static bool try_hold(void* self) noexcept {
    return static_cast<fork_safe_global*>(self)->try_lock();
  }
  static void let_go(void* self) noexcept { static_cast<fork_safe_global*>(self)->unlock(); }
  static constexpr fork_ways ways = {try_hold, let_go, nullptr};
  fork_seat seat_;
};

}  // namespace strata::detail
