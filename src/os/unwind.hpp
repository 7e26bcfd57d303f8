// One step up a stack, by the call frame information (CFI) that compilers and libcs put into every
// program for exceptions and debuggers:
//
//   pc --> object --> frame description (frame_description.hpp) --> rules of the frame at pc
//
//   rules     CFA  = a register + n            the caller's stack pointer, once back in it
//             each register: unchanged, or in memory at CFA + n, or lost
//
// It runs inside malloc of any program at any time, and inside a handler of SIGSEGV. So it allocates
// nothing and takes no lock (_dl_find_object, of glibc 2.35, takes none), and it never faults: what lies
// outside of the page that the walk stands on is read only after the kernel has said that it can be.
// Where something is odd, the walk ends.
//
// The format is DWARF 5, section 6.4, and the Linux Standard Base's .eh_frame_hdr. libgcc's unwinder
// reads the same; why it is not used stands in docs/decisions/0014-guard-sampling.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/registers.hpp"

namespace strata::os {

// Where a walk stands: in a function, at an instruction.
struct frame {
  std::uintptr_t pc = 0;
  // The instruction at pc is to run next; otherwise the one before it is a call.
  bool interrupted = false;
  std::uintptr_t readable = 0;  // a page of the stack that is known to be; 0: none yet
  register_file registers;
};

// Whether the word there can be read; asks the kernel.
bool is_readable(std::uintptr_t address);

// Goes on to the caller; false at the end of the stack, or where it can't be read.
bool step(frame& at);

// The rules of nearly every frame, in a form that can be kept: all is found relative to the stack or the
// frame register.
struct short_rules {
  enum class form : std::uint8_t { by_stack, by_frame, end, other } from = form::other;
  std::int32_t cfa_offset = 0;
  std::int32_t frame_offset = 0;  // of the saved frame register from the CFA; 0: it is unchanged
  std::int32_t return_offset = 0;
};
// Those at pc, as step means it. end: the stack ends here; other: only step knows the way.
short_rules shorten(std::uintptr_t pc);

}  // namespace strata::os
