// Strata's own C interface (include/strata/strata.h), over the allocator's operations.
#include <errno.h>

#include "alloc/allocate.hpp"
#include "alloc/clock.hpp"
#include "alloc/heap.hpp"
#include "alloc/live.hpp"
#include "entry/statistics.hpp"
#include "strata/strata.h"

using namespace strata;

namespace {

void* checked(void* block) {
  if (STRATA_LIKELY(block != nullptr)) return block;
  alloc::live::count_failure();
  errno = ENOMEM;
  return nullptr;
}

alloc::heap* inside(strata_heap* heap) { return reinterpret_cast<alloc::heap*>(heap); }

bool valid_alignment(size_t alignment) {
  if (base::is_power_of_two(alignment)) return true;
  errno = EINVAL;
  return false;
}

}  // namespace

const char* strata_version(void) { return STRATA_VERSION; }

void* strata_malloc(size_t size) { return checked(alloc::allocate(size)); }

void* strata_calloc(size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return checked(nullptr);
  return checked(alloc::allocate_zeroed(bytes));
}

void* strata_realloc(void* block, size_t size) {
  if (block == nullptr) return strata_malloc(size);
  if (size == 0) {
    alloc::deallocate(block);
    return nullptr;
  }
  return checked(alloc::reallocate(block, size));
}

void* strata_aligned_alloc(size_t alignment, size_t size) {
  if (!valid_alignment(alignment)) return nullptr;
  return checked(alloc::allocate_aligned(alignment, size));
}

void strata_free(void* block) { alloc::deallocate(block); }
size_t strata_usable_size(const void* block) { return alloc::usable_size(block); }

strata_sized_block strata_malloc_sized(size_t size) {
  void* block = strata_malloc(size);
  return {block, alloc::usable_size(block)};
}

size_t strata_malloc_batch(size_t size, size_t count, void** blocks) {
  size_t done = alloc::allocate_batch(size, count, blocks);
  if (done < count) checked(nullptr);
  return done;
}

void strata_free_batch(void** blocks, size_t count) { alloc::deallocate_batch(blocks, count); }

int strata_should_move(const void* block) { return alloc::should_move(block) ? 1 : 0; }
void* strata_move(void* block) { return alloc::move(block); }
void* strata_malloc_uncached(size_t size) { return checked(alloc::allocate_uncached(size)); }
void strata_free_uncached(void* block) { alloc::deallocate_uncached(block); }

strata_heap* strata_heap_create(void) {
  alloc::start();
  return static_cast<strata_heap*>(checked(alloc::make_heap()));
}

void strata_heap_destroy(strata_heap* heap) {
  if (heap != nullptr) alloc::destroy_heap(inside(heap));
}

void* strata_heap_malloc(strata_heap* heap, size_t size) {
  return checked(alloc::allocate_in(inside(heap), 1, size, false));
}

void* strata_heap_calloc(strata_heap* heap, size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return checked(nullptr);
  return checked(alloc::allocate_in(inside(heap), 1, bytes, true));
}

void* strata_heap_aligned_alloc(strata_heap* heap, size_t alignment, size_t size) {
  if (!valid_alignment(alignment)) return nullptr;
  return checked(alloc::allocate_in(inside(heap), alignment, size, false));
}

void* strata_heap_realloc(strata_heap* heap, void* block, size_t size) {
  if (block != nullptr && size == 0) {
    alloc::deallocate(block);
    return nullptr;
  }
  return checked(alloc::reallocate_in(inside(heap), block, size));
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

int strata_walk(strata_visitor visit, void* context) { return alloc::walk(visit, context); }
