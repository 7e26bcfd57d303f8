// The threads whose stacks are roots, and how they are stopped.
//
//   collecting thread                          each other thread
//     round_ becomes odd, signal to each  -->  in the midst of an allocation: says so, stops at its end
//     waits for arrived_ == asked              otherwise: stopped_at = its stack pointer, ++arrived_
//     marks                                    waits while round_ is as it was
//     round_ becomes even                 -->  goes on
//
// Registers lie on the stack by then: the kernel has put them there, or park() has.
// A thread is known from its GC_register_my_thread or GC_pthread_create on, or from its first allocation; it
// is forgotten at its end, or earlier if it asks for it. One that blocks (GC_do_blocking) is not stopped: it
// waits for the lock before it goes on. All is guarded by the lock of the world (world.hpp).
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "boehm/interface.hpp"
#include "conservative/cursor.hpp"

namespace strata::boehm {

// Frames of [top, base) of a stack are roots: those of an active part within GC_do_blocking, and of what is around.
struct stack_section {
  std::uintptr_t base = 0;
  std::uintptr_t top = 0;
  stack_section* outer = nullptr;
};

struct thread {
  conservative::cursors own;
  thread* next = nullptr;
  std::int32_t number = 0;
  pthread_t handle = {};
  std::uintptr_t pointer = 0;     // to its static data
  std::uintptr_t stack_base = 0;  // where the frames begin that are roots
  std::uintptr_t stack_low = 0;   // as far as the stack may grow; 0: unknown
  std::uintptr_t blocked_at = 0;  // not 0: it blocks, with this stack pointer
  stack_section* outer = nullptr;
  std::atomic<std::uintptr_t> stopped_at{0};
  std::uintptr_t signal_stack_end = 0;  // not 0: it has stopped on its alternative signal stack
  std::atomic<std::uint32_t> stopped_in{0};  // which round
  void* result = nullptr;
  bool is_implicit = false;  // nobody has asked for it to be known
  bool is_created = false;   // by GC_pthread_create: its result is a root until it is joined
  bool is_detached = false;
  bool has_ended = false;
  bool is_asked = false;  // in this round
};

class threads {
 public:
  static inline thread_local constinit thread* self = nullptr;

  // The signals that threads are stopped by; before open().
  int stop_signal = 0;
  int restart_signal = 0;
  void open();

  // The calling thread, known from now on; null when there is no memory. stack_base 0: its whole stack.
  thread* add_self(std::uintptr_t stack_base);
  void remove(thread* which);
  // The newest first.
  [[nodiscard]] thread* first() const { return first_; }
  [[nodiscard]] thread* find(pthread_t handle) const;

  // All but the caller. The lock is held from before stop() until after restart().
  void stop();
  void restart();
  // In a forked child, where no other is left.
  void keep_only_self();

  // The calling thread was asked to stop in the midst of an allocation, which is over.
  static void stop_here();

 private:
  void tell_asked(gc_event event) const;
  static void on_stop_signal(int);
  static void park(thread* me, std::uintptr_t round);

  thread* first_ = nullptr;
  thread* unused_ = nullptr;
  pthread_key_t at_exit_ = {};
  bool is_open_ = false;
};

// While it lives the calling thread is not stopped.
class allocating {
 public:
  explicit allocating(conservative::cursors& of) : of_(of) {
    of_.busy.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  STRATA_INLINE ~allocating() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    of_.busy.store(false, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (STRATA_UNLIKELY(of_.stop_wanted.load(std::memory_order_relaxed))) threads::stop_here();
  }
  allocating(const allocating&) = delete;
  allocating& operator=(const allocating&) = delete;

 private:
  conservative::cursors& of_;
};

}  // namespace strata::boehm
