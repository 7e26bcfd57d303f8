// Faults at the end of a stack: SIGSEGV, handled on another stack, for the faulting one has no
// room.
//
//   fault --> judge(fault)   true: it was a stack's end, and is dealt with; the thread goes on
//               | false      where the context says now
//               v
//             the handler that was there before; else the default action, with the same siginfo
//
// A judge may leave the handler for good by longjmp or a switch to another stack, after
// may_leave(). Threads that have no alternate stack die of an overflow without a word: give each
// one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::os {

struct stack_fault {
  std::uintptr_t address;        // of the access
  std::uintptr_t stack_pointer;  // when it happened
  void* context;                 // the interrupted registers, for the functions below
};
using stack_judge = bool (*)(const stack_fault&);

// From the first call on, all faults go to the judge. False when the kernel refuses.
bool watch_stacks(stack_judge judge);

// In a judge: lets this thread take signals again as the interrupted code did.
void may_leave(const stack_fault& fault);
// In a judge that then returns true: the thread goes on in function(argument), which never returns,
// on the stack that ends at `top`.
void go_on_in(const stack_fault& fault, void* top, void (*function)(void*), void* argument);

// Makes the memory this thread's alternate stack; false when it has one already.
bool take_alternate_stack(void* memory, std::size_t bytes);
// Undoes that, where it still is.
void drop_alternate_stack(const void* memory);

}  // namespace strata::os
