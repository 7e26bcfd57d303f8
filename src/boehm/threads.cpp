#include "boehm/threads.hpp"

#include <cerrno>
#include <new>

#include "boehm/world.hpp"
#include "os/fork.hpp"
#include "os/loaded.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"
#include "os/stop_signal.hpp"

namespace strata::boehm {
namespace {

// Odd while the world is stopped, or being stopped.
std::atomic<std::uint32_t> stop_round{0};
std::atomic<std::uint32_t> arrived{0};

constexpr std::uint64_t resend_after_ns = 100'000'000;

void at_thread_exit(void* known) {
  auto* ending = static_cast<thread*>(known);
  the_world.lock.lock();
  if (threads::self == ending) the_world.threads.remove(ending);
  the_world.lock.unlock();
}

}  // namespace

void threads::open() {
  if (stop_signal == 0) stop_signal = os::default_stop_signal();
  if (restart_signal == 0) restart_signal = os::default_restart_signal();
  STRATA_CHECK(pthread_key_create(&at_exit_, at_thread_exit) == 0);
  STRATA_CHECK(os::on_signal(stop_signal, on_stop_signal));
  is_open_ = true;
}

thread* threads::add_self(std::uintptr_t stack_base) {
  // Not under the lock: libc allocates, and other threads' destructors may collect.
  os::stack_range room = os::own_stack();
  thread* added = nullptr;
  the_world.lock.lock();
  if (unused_ != nullptr) {
    added = unused_;
    unused_ = added->next;
  } else {
    void* pages = os::map(base::align_up(sizeof(thread), os::page_bytes()), os::page_bytes());
    if (pages != nullptr) added = static_cast<thread*>(pages);
  }
  if (added != nullptr) {
    ::new (added) thread;
    added->number = os::thread_id();
    added->handle = pthread_self();
    added->pointer = os::thread_pointer();
    added->stack_low = room.start;
    added->stack_base = stack_base != 0 ? stack_base
                        : room.end != 0 ? room.end
                                        : os::first_stack_base();
    added->next = first_;
    first_ = added;
    self = added;
  }
  the_world.lock.unlock();
  if (added != nullptr) pthread_setspecific(at_exit_, added);
  return added;
}

void threads::remove(thread* which) {
  the_world.heap.flush(which->own);
  if (self == which) self = nullptr;
  thread** link = &first_;
  while (*link != which) link = &(*link)->next;
  *link = which->next;
  which->next = unused_;
  unused_ = which;
}

thread* threads::find(pthread_t handle) const {
  for (thread* each = first_; each != nullptr; each = each->next)
    if (pthread_equal(each->handle, handle) != 0) return each;
  return nullptr;
}

void threads::stop() {
  arrived.store(0, std::memory_order_relaxed);
  // release: who sees the round sees the count.
  std::uint32_t round = stop_round.fetch_add(1, std::memory_order_release) + 1;
  std::uint32_t asked = 0;
  for (thread* each = first_; each != nullptr; each = each->next) {
    each->is_asked = each != self && each->blocked_at == 0 && !each->has_ended &&
                     os::send_signal(each->number, stop_signal);
    asked += each->is_asked;
  }
  for (;;) {
    // acquire: what a thread has written before it stopped is seen.
    std::uint32_t there = arrived.load(std::memory_order_acquire);
    if (there == asked) break;
    std::uint64_t until = os::monotonic_ns() + resend_after_ns;
    os::wait_until(&arrived, there, until);
    if (os::monotonic_ns() < until) continue;
    for (thread* each = first_; each != nullptr; each = each->next) {
      if (!each->is_asked || each->stopped_in.load(std::memory_order_acquire) == round) continue;
      if (os::send_signal(each->number, stop_signal)) continue;
      // It has gone without a word.
      each->is_asked = false;
      --asked;
    }
  }
  tell_asked(gc_event::thread_suspended);
}

void threads::tell_asked(gc_event event) const {
  if (the_world.on_thread_event == nullptr) return;
  for (thread* each = first_; each != nullptr; each = each->next)
    if (each->is_asked)
      the_world.on_thread_event(event, base::pointer_to(static_cast<std::uintptr_t>(each->handle)));
}

void threads::restart() {
  tell_asked(gc_event::thread_unsuspended);
  stop_round.fetch_add(1, std::memory_order_release);
  os::wake_all(&stop_round);
}

void threads::keep_only_self() {
  for (thread* each = first_; each != nullptr;) {
    thread* next = each->next;
    if (each != self) remove(each);
    each = next;
  }
  if (self != nullptr) self->number = os::thread_id();
}

STRATA_NOINLINE void threads::park(thread* me, std::uintptr_t round) {
  auto here = base::address_of(__builtin_frame_address(0));
  me->stopped_at.store(here, std::memory_order_relaxed);
  me->stopped_in.store(static_cast<std::uint32_t>(round), std::memory_order_relaxed);
  // release: the collecting thread sees all of this.
  arrived.fetch_add(1, std::memory_order_release);
  os::wake_one(&arrived);
  while (stop_round.load(std::memory_order_acquire) == round)
    os::wait(&stop_round, static_cast<std::uint32_t>(round));
}

void threads::on_stop_signal(int) {
  thread* me = self;
  if (me == nullptr) return;
  std::uint32_t round = stop_round.load(std::memory_order_acquire);
  // An old signal, or one sent twice.
  if (round % 2 == 0 || me->stopped_in.load(std::memory_order_relaxed) == round) return;
  if (me->own.busy.load(std::memory_order_relaxed)) {
    me->own.stop_wanted.store(true, std::memory_order_relaxed);
    return;
  }
  int saved = errno;
  me->signal_stack_end = os::current_signal_stack().end;
  park(me, round);
  errno = saved;
}

STRATA_NOINLINE void threads::stop_here() {
  // What the caller has in registers goes on the stack.
  __builtin_unwind_init();
  os::signal_mask before = os::block_signals();
  thread* me = self;
  me->own.stop_wanted.store(false, std::memory_order_relaxed);
  me->signal_stack_end = 0;
  std::uint32_t round = stop_round.load(std::memory_order_acquire);
  if (round % 2 == 1 && me->stopped_in.load(std::memory_order_relaxed) != round) park(me, round);
  os::restore_signals(before);
}

}  // namespace strata::boehm
