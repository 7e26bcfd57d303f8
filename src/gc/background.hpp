// The thread that marks while the program runs, and who may touch the old space when.
//
//   program    ... | young | ... | young: begins | ... | young | ... | young: settles | ...         | young: ends | ...
//   thread      sweeps ........ ready             marks  waits  marks  marked          clears cleared
//
//   idle --> sweeping --> ready --> marking --> marked --> clearing --> cleared --> idle
//        (1)          (2)       (1)         (2)      | (1)          (2)         (1) ^       (1) by a collection,
//                                                    '------ little to clear -------'       (2) by the thread
//
// A marking is over in two steps: once what lives is known, references to the dead are cleared beside the program,
// however many; until they are, no memory of the dead is used again.
//
// While it is idle it sweeps ahead, so that what a marking has left for dead is soon to be had, and the next begins
// as soon as it is asked for.
//
// It also makes the system find pages for what promotion will use next, eight blocks at a time: 0.15 ms for a block
// where a virtual machine's host finds pages one by one. The other work gets as much time as that takes, so that a
// heap that grows fast is marked nevertheless; and who fills eden faster than there are pages to promote it to waits
// a little at each block of it (await_pages), rather than for a page in the pause.
//
// It works in slices of some 20 us, holding lock_ in each. A collection that wants its turn gets it after
// the slice at hand; then the thread waits until the collection is over. Young collections do a little of the
// work themselves, and more when it is behind what comes meanwhile: it may get no processor. Where the process has
// but one, a thread would stop the program for a slice of the scheduler's: there is none, and young collections
// do all of it, some more at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "gc/old_space.hpp"
#include "os/process.hpp"

namespace strata::gc {

class background {
 public:
  enum class stage : std::uint8_t { idle, sweeping, ready, marking, marked, clearing, cleared };

  // ahead: of so many blocks the thread makes the system find pages, before promotion needs them.
  background(core& of, old_space& old, std::size_t ahead) : core_(of), old_(old), ahead_(ahead) {
    if (std::thread::hardware_concurrency() > 1) thread_ = std::thread([this] { work(); });
  }
  background(const background&) = delete;
  background& operator=(const background&) = delete;
  ~background() {
    {
      std::lock_guard guard{lock_};
      ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  // A collection's turn: between the two the thread does nothing, and the stage may be changed.
  void enter() {
    wanted_.store(true, std::memory_order_relaxed);
    std::lock_guard guard{lock_};
    wanted_.store(false, std::memory_order_relaxed);
    collecting_ = true;
  }
  void leave() {
    {
      std::lock_guard guard{lock_};
      collecting_ = false;
    }
    changed_.notify_all();
  }
  // relaxed, for mutators that ask: a wait more or less.
  [[nodiscard]] stage now() const { return stage_.load(std::memory_order_relaxed); }
  void go_to(stage next) {
    stage_.store(next, std::memory_order_relaxed);
    may_sweep_ = next == stage::idle;
  }
  // A collection's share of the work, in its turn: more where the thread is late.
  void help(bool is_late) {
    std::uint64_t until_ns = os::monotonic_ns() + share_ns(is_late);
    while (has_work() && os::monotonic_ns() < until_ns) slice();
  }
  // A mutator waits for a while, where the system is finding pages. Called without a lock.
  void await_pages() {
    std::unique_lock held{waiting_lock_};
    if (populating_) came_on_.wait_for(held, std::chrono::nanoseconds{longest_wait_ns});
  }
  // So many times that while, or until a collection is due to go on. False where there is nothing to wait for.
  bool await_marking(std::size_t times) {
    if (!thread_.joinable() || now() == stage::idle) return false;
    std::unique_lock held{waiting_lock_};
    came_on_.wait_for(held, std::chrono::nanoseconds{times * longest_wait_ns},
                      [this] { return !has_work(); });
    return true;
  }

 private:
  static constexpr std::uint64_t helping_ns = 30'000;
  static constexpr std::uint64_t working_alone_ns = 400'000;
  // Mutators that wait bring a thread that is late forward, too.
  static constexpr std::uint64_t helping_late_ns = 300'000;
  static constexpr std::uint64_t alone_and_late_ns = 800'000;
  // At each block of eden: more than it takes to find pages for another.
  static constexpr std::uint64_t longest_wait_ns = 250'000;
  static constexpr std::size_t slice_objects = 256;
  static constexpr std::size_t slice_blocks = 16;
  static constexpr std::size_t slice_references = 128;

  [[nodiscard]] std::uint64_t share_ns(bool is_late) const {
    if (thread_.joinable()) return is_late ? helping_late_ns : helping_ns;
    return is_late ? alone_and_late_ns : working_alone_ns;
  }
  [[nodiscard]] bool has_work() const {
    stage at = now();
    return at == stage::sweeping || at == stage::marking || at == stage::clearing;
  }
  [[nodiscard]] bool may_work() const {
    // In this order: while a collection has its turn the stage is its own.
    return !collecting_ && !wanted_.load(std::memory_order_relaxed) && (has_work() || may_sweep_);
  }
  void work() {
    os::work_in_background();
    std::unique_lock held{lock_};
    while (!ending_) {
      std::uint64_t began_ns = os::monotonic_ns();
      bool has_populated = populate_some(held);
      std::uint64_t now_ns = os::monotonic_ns();
      if (may_work())
        work_until(now_ns + (now_ns - began_ns));
      else if (!has_populated && !ending_)
        changed_.wait(held);
    }
  }
  // One slice at least.
  void work_until(std::uint64_t end_ns) {
    do slice();
    while (may_work() && os::monotonic_ns() < end_ns);
  }
  // The only work that takes long, so that nobody may have to wait for it. False when there is none.
  bool populate_some(std::unique_lock<std::mutex>& held) {
    if (collecting_) return false;
    blocks::fresh some;
    {
      std::lock_guard guard{core_.lock()};
      some = old_.next_fresh(ahead_);
    }
    {
      std::lock_guard guard{waiting_lock_};
      populating_ = some.count != 0;
    }
    came_on_.notify_all();
    if (some.count == 0) return false;
    held.unlock();
    old_.populate(some);
    held.lock();
    return true;
  }
  void slice() {
    if (now() == stage::marking) {
      if (old_.mark_some(slice_objects)) come_to(stage::marked);
    } else if (now() == stage::clearing) {
      if (old_.clear_some(slice_references)) come_to(stage::cleared);
    } else {
      std::lock_guard guard{core_.lock()};
      if (!old_.sweep_some(slice_blocks)) return;
      may_sweep_ = false;
      if (now() == stage::sweeping) come_to(stage::ready);
    }
  }
  // With the lock, so that nobody begins to wait in between.
  void come_to(stage next) {
    {
      std::lock_guard guard{waiting_lock_};
      stage_.store(next, std::memory_order_relaxed);
    }
    came_on_.notify_all();
  }

  core& core_;
  old_space& old_;
  std::size_t ahead_;
  std::mutex lock_;  // guards what follows, and the old space's marker while the program runs
  std::condition_variable changed_;
  std::atomic<stage> stage_{stage::idle};
  bool may_sweep_ = false;  // idle, and not all is swept, as far as the thread knows
  bool collecting_ = false;
  bool ending_ = false;
  std::mutex waiting_lock_;  // guards populating_, and what the thread comes to; the last in order
  std::condition_variable came_on_;
  bool populating_ = false;          // the thread makes the system find pages, or may soon
  std::atomic<bool> wanted_{false};  // relaxed: a slice more or less
  std::thread thread_;               // none where there is one processor
};

}  // namespace strata::gc
