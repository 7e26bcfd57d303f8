// How the allocator lives in a process: start, thread exit, fork, end.
//
//   start         at the first allocation, or at our constructor; whichever comes first
//   thread exit   a pthread key's destructor. Other libraries' destructors may allocate after it, so
//                 it asks to be called again until the last round; what comes later still is served
//                 without a cache
//   fork          every lock is taken before, in the order of their ranks; the child makes them
//                 anew and takes over what the threads that it does not have had cached
//   end           statistics are published for the last time
#include "entry/process.hpp"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "alloc/allocate.hpp"
#include "alloc/bin.hpp"
#include "alloc/clock.hpp"
#include "alloc/guard.hpp"
#include "alloc/heap.hpp"
#include "alloc/large.hpp"
#include "alloc/live.hpp"
#include "alloc/paranoid.hpp"
#include "base/text.hpp"
#include "entry/recorded.hpp"
#include "entry/routed.hpp"
#include "entry/statistics.hpp"
#include "entry/watch_tables.hpp"
#include "entry/watched_heap.hpp"
#include "ground/account.hpp"
#include "ground/metadata.hpp"
#include "ground/options.hpp"
#include "os/fault_watch.hpp"
#include "os/memory.hpp"
#include "os/syscall.hpp"
#include "os/watcher.hpp"

namespace strata::entry {
namespace {

// ---- Thread exit

constinit pthread_key_t exit_key = 0;
constinit bool exit_key_made = false;
constinit thread_local int exit_rounds __attribute__((tls_model("initial-exec"))) = 0;

void thread_exits(void* value) {
  // One round is left for the destructors that run after this one in the last.
  if (++exit_rounds < PTHREAD_DESTRUCTOR_ITERATIONS && pthread_setspecific(exit_key, value) == 0)
    return;
  recorded::thread_exits();
  routed::thread_exits();
  alloc::thread_registry::leave();
}

// ---- Statistics on disk

// What follows the figures is left out by readers that don't know it.
struct statistics_file {
  strata_stats figures;
  strata_watch_table resources;
};
constinit statistics_file* published = nullptr;
constinit std::int32_t published_by = 0;
constinit std::atomic<bool> publishing{false};
constinit statistics_file draft = {};

void open_statistics() {
  const char* directory = ground::option().stats_directory;
  if (directory == nullptr || *directory == '\0') return;
  if (watched::is_on()) return;  // they would be of another's allocations
  char path[PATH_MAX];
  base::text text(path, sizeof path);
  published_by = os::process_id();
  text << directory << "/" << published_by << ".stats";
  if (text.length() >= sizeof path) return;
  published = static_cast<statistics_file*>(os::map_shared_file(path, sizeof(statistics_file)));
}

void publish(std::uint32_t flags) {
  // A child by vfork shares our memory, not our process.
  if (published == nullptr || published_by != os::process_id() || is_stopping()) return;
  sync::signal_shield shield;
  if (publishing.exchange(true, std::memory_order_acquire)) return;
  take_statistics(draft.figures);
  draft.figures.flags |= flags;
  take_resources(draft.resources);
  std::memcpy(published, &draft, sizeof draft);
  publishing.store(false, std::memory_order_release);
}

// ---- Fork

// Signals stay out from before the first lock until after the last, in parent and child.
constinit os::signal_mask mask_before_fork = 0;

void before_fork() {
  os::signal_mask mask = os::block_signals();
  alloc::thread_registry::lock().lock();
  mask_before_fork = mask;
  alloc::lock_heaps_for_fork();
  watched::lock_heaps_for_fork();
  alloc::paranoid::lock_for_fork();
  alloc::guard::lock_for_fork();
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    alloc::bin_of(number).lock().lock();
  }
  alloc::lock_large_for_fork();
  ground::page_heap::lock_for_fork();
  ground::metadata::lock_for_fork();
}

void after_fork_in_parent() {
  ground::metadata::unlock_after_fork();
  ground::page_heap::unlock_after_fork();
  alloc::unlock_large_after_fork();
  for (std::size_t number = ground::number_count - 1; number > 0; --number) {
    alloc::bin_of(number).lock().unlock();
  }
  alloc::guard::unlock_after_fork();
  alloc::paranoid::unlock_after_fork();
  watched::unlock_heaps_after_fork();
  alloc::unlock_heaps_after_fork();
  os::signal_mask mask = mask_before_fork;
  alloc::thread_registry::lock().unlock();
  os::restore_signals(mask);
}

void own_statistics_in_child() {
  if (published == nullptr) return;
  alloc::thread_registry::forget_counts();
  os::release(published, base::align_up(sizeof *published, os::page_bytes()));
  published = nullptr;
  publishing.store(false, std::memory_order_relaxed);
  open_statistics();
  publish(0);
}

void after_fork_in_child() {
  ground::metadata::reset_in_child();
  ground::page_heap::reset_in_child();
  alloc::reset_large_in_child();
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    alloc::bin_of(number).lock().reset();
  }
  alloc::guard::reset_in_child();
  alloc::paranoid::reset_in_child();
  watched::unlock_heaps_after_fork();
  alloc::reset_heaps_in_child();
  ground::account::reset_in_child(ground::page_heap::used_bytes() + alloc::mapped_bytes_in_child() +
                                  alloc::guard::held_bytes());
  alloc::thread_registry::adopt_in_child();
  reset_resources_in_child();
  own_statistics_in_child();
  os::restore_signals(mask_before_fork);
  recorded::forked_in_child();
  routed::forked_in_child();
}

