// What lies in a process beside heap and stacks: the writable data of the program and of its libraries, and what
// each thread has of it for itself.
//
//   static  | x86-64:   blocks of modules loaded at the start | thread pointer: control block, first keys' values |
//   thread  | aarch64:  control block, first keys' values | thread pointer | blocks of modules loaded at the start |
//   data    | dtv, glibc's table of a thread:  | length | - | generation | - | block 1 | - | block 2 | - ...
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::os {

struct data_range {
  std::uintptr_t from = 0;
  std::uintptr_t to = 0;
};

struct thread_module {
  std::size_t number = 0;  // of its block in a thread's table
  std::size_t bytes = 0;
  std::intptr_t distance =
      0;  // from the thread pointer to its block, where it is the same in each thread; 0: it is not
};

// What is called for each, with `context`; name: the file's, empty for the program.
struct data_visitor {
  void (*data)(void* context, data_range range, const char* name) = nullptr;
  void (*thread_data)(void* context, const thread_module& module) = nullptr;
  void* context = nullptr;
};
// The writable segments of all that is loaded, but for what is read-only after start, and for those of this library.
// Takes the loader's lock.
void each_data(const data_visitor& visitor);
// How many are loaded; takes no lock: nobody may be loading or unloading.
std::size_t loaded_count();

std::uintptr_t thread_pointer();
// The module's block of the thread that the pointer belongs to; empty where it has none yet.
data_range thread_block(std::uintptr_t pointer, const thread_module& module);
// The control block, as far as programs can store something in it: values of the first keys.
data_range control_block(std::uintptr_t pointer);
// Where the first thread's stack begins.
std::uintptr_t first_stack_base();

}  // namespace strata::os
