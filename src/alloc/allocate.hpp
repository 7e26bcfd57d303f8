// The allocator's operations, as entry calls them. Requests of any size and alignment; null on
// exhaustion, without errno. The inline parts are the fast path: see thread_cache.hpp and
// address_map.hpp for the two structures that they touch.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "alloc/thread_cache.hpp"
#include "base/check.hpp"
#include "ground/address_map.hpp"

namespace strata::alloc {

struct heap;

// Sizes above this are refused: a difference of two pointers into a block must fit ptrdiff_t.
inline constexpr std::size_t most_bytes = PTRDIFF_MAX;

// Sets everything up; idempotent. False: no memory at all.
bool start();

void* allocate_slow(std::size_t size);
void deallocate_slow(void* block);
void* allocate_aligned(std::size_t alignment, std::size_t size);
void* allocate_zeroed(std::size_t size);
void* reallocate(void* block, std::size_t size);
std::size_t usable_size(const void* block);

// The usable size that a request of this size and alignment gets; 0 when it depends on more.
std::size_t small_size_for(std::size_t size, std::size_t alignment);
// Stops the process when block is live and can't have been allocated with this size.
void check_size(void* block, std::size_t size, std::size_t alignment);

std::size_t allocate_batch(std::size_t size, std::size_t count, void** blocks);
void deallocate_batch(void** blocks, std::size_t count);

void* allocate_in(heap* owner, std::size_t alignment, std::size_t size, bool zero);
void* reallocate_in(heap* owner, void* block, std::size_t size);

// Calls visit(context, block, usable size) for each live block until it returns non-zero.
using block_visitor = int (*)(void* block, std::size_t size, void* context);
int walk(block_visitor visit, void* context);

// Slow: where to go on when the fast path can't serve. It is the last thing done, so that the fast
// path needs no stack frame.
template <void* (*Slow)(std::size_t) = allocate_slow>
STRATA_INLINE void* allocate(std::size_t size) {
  std::size_t number;
  if (STRATA_LIKELY(size <= ground::exact_class_bytes)) {
    number = (size + ground::granule_bytes - 1) / ground::granule_bytes;
  } else if (size <= ground::small_bytes) {
    number = ground::class_of(size);
  } else {
    return Slow(size);
  }
  ground::entry* head = this_thread.heads[number];
  ground::entry taken = *head;
  if (STRATA_UNLIKELY(taken == 0) || STRATA_UNLIKELY(--this_thread.tick < 0)) return Slow(size);
  this_thread.heads[number] = head + 1;
  *reinterpret_cast<ground::mark*>(taken) = static_cast<ground::mark>(number);
  return reinterpret_cast<void*>((taken - reinterpret_cast<std::uintptr_t>(ground::flat.marks)) *
                                 ground::granule_bytes);
}

STRATA_INLINE void deallocate(void* block) {
  // The low bits of a misaligned address land on top and make the index too large.
  std::uintptr_t index = std::rotr(reinterpret_cast<std::uintptr_t>(block), 4);
  if (STRATA_UNLIKELY(index > ground::flat.limit)) return deallocate_slow(block);
  ground::mark* mark = ground::flat.marks + index;
  std::size_t number = *mark;
  ground::entry* head = this_thread.heads[number];
  if (STRATA_UNLIKELY(reinterpret_cast<std::uintptr_t>(head) % magazine_bytes == 0)) {
    return deallocate_slow(block);
  }
  head[-1] = reinterpret_cast<ground::entry>(mark);
  this_thread.heads[number] = head - 1;
  *mark = ground::mark_none;
}

}  // namespace strata::alloc