// ---- Start and end

// Some program allocates before it is our turn, and some does not.
__attribute__((constructor(101))) void process_starts() {
  // Its runtime may not be ready before main; nothing is urgent, since it serves malloc.
  if (os::who_watches() == os::watcher::sanitizer) return;
  alloc::start();
  watched::is_on();  // found out before there are threads, which race for it harmlessly
  open_statistics();
  if (published == nullptr) return;
  alloc::publisher = publish_statistics;
  publish(0);
}

constinit bool has_ended = false;

__attribute__((destructor)) void process_ends() {
  has_ended = true;
  recorded::process_ends();
  alloc::paranoid::check_waiting();
  alloc::check_cached();
  publish_final_statistics();
}

}  // namespace

void publish_statistics() { publish(0); }
void publish_final_statistics() { publish(STRATA_STATS_FINAL); }
void publish_resources_at_end() {
  if (has_ended) publish(STRATA_STATS_FINAL);
}

}  // namespace strata::entry

namespace strata::alloc {

// As early as can be: handlers that others register later run around ours, with no lock held.
void process_started() {
  entry::exit_key_made = pthread_key_create(&entry::exit_key, entry::thread_exits) == 0;
  pthread_atfork(entry::before_fork, entry::after_fork_in_parent, entry::after_fork_in_child);
}

void thread_started() {
  if (entry::exit_key_made) pthread_setspecific(entry::exit_key, &entry::exit_key);
}

}  // namespace strata::alloc

using namespace strata;

// A process that ends without destructors still has its last figures published.
extern "C" __attribute__((visibility("default"), noreturn)) void _exit(int status) {
  entry::publish_final_statistics();
  entry::recorded::process_ends();
  for (;;) os::raw_syscall(SYS_exit_group, status);
}
extern "C" __attribute__((visibility("default"), noreturn)) void _Exit(int status) {
  _exit(status);
}

// The address map reserves terabytes of address space of which little is ever touched. To lock it
// all would ask the kernel to fill it, so pages are locked as they are touched.
extern "C" __attribute__((visibility("default"))) int mlockall(int flags) noexcept {
  if (ground::kind() == ground::ground_kind::contiguous) flags |= MCL_ONFAULT;
  long result = os::raw_syscall(SYS_mlockall, flags);
  if (!os::failed(result)) return 0;
  errno = static_cast<int>(-result);
  return -1;
}

// libc's own, behind ours.
extern "C" int __sigaction(int signal, const struct sigaction* action,
                           struct sigaction* before) noexcept;

// Whoever asks for the action that stood before its own must not find the watch for faults there: it
// would call that for every crash of its own, and lose its message.
extern "C" __attribute__((visibility("default"))) int sigaction(int signal,
                                                                const struct sigaction* action,
                                                                struct sigaction* before) noexcept {
  int result = __sigaction(signal, action, before);
  if (result == 0 && before != nullptr) os::hide_watch(*before);
  return result;
}
