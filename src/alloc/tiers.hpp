// The tiers below the fast path, by the slow way: blocks of a size class through the thread's cache,
// large blocks by themselves. They keep marks, counts and the clock, and under paranoid hardening send
// freed blocks through the quarantine; which tier serves a request is for allocate.cpp to say.
#pragma once

#include <cstddef>

#include "alloc/clock.hpp"
#include "base/check.hpp"

namespace strata::alloc {

struct heap;
struct large;

// Through the thread's cache, or straight from and to the bins and the page heap.
enum class route { cached, uncached };

// A block of the class or plain twin, now live; size is what was asked for. Null when there is no memory.
void* allocate_of_class(std::size_t number, std::size_t size, route by = route::cached);
// The block is live.
void deallocate_of_class(void* block, std::size_t number, route by = route::cached);

// owner: null for malloc's. Null when there is no memory.
void* allocate_large(std::size_t size, std::size_t alignment, heap* owner, bool zero);
void deallocate_large(large* block, route by = route::cached);

// Under paranoid hardening: freed blocks that wait are free now.
void empty_quarantine();

// One more try after everything cached has been given back.
template <typename Try>
void* with_reclaim(Try attempt) {
  void* block = attempt();
  if (STRATA_LIKELY(block != nullptr)) return block;
  reclaim();
  return attempt();
}

}  // namespace strata::alloc
