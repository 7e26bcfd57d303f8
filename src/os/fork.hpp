// Forks, and what they leave behind.
#pragma once

#include <cstdint>

namespace strata::os {

// before: in the thread that forks, and before what was asked for earlier; after: in the parent, and in
// the child. False when there is no memory for it.
bool at_fork(void (*before)(), void (*after_in_parent)(), void (*after_in_child)());

// Whether the process has more than the calling thread; true where there is no /proc to tell.
bool has_other_threads();

// The calling thread's stack, which others may get when the thread is gone. Empty for the first thread of
// the process, whose stack nobody gets. Allocates.
struct stack_range {
  std::uintptr_t start = 0;
  std::uintptr_t end = 0;
};
stack_range own_stack();
// The calling thread's stack, whichever thread it is, down to where it may grow. Empty when unknown.
// Allocates.
stack_range room_of_stack();

}  // namespace strata::os
