// Strata's own C interface (include/strata/strata.h), over the allocator's operations, or over a tool's
// malloc in a watched process (watched.hpp).
#include <errno.h>

#include "alloc/allocate.hpp"
#include "alloc/clock.hpp"
#include "alloc/heap.hpp"
#include "alloc/live.hpp"
#include "entry/recorded.hpp"
#include "entry/routed.hpp"
#include "entry/statistics.hpp"
#include "entry/watched_heap.hpp"
#include "strata/leaks.h"
#include "strata/strata.h"

using namespace strata;
namespace recorded = strata::entry::recorded;
namespace routed = strata::entry::routed;
namespace watched = strata::entry::watched;

namespace {

void* checked(void* block) {
  if (STRATA_LIKELY(block != nullptr)) return block;
  alloc::live::count_failure();
  errno = ENOMEM;
  return nullptr;
}

alloc::heap* inside(strata_heap* heap) { return reinterpret_cast<alloc::heap*>(heap); }
watched::heap* watched_inside(strata_heap* heap) { return reinterpret_cast<watched::heap*>(heap); }

bool valid_alignment(size_t alignment) {
  if (base::is_power_of_two(alignment)) return true;
  errno = EINVAL;
  return false;
}

void* allocate_in(strata_heap* heap, size_t alignment, size_t size, bool zero) {
  if (watched::is_on()) {
    return checked(watched::allocate_in(watched_inside(heap), alignment, size, zero));
  }
  void* block = checked(alloc::allocate_in(inside(heap), alignment, size, zero));
  return recorded::made_in(inside(heap), block, size);
}

}  // namespace

const char* strata_version(void) { return STRATA_VERSION; }

void* strata_malloc(size_t size) {
  if (watched::is_on()) return watched::allocate(size);
  if (void* block = routed::allocate(size)) return block;
  return recorded::made(checked(alloc::allocate(size)), size);
}

void* strata_calloc(size_t count, size_t size) {
  if (watched::is_on()) return watched::allocate_zeroed(count, size);
  if (void* block = routed::allocate_zeroed(count, size)) return block;
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return checked(nullptr);
  return recorded::made(checked(alloc::allocate_zeroed(bytes)), bytes);
}

void* strata_realloc(void* block, size_t size) {
  if (watched::is_on()) return watched::reallocate(block, size);
  if (routed::reallocate(block, size)) return block;
  if (block == nullptr) return recorded::made(checked(alloc::allocate(size)), size);
  if (size == 0) {
    recorded::gone(block);
    alloc::deallocate(block);
    return nullptr;
  }
  return recorded::resized(block, size, [=] { return checked(alloc::reallocate(block, size)); });
}

void* strata_aligned_alloc(size_t alignment, size_t size) {
  if (!valid_alignment(alignment)) return nullptr;
  if (watched::is_on()) return watched::allocate_aligned(alignment, size);
  if (void* block = routed::allocate(size, alignment)) return block;
  return recorded::made(checked(alloc::allocate_aligned(alignment, size)), size);
}

void strata_free(void* block) {
  if (watched::is_on()) return watched::deallocate(block);
  if (routed::deallocate(block)) return;
  recorded::gone(block);
  alloc::deallocate(block);
}

size_t strata_usable_size(const void* block) {
  if (watched::is_on()) return watched::usable_size(block);
  return routed::owns(block) ? routed::usable_size(block) : alloc::usable_size(block);
}

strata_sized_block strata_malloc_sized(size_t size) {
  void* block = strata_malloc(size);
  return {block, strata_usable_size(block)};
}

size_t strata_malloc_batch(size_t size, size_t count, void** blocks) {
  if (!watched::is_on()) {
    size_t done = alloc::allocate_batch(size, count, blocks);
    if (done < count) checked(nullptr);
    for (size_t i = 0; i < done; ++i) recorded::made(blocks[i], size);
    return done;
  }
  size_t done = 0;
  while (done < count && (blocks[done] = watched::allocate(size)) != nullptr) ++done;
  return done;
}

