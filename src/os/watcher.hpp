// The tools that watch the memory of a process: Valgrind's, and the compilers' sanitizers.
//
// Valgrind knows its clients' wishes by a sequence of instructions that does nothing on a processor:
// a request costs nothing to speak of, and answers with its default, elsewhere. The numbers are those
// of valgrind.h and memcheck.h, which promise to keep them.
#pragma once

#include <cstddef>

namespace strata::os {

enum class watcher {
  none,
  valgrind,   // another tool than Memcheck
  memcheck,   // knows of each byte whether it may be used and whether it was ever set
  sanitizer,  // Address-, Thread-, Memory- or LeakSanitizer: one with a malloc of its own
};
watcher who_watches();

// Whether any of Valgrind's tools watches.
bool valgrind_watches();
// Under Valgrind: a range in which a stack lives, so that a switch to it is known to be one. Returns
// what stack_ended wants.
unsigned stack_began(const void* lowest, const void* end);
void stack_ended(unsigned number);

// Under Memcheck only.
namespace memcheck {

// A live block of its malloc that was asked for with from_bytes ends after to_bytes > 0.
void shrink(void* block, std::size_t from_bytes, std::size_t to_bytes);
// May be used, and was set.
void make_defined(void* memory, std::size_t bytes);
// At most 8 bytes.
bool is_defined(const void* memory, std::size_t bytes);

}  // namespace memcheck
}  // namespace strata::os
