// Stacks of calls: taken where the allocator may be called, and put into messages. Nothing here
// allocates, locks or faults; unwind.hpp says how.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/text.hpp"

namespace strata::os {

struct stack_trace {
  static constexpr std::size_t most = 16;

  std::int32_t thread = 0;
  std::uint32_t depth = 0;
  std::uintptr_t calls[most];  // return addresses, the innermost first
};

// The stack of the caller, from the call that left the program for this library.
void take_stack(stack_trace& into);
// The stack that a signal has interrupted. context: what its handler was given.
void take_interrupted_stack(stack_trace& into, const void* context);

// A line for each call: the file and the offset in it, as addr2line takes them.
void put_stack(base::text& into, const stack_trace& stack);

}  // namespace strata::os