void strata_free_batch(void** blocks, size_t count) {
  if (!watched::is_on()) {
    for (size_t i = 0; i < count; ++i) {
      if (routed::deallocate(blocks[i])) blocks[i] = nullptr;
      recorded::gone(blocks[i]);
    }
    return alloc::deallocate_batch(blocks, count);
  }
  for (size_t i = 0; i < count; ++i) watched::deallocate(blocks[i]);
}

// Where a tool serves, blocks stay where they are, and so do those that are routed.
int strata_should_move(const void* block) {
  return !watched::is_on() && !routed::owns(block) && alloc::should_move(block) ? 1 : 0;
}

void* strata_move(void* block) {
  if (watched::is_on() || routed::owns(block)) return nullptr;
  size_t size = block == nullptr ? 0 : alloc::usable_size(block);
  return recorded::resized(block, size, [=] { return alloc::move(block); });
}

void* strata_malloc_uncached(size_t size) {
  if (watched::is_on()) return watched::allocate(size);
  return recorded::made(checked(alloc::allocate_uncached(size)), size);
}

void strata_free_uncached(void* block) {
  if (watched::is_on()) return watched::deallocate(block);
  if (routed::deallocate(block)) return;
  recorded::gone(block);
  alloc::deallocate_uncached(block);
}

strata_heap* strata_heap_create(void) {
  if (watched::is_on()) return static_cast<strata_heap*>(checked(watched::make_heap()));
  alloc::start();
  alloc::heap* made = alloc::make_heap();
  recorded::heap_made(made);
  return static_cast<strata_heap*>(checked(made));
}

void strata_heap_destroy(strata_heap* heap) {
  if (heap == nullptr) return;
  if (watched::is_on()) return watched::destroy_heap(watched_inside(heap));
  recorded::heap_goes(inside(heap));
  alloc::destroy_heap(inside(heap));
}

void* strata_heap_malloc(strata_heap* heap, size_t size) {
  return allocate_in(heap, 1, size, false);
}

void* strata_heap_calloc(strata_heap* heap, size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return checked(nullptr);
  return allocate_in(heap, 1, bytes, true);
}

void* strata_heap_aligned_alloc(strata_heap* heap, size_t alignment, size_t size) {
  if (!valid_alignment(alignment)) return nullptr;
  return allocate_in(heap, alignment, size, false);
}

void* strata_heap_realloc(strata_heap* heap, void* block, size_t size) {
  if (block != nullptr && size == 0) {
    strata_free(block);
    return nullptr;
  }
  if (watched::is_on()) {
    return checked(watched::reallocate_in(watched_inside(heap), block, size));
  }
  if (block == nullptr) return allocate_in(heap, 1, size, false);
  return recorded::resized(
      block, size, [=] { return checked(alloc::reallocate_in(inside(heap), block, size)); });
}

size_t strata_trim(size_t keep_bytes) {
  alloc::start();
  return alloc::trim_all(keep_bytes);
}

void strata_stats_get(strata_stats* out) {
  alloc::start();
  entry::take_statistics(*out);
}

size_t strata_stats_json(char* buffer, size_t capacity) {
  base::text text(buffer, capacity);
  entry::describe_as_json(text);
  return text.length();
}

// The caller may have its only pointer to a block in a register that functions keep. unwind_init stores them
// all below this frame's address; what is further below is not the program's.
STRATA_NOINLINE int64_t strata_leak_check(void) {
  constexpr std::uintptr_t saved_registers_bytes = 64;
  __builtin_unwind_init();
  int64_t blocks =
      recorded::lost_blocks(base::address_of(__builtin_frame_address(0)) - saved_registers_bytes);
  __asm__ volatile("" : "+r"(blocks));  // no tail call: this frame stands while it waits
  return blocks;
}

int strata_walk(strata_visitor visit, void* context) { return alloc::walk(visit, context); }
