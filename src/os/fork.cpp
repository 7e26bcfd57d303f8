#include "os/fork.hpp"

#include <pthread.h>
#include <sys/stat.h>

#include "os/process.hpp"

namespace strata::os {

bool at_fork(void (*before)(), void (*after_in_parent)(), void (*after_in_child)()) {
  return pthread_atfork(before, after_in_parent, after_in_child) == 0;
}

bool has_other_threads() {
  // Each thread is a folder there, and a folder links to those in it.
  struct stat tasks = {};
  return stat("/proc/self/task", &tasks) != 0 || tasks.st_nlink != 3;
}

stack_range own_stack() { return thread_id() == process_id() ? stack_range{} : room_of_stack(); }

stack_range room_of_stack() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return {};
  void* start = nullptr;
  std::size_t bytes = 0;
  pthread_attr_getstack(&attributes, &start, &bytes);
  pthread_attr_destroy(&attributes);
  auto from = reinterpret_cast<std::uintptr_t>(start);
  return {from, from + bytes};
}

}  // namespace strata::os
