// Checks at three prices, and the one way to stop the process.
//
//   STRATA_CHECK        always: what would otherwise corrupt the program's memory
//   STRATA_ASSERT       debug builds: what a caller inside Strata promised
//   STRATA_ASSERT_SLOW  stress builds: whole structures
//
// fatal() writes a line to stderr, or a few, and aborts; it allocates nothing and takes no lock. Its body
// lives in os/, which owns the system calls.
#pragma once

#include <cstddef>

#include "base/config.hpp"

namespace strata {

// What a program, or a bug of ours, did to memory. The text is in os/fatal.cpp.
enum class misuse {
  double_free,
  invalid_free,       // not a block of ours
  interior_free,      // inside a block, not its start
  misaligned_free,    // no block can start here
  overflow,           // something was written behind the block
  write_after_free,   // something was written to a free block
  underflow,          // something was written before the block
  access_behind,      // a guarded block was left at its end,
  access_before,      // or at its start,
  access_after_free,  // or is free
  wrong_size,         // sized free with a size that the block was not allocated with
  corrupt_metadata,   // our own tables disagree
  collected,          // a managed heap may have collected where the program allows no collection
};

// Stops the process with the kind of misuse, the address, and, when block_bytes is not 0, the size
// of the block that the address belongs to. details: further lines.
[[noreturn]] void fatal(misuse kind, const void* address, std::size_t block_bytes = 0,
                        const char* details = "");
// True once fatal() was called: the process is about to end, perhaps with locks held.
bool is_stopping();
[[noreturn]] void fatal_check(const char* expression, const char* file, int line);

}  // namespace strata

#define STRATA_CHECK(condition)                                                              \
  (__builtin_expect(!(condition), 0) ? ::strata::fatal_check(#condition, __FILE__, __LINE__) \
                                     : void(0))
#define STRATA_ASSERT(condition) (::strata::config::debug ? STRATA_CHECK(condition) : void(0))
#define STRATA_ASSERT_SLOW(condition) (::strata::config::stress ? STRATA_CHECK(condition) : void(0))

#define STRATA_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define STRATA_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
// Reads what another thread writes at the same time, and is made for it: ThreadSanitizer can't judge.
#define STRATA_UNJUDGED __attribute__((no_sanitize("thread")))
#define STRATA_NOINLINE __attribute__((noinline))
#define STRATA_INLINE inline __attribute__((always_inline))
