// What tracers that work at once have for each other: references that one has too many of.
//
//   stack  | given | kept, newer |  --give, where somebody is hungry-->  shared_  --take-->  another's stack
//
//   working_   those that may still give: who enters, and has not come to take since with nothing left
//   all is done when shared_ is empty and nobody is working
//
// Who is hungry looks for a while before it sleeps: pauses are short, and to be woken takes as long as to copy a
// thousand objects.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

#include "base/bits.hpp"
#include "gc/row.hpp"
#include "os/process.hpp"

namespace strata::gc {

class shared_work {
 public:
  bool open(std::size_t most_entries) { return shared_.open(most_entries); }
  // The caller is at work, and nobody else.
  void begin() {
    working_.store(1, std::memory_order_relaxed);
    offered_.store(0, std::memory_order_relaxed);
    is_wanted_.store(false, std::memory_order_relaxed);
    hungry_ = 0;
    shared_.trim();
  }
  // Another is at work from now on; false when all is done.
  bool enter() {
    std::lock_guard guard{lock_};
    if (all_is_done()) return false;
    add_working(1);
    return true;
  }
  // Somebody is hungry, and nothing is there. relaxed: a little sooner or later.
  [[nodiscard]] bool is_wanted() const { return is_wanted_.load(std::memory_order_relaxed); }
  // The older half of a stack, from which more follows.
  void give(work_stack& from) {
    std::size_t given = from.size() / 2;
    {
      std::lock_guard guard{lock_};
      for (std::size_t at = 0; at < given; ++at) shared_.push(from[at]);
      tell_offer();
    }
    from.erase(0, given);
    changed_.notify_all();
  }
  // Of one at work that has nothing left: waits until there is some; false when all is done.
  bool take(work_stack& into) {
    std::unique_lock held{lock_};
    add_working(-1);
    if (shared_.empty()) wait(held);
    if (shared_.empty()) {
      changed_.notify_all();
      return false;
    }
    add_working(1);
    for (std::size_t left = base::smaller(shared_.size(), most_taken); left > 0; --left)
      into.push(shared_.pop());
    tell_offer();
    return true;
  }
  // Held by a tracer that notes what it has found in a row that all have.
  [[nodiscard]] std::mutex& found_lock() { return found_lock_; }

 private:
  static constexpr std::size_t most_taken = 512;
  static constexpr unsigned most_looks = 2000;
  static constexpr unsigned looks_a_turn = 64;

  // relaxed, for who looks without the lock: it looks again with it.
  void add_working(int more) {
    working_.store(working_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  void tell_offer() {
    offered_.store(shared_.size(), std::memory_order_relaxed);
    is_wanted_.store(shared_.empty() && hungry_ > 0, std::memory_order_relaxed);
  }
  [[nodiscard]] bool all_is_done() const {
    return offered_.load(std::memory_order_relaxed) == 0 &&
           working_.load(std::memory_order_relaxed) == 0;
  }
  [[nodiscard]] bool has_news() const {
    return offered_.load(std::memory_order_relaxed) != 0 || all_is_done();
  }
  void wait(std::unique_lock<std::mutex>& held) {
    ++hungry_;
    tell_offer();
    held.unlock();
    for (unsigned looks = 1; looks < most_looks && !has_news(); ++looks) {
      os::relax();
      // Whom it waits for may have no other processor.
      if (looks % looks_a_turn == 0) std::this_thread::yield();
    }
    held.lock();
    changed_.wait(held, [this] { return has_news(); });
    --hungry_;
  }

  std::mutex lock_;  // guards what follows, but for looks at it
  std::mutex found_lock_;
  std::condition_variable changed_;
  std::atomic<bool> is_wanted_{false};
  std::atomic<std::size_t> offered_{0};  // as many as are in shared_
  std::atomic<int> working_{0};
  unsigned hungry_ = 0;
  work_stack shared_;
};

}  // namespace strata::gc
