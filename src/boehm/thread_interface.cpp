// Threads: how they become known, block, end.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>

#include "boehm/world.hpp"
#include "os/fork.hpp"
#include "os/loaded.hpp"
#include "os/process.hpp"

using namespace strata;
using boehm::the_world;
using boehm::thread;
using boehm::threads;

int GC_parallel = 0;

namespace {

std::uintptr_t whole_stack_base() {
  os::stack_range room = os::own_stack();
  return room.end != 0 ? room.end : os::first_stack_base();
}

// What a thread is to do lies in an object until it has begun.
struct start {
  void* (*call)(void*);
  void* argument;
  bool is_detached;
};

void set_result(void* result) {
  boehm::locked section;
  thread* self = threads::self;
  if (self == nullptr || !self->is_created) return;
  the_world.heap.flush(self->own);
  if (self->is_detached) {
    the_world.threads.remove(self);
    return;
  }
  self->result = result;
  self->has_ended = true;
  threads::self = nullptr;
}

STRATA_NOINLINE void* run_known(start* what) {
  auto call = what->call;
  void* argument = what->argument;
  GC_free(what);
  return call(argument);
}

void end_by_cancellation(void*) { set_result(nullptr); }

void* run_thread(void* object) {
  auto* what = static_cast<start*>(object);
  thread* self = boehm::known_self();
  if (self != nullptr) {
    boehm::locked section;
    self->is_implicit = false;
    self->is_created = true;
    self->is_detached = what->is_detached;
  }
  void* result = nullptr;
  pthread_cleanup_push(end_by_cancellation, nullptr);
  result = run_known(what);
  pthread_cleanup_pop(0);
  set_result(result);
  return result;
}

// The system may have given the handle to another thread since it was joined, and that one may have ended, too.
void forget_oldest(pthread_t handle) {
  boehm::locked section;
  thread* oldest = nullptr;
  for (thread* each = the_world.threads.first(); each != nullptr; each = each->next)
    if (each->has_ended && pthread_equal(each->handle, handle) != 0) oldest = each;
  if (oldest != nullptr) the_world.threads.remove(oldest);
}

}  // namespace

STRATA_GC void GC_allow_register_threads() { boehm::open_world(); }
STRATA_GC void GC_start_mark_threads() { boehm::open_world(); }
STRATA_GC int GC_get_parallel() { return 0; }
STRATA_GC void GC_set_markers_count(unsigned) {}
STRATA_GC void GC_use_threads_discovery() { boehm::open_world(); }

STRATA_GC int GC_get_stack_base(gc_stack_base* into) {
  into->address = base::pointer_to(whole_stack_base());
  return GC_SUCCESS;
}
STRATA_GC int GC_register_my_thread(const gc_stack_base* from) {
  boehm::open_world();
  thread* self = threads::self;
  std::uintptr_t base = base::address_of(from->address);
  if (self == nullptr)
    return the_world.threads.add_self(base) != nullptr ? GC_SUCCESS : GC_NO_MEMORY;
  boehm::locked section;
  bool is_again = !self->is_implicit || self->number == os::process_id();
  self->is_implicit = false;
  if (!is_again) self->stack_base = base::larger(self->stack_base, base);
  return is_again ? GC_DUPLICATE : GC_SUCCESS;
}
STRATA_GC int GC_unregister_my_thread() {
  boehm::locked section;
  if (threads::self != nullptr) the_world.threads.remove(threads::self);
  return GC_SUCCESS;
}
STRATA_GC int GC_thread_is_registered() { return threads::self != nullptr ? 1 : 0; }
STRATA_GC void GC_register_altstack(void*, GC_word, void*, GC_word) {}

STRATA_GC void* GC_get_my_stackbottom(gc_stack_base* into) {
  thread* self = boehm::known_self();
  into->address = base::pointer_to(self->stack_base);
  return self;
}
STRATA_GC void GC_set_stackbottom(void* of, const gc_stack_base* to) {
  if (!the_world.is_open) {
    GC_stackbottom = static_cast<char*>(to->address);
    return;
  }
  thread* which = of != nullptr ? static_cast<thread*>(of) : boehm::known_self();
  which->stack_base = base::address_of(to->address);
  if (which->number == os::process_id()) GC_stackbottom = static_cast<char*>(to->address);
}
STRATA_GC void* GC_call_with_stack_base(void* (*call)(gc_stack_base*, void*), void* data) {
  gc_stack_base base{__builtin_frame_address(0)};
  void* result = call(&base, data);
  // No tail call: this frame is the base.
  __asm__ volatile("" : : "r"(&base) : "memory");
  return result;
}

// ---- Parts of threads that do not use the heap

