// Threads that help a collection while the world is stopped.
//
//   collecting thread   run(task) --> task(0) ............. waits --> goes on
//   helper n            waits     --> task(n) ..... waits for the next
//
// A helper that the system has not woken before task(0) is over is not waited for: it has no part in this one.
// Helpers begin with the first task and end with the heap. A process that was forked has none of them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "os/process.hpp"

namespace strata::gc {

class workers {
 public:
  // So many, and the collecting thread.
  explicit workers(unsigned helpers) : count_(helpers) {}
  workers(const workers&) = delete;
  workers& operator=(const workers&) = delete;
  ~workers() {
    {
      std::lock_guard guard{lock_};
      ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& each : helpers_) are_here() ? each.join() : each.detach();
  }

  [[nodiscard]] unsigned helpers() const { return count_; }
  // False where there are helpers of another process's.
  [[nodiscard]] bool are_here() const { return helpers_.empty() || process_ == os::process_id(); }
  // task(unsigned number) by each, numbered from 0, which is the caller; returns when it and all that have begun
  // have ended.
  template <class Task>
  void run(Task& task) {
    begin_helpers();
    {
      std::lock_guard guard{lock_};
      task_ = &task;
      call_ = [](void* of, unsigned number) { (*static_cast<Task*>(of))(number); };
      is_open_ = true;
      ++round_;
    }
    changed_.notify_all();
    task(0U);
    std::unique_lock held{lock_};
    is_open_ = false;
    ended_.wait(held, [this] { return running_ == 0; });
  }

 private:
  // As many as the system has threads for.
  void begin_helpers() {
    process_ = os::process_id();
    try {
      while (helpers_.size() < count_) {
        auto number = static_cast<unsigned>(helpers_.size()) + 1;
        helpers_.emplace_back([this, number] { help(number); });
      }
    } catch (const std::system_error&) {
      count_ = static_cast<unsigned>(helpers_.size());
    }
  }
  void help(unsigned number) {
    std::unique_lock held{lock_};
    for (std::uint64_t done = 0;;) {
      changed_.wait(held, [&] { return ending_ || (is_open_ && round_ != done); });
      if (ending_) return;
      done = round_;
      ++running_;
      held.unlock();
      call_(task_, number);
      held.lock();
      if (--running_ == 0) ended_.notify_one();
    }
  }

  unsigned count_;
  std::int32_t process_ = 0;
  std::vector<std::thread> helpers_;
  std::mutex lock_;  // guards what follows
  std::condition_variable changed_;
  std::condition_variable ended_;
  void* task_ = nullptr;
  void (*call_)(void*, unsigned) = nullptr;
  unsigned running_ = 0;
  std::uint64_t round_ = 0;
  bool is_open_ = false;  // the round can be joined
  bool ending_ = false;
};

}  // namespace strata::gc
