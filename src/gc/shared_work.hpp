// What markers that work at once have for each other: references that one has too many of.
//
//   stack  | given | kept, newer |  --give, where somebody is hungry-->  shared_  --take-->  another's stack
//
//   all is done when shared_ is empty and every marker is hungry
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "base/bits.hpp"
#include "gc/row.hpp"

namespace strata::gc {

class shared_work {
 public:
  bool open(std::size_t most_entries) { return shared_.open(most_entries); }
  // Nobody is at work.
  void begin(unsigned markers) {
    markers_ = markers;
    hungry_ = 0;
    is_wanted_.store(false, std::memory_order_relaxed);
    shared_.trim();
  }
  // Somebody is hungry, and nothing is there. relaxed: a little sooner or later.
  [[nodiscard]] bool is_wanted() const { return is_wanted_.load(std::memory_order_relaxed); }
  // The older half of a stack, from which more follows.
  void give(work_stack& from) {
    std::size_t given = from.size() / 2;
    {
      std::lock_guard guard{lock_};
      for (std::size_t at = 0; at < given; ++at) shared_.push(from[at]);
      is_wanted_.store(false, std::memory_order_relaxed);
    }
    for (std::size_t at = given; at < from.size(); ++at) from[at - given] = from[at];
    from.shorten(from.size() - given);
    changed_.notify_all();
  }
  // Waits until there is some; false when all is done.
  bool take(work_stack& into) {
    std::unique_lock held{lock_};
    if (shared_.empty()) {
      ++hungry_;
      is_wanted_.store(true, std::memory_order_relaxed);
      changed_.wait(held, [this] { return !shared_.empty() || hungry_ == markers_; });
      if (shared_.empty()) {
        changed_.notify_all();
        return false;
      }
      --hungry_;
    }
    for (std::size_t left = base::smaller(shared_.size(), most_taken); left > 0; --left)
      into.push(shared_.pop());
    is_wanted_.store(shared_.empty() && hungry_ > 0, std::memory_order_relaxed);
    return true;
  }
  // Held by a marker that notes what it has found in a row that all have.
  [[nodiscard]] std::mutex& found_lock() { return found_lock_; }

 private:
  static constexpr std::size_t most_taken = 512;

  std::mutex lock_;  // guards shared_, hungry_ and changes of is_wanted_
  std::mutex found_lock_;
  std::condition_variable changed_;
  std::atomic<bool> is_wanted_{false};
  unsigned hungry_ = 0;
  unsigned markers_ = 0;
  work_stack shared_;
};

}  // namespace strata::gc
