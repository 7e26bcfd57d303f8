// Where a thread allocates objects of one kind and size: a hole of a block that nobody else allocates in.
//
//   block  | a | a |   |   |   | a |   | a |      a: allocated
//                    ^ next      ^ end            what lies between is the thread's, is marked as allocated, and is
//                                                 zero where the kind's objects begin as zeros
//
// An object is taken by moving `next`. At the end of a hole the block is searched for the next one. A
// collection takes back what is left of holes, while the thread is stopped between two allocations: it says
// by `busy` when it is in the midst of one, and whoever wants it to stop then leaves word in `stop_wanted`.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "conservative/geometry.hpp"
#include "conservative/kinds.hpp"

namespace strata::conservative {

struct cursor {
  std::byte* next = nullptr;
  std::byte* end = nullptr;
  std::size_t block = 0;  // where to look on; with `owned`
  std::uint16_t slot = 0;
  bool owned = false;

  STRATA_INLINE void* take(std::size_t bytes) {
    std::byte* object = next;
    if (STRATA_UNLIKELY(object == end)) return nullptr;
    next = object + bytes;
    // The next one is on its way when it is asked for.
    __builtin_prefetch(next, 1);
    return object;
  }
};

// Kinds that threads allocate without the heap's lock.
inline constexpr std::size_t own_kinds = 2;
static_assert(kinds::atomic < own_kinds && kinds::normal < own_kinds);

struct cursors {
  std::array<std::array<cursor, class_count>, own_kinds> at{};
  std::uint64_t allocated_bytes = 0;  // holes taken, since the last collection
  // relaxed, with signal fences: it is the thread itself that looks at them, in a signal handler.
  std::atomic<bool> busy{false};
  std::atomic<bool> stop_wanted{false};
};

}  // namespace strata::conservative