namespace {

STRATA_NOINLINE void* block_here(GC_fn_type call, void* data) {
  thread* self = threads::self;
  std::uintptr_t outer = self->blocked_at;
  // release, by the fence: what is on the stack is there when the collecting thread looks. No lock: a collection that has
  // asked this thread to stop waits for its answer all the same.
  std::atomic_ref<std::uintptr_t> blocked_at{self->blocked_at};
  the_world.lock.lock();
  blocked_at.store(base::address_of(__builtin_frame_address(0)), std::memory_order_release);
  the_world.lock.unlock();
  void* result = call(data);
  the_world.lock.lock();
  blocked_at.store(outer, std::memory_order_release);
  the_world.lock.unlock();
  return result;
}

STRATA_NOINLINE void* act_here(GC_fn_type call, void* data) {
  thread* self = threads::self;
  boehm::stack_section outer;
  the_world.lock.lock();
  outer.base = self->stack_base;
  outer.top = self->blocked_at;
  outer.outer = self->outer;
  self->outer = &outer;
  self->blocked_at = 0;
  self->stack_base = base::address_of(__builtin_frame_address(0));
  the_world.lock.unlock();
  void* result = call(data);
  the_world.lock.lock();
  self->stack_base = outer.base;
  self->blocked_at = outer.top;
  self->outer = outer.outer;
  the_world.lock.unlock();
  return result;
}

}  // namespace

STRATA_GC STRATA_NOINLINE void* GC_do_blocking(GC_fn_type call, void* data) {
  // What callers have in registers goes on the stack, above block_here()'s frame.
  __builtin_unwind_init();
  if (boehm::known_self() == nullptr) return call(data);
  void* result = block_here(call, data);
  __asm__ volatile("" : : : "memory");
  return result;
}
STRATA_GC void* GC_call_with_gc_active(GC_fn_type call, void* data) {
  thread* self = boehm::known_self();
  if (self != nullptr && self->blocked_at != 0) return act_here(call, data);
  auto here = base::address_of(__builtin_frame_address(0));
  if (self != nullptr && self->stack_base < here) self->stack_base = here;
  void* result = call(data);
  __asm__ volatile("" : : : "memory");
  return result;
}

// ---- The lock

STRATA_GC void GC_alloc_lock() {
  boehm::open_world();
  the_world.lock.lock();
}
STRATA_GC void GC_alloc_unlock() { the_world.lock.unlock(); }
STRATA_GC void* GC_call_with_alloc_lock(GC_fn_type call, void* data) {
  boehm::open_world();
  boehm::locked section;
  return call(data);
}
STRATA_GC void GC_stop_world_external() {
  boehm::known_self();
  the_world.lock.lock();
  the_world.threads.stop();
}
STRATA_GC void GC_start_world_external() {
  the_world.threads.restart();
  the_world.lock.unlock();
}

// ---- Instead of the system's

STRATA_GC int GC_pthread_create(pthread_t* into, const pthread_attr_t* attributes,
                                void* (*call)(void*), void* argument) {
  auto* what = static_cast<start*>(GC_malloc_uncollectable(sizeof(start)));
  if (what == nullptr) return EAGAIN;
  int detached = PTHREAD_CREATE_JOINABLE;
  if (attributes != nullptr) pthread_attr_getdetachstate(attributes, &detached);
  *what = {call, argument, detached == PTHREAD_CREATE_DETACHED};
  int result = pthread_create(into, attributes, run_thread, what);
  if (result != 0) GC_free(what);
  return result;
}
STRATA_GC int GC_pthread_join(pthread_t handle, void** result) {
  int error = pthread_join(handle, result);
  if (error == 0) forget_oldest(handle);
  return error;
}
STRATA_GC int GC_pthread_detach(pthread_t handle) {
  {
    boehm::locked section;
    thread* of = the_world.threads.find(handle);
    if (of != nullptr && of->has_ended)
      the_world.threads.remove(of);
    else if (of != nullptr)
      of->is_detached = true;
  }
  return pthread_detach(handle);
}
STRATA_GC int GC_pthread_cancel(pthread_t handle) { return pthread_cancel(handle); }
extern "C" __attribute__((visibility("default"), noreturn)) void GC_pthread_exit(void* result) {
  set_result(result);
  pthread_exit(result);
}
// The signal that stops threads stays as it is.
STRATA_GC int GC_pthread_sigmask(int how, const sigset_t* set, sigset_t* old) {
  if (set == nullptr || how == SIG_UNBLOCK) return pthread_sigmask(how, set, old);
  sigset_t allowed = *set;
  if (the_world.threads.stop_signal != 0) sigdelset(&allowed, the_world.threads.stop_signal);
  return pthread_sigmask(how, &allowed, old);
}
STRATA_GC void* GC_dlopen(const char* path, int mode) { return dlopen(path, mode); }

STRATA_GC void GC_set_suspend_signal(int signal) {
  if (!the_world.is_open) the_world.threads.stop_signal = signal;
}
STRATA_GC void GC_set_thr_restart_signal(int signal) {
  if (!the_world.is_open) the_world.threads.restart_signal = signal;
}
STRATA_GC int GC_get_suspend_signal() { return the_world.threads.stop_signal; }
STRATA_GC int GC_get_thr_restart_signal() { return the_world.threads.restart_signal; }

// ---- Forks are seen by themselves
STRATA_GC void GC_set_handle_fork(int) {}
STRATA_GC void GC_atfork_prepare() {}
STRATA_GC void GC_atfork_parent() {}
STRATA_GC void GC_atfork_child() {}

using thread_listener = void (*)(gc_event, void*);
STRATA_GC void GC_set_on_thread_event(thread_listener to) {
  boehm::locked section;
  the_world.on_thread_event = to;
}
STRATA_GC thread_listener GC_get_on_thread_event() {
  boehm::locked section;
  return the_world.on_thread_event;
}
