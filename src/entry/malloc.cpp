// The whole interface of a libc allocator: the names that programs and libraries already call.
// Behaviour on the edges follows glibc, C23 and POSIX; where they differ, glibc. The three functions
// that Valgrind does not redirect ask whether they are watched (watched.hpp).
//
//   malloc(0)          a distinct block            realloc(p, 0)   frees p, returns NULL
//   > PTRDIFF_MAX      NULL, ENOMEM                free            keeps errno
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "alloc/allocate.hpp"
#include "alloc/clock.hpp"
#include "alloc/live.hpp"
#include "entry/process.hpp"
#include "entry/recorded.hpp"
#include "entry/routed.hpp"
#include "entry/statistics.hpp"
#include "entry/watched.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"
#include "strata/strata.h"

#define STRATA_EXPORT extern "C" __attribute__((visibility("default")))

namespace strata::entry {
namespace {

STRATA_NOINLINE void* out_of_memory() {
  alloc::live::count_failure();
  errno = ENOMEM;
  return nullptr;
}

STRATA_INLINE void* checked(void* block) {
  return STRATA_LIKELY(block != nullptr) ? block : out_of_memory();
}

STRATA_NOINLINE void* malloc_slow(std::size_t size) { return checked(alloc::allocate_slow(size)); }

STRATA_NOINLINE void* malloc_told(std::size_t size) {
  return recorded::told(alloc::allocate<malloc_slow>(size), size);
}
STRATA_NOINLINE void free_told(void* block) {
  recorded::gone(block);
  alloc::deallocate(block);
}

void* zeroed(std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return out_of_memory();
  return recorded::made(checked(alloc::allocate_zeroed(bytes)), bytes);
}

void* resized(void* block, std::size_t size) {
  if (block == nullptr) return recorded::made(checked(alloc::allocate(size)), size);
  if (size == 0) {
    recorded::gone(block);
    alloc::deallocate(block);
    return nullptr;
  }
  return recorded::resized(block, size, [=] { return checked(alloc::reallocate(block, size)); });
}

// The options decide on it, and are read at the start.
std::size_t page_bytes() {
  alloc::start();
  return os::page_bytes();
}

STRATA_INLINE void* routed_aligned(std::size_t alignment, std::size_t size) {
  return base::is_power_of_two(alignment) ? routed::allocate(size, alignment) : nullptr;
}

// glibc's memalign takes any alignment and rounds it up to a power of two.
void* aligned(std::size_t alignment, std::size_t size) {
  if (alignment > alloc::most_bytes / 2 + 1) {
    errno = EINVAL;
    return nullptr;
  }
  void* block = checked(alloc::allocate_aligned(std::bit_ceil(alignment), size));
  return recorded::made(block, size);
}

}  // namespace
}  // namespace strata::entry

using namespace strata;

namespace {
// Makes the linker take process.cpp, too, out of the static library.
__attribute__((used)) void (*const keep_process)() = entry::publish_statistics;
}  // namespace

STRATA_EXPORT void* malloc(size_t size) {
  if (void* block = entry::routed::allocate(size)) return block;
  if (entry::recorded::is_due(size)) return entry::malloc_told(size);
  return alloc::allocate<entry::malloc_slow>(size);
}
// The same function, by a name that nobody else defines: for watched.cpp.
extern "C" __attribute__((alias("malloc"), visibility("hidden"), malloc,
                          alloc_size(1))) void* strata_own_malloc(size_t) noexcept;
STRATA_EXPORT void free(void* block) {
  if (entry::routed::deallocate(block)) return;
  if (entry::recorded::is_noted(block)) return entry::free_told(block);
  alloc::deallocate(block);
}
STRATA_EXPORT void cfree(void* block) { free(block); }
STRATA_EXPORT void* calloc(size_t count, size_t size) {
  if (void* block = entry::routed::allocate_zeroed(count, size)) return block;
  return entry::zeroed(count, size);
}
STRATA_EXPORT void* realloc(void* block, size_t size) {
  if (entry::routed::reallocate(block, size)) return block;
  return entry::resized(block, size);
}

STRATA_EXPORT void* reallocarray(void* block, size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return entry::out_of_memory();
  if (entry::watched::is_on()) return entry::watched::reallocate(block, bytes);
  if (entry::routed::reallocate(block, bytes)) return block;
  return entry::resized(block, bytes);
}

STRATA_EXPORT void* memalign(size_t alignment, size_t size) {
  if (void* block = entry::routed_aligned(alignment, size)) return block;
  return entry::aligned(alignment, size);
}

STRATA_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  if (void* block = entry::routed_aligned(alignment, size)) return block;
  if (STRATA_LIKELY(base::is_power_of_two(alignment))) {
    return entry::recorded::made(entry::checked(alloc::allocate_aligned(alignment, size)), size);
  }
  errno = EINVAL;
  return nullptr;
}

STRATA_EXPORT int posix_memalign(void** out, size_t alignment, size_t size) {
  if (!base::is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  void* block = entry::routed_aligned(alignment, size);
  if (block == nullptr) {
    block = entry::recorded::made(alloc::allocate_aligned(alignment, size), size);
  }
  if (block == nullptr) {
    alloc::live::count_failure();
    return ENOMEM;
  }
  *out = block;
  return 0;
}

STRATA_EXPORT void* valloc(size_t size) { return entry::aligned(entry::page_bytes(), size); }

STRATA_EXPORT void* pvalloc(size_t size) {
  size_t rounded = base::align_up(size, entry::page_bytes());
  if (rounded < size) return entry::out_of_memory();
  return entry::aligned(entry::page_bytes(), rounded);
}

STRATA_EXPORT size_t malloc_usable_size(void* block) {
  return entry::routed::owns(block) ? entry::routed::usable_size(block) : alloc::usable_size(block);
}

// C23. The sizes are checked: a block freed with a size that it does not have stops the process.
STRATA_EXPORT void free_sized(void* block, size_t size) {
  if (entry::watched::is_on()) return entry::watched::deallocate(block);
  if (entry::routed::deallocate_sized(block, size, 1, route::told_size::perhaps_reallocated))
    return;
  entry::recorded::gone(block);
  alloc::deallocate_sized(block, size, 1, alloc::told_size::perhaps_reallocated);
}
STRATA_EXPORT void free_aligned_sized(void* block, size_t alignment, size_t size) {
  if (entry::watched::is_on()) return entry::watched::deallocate(block);
  if (entry::routed::deallocate_sized(block, size, alignment,
                                      route::told_size::perhaps_reallocated))
    return;
  entry::recorded::gone(block);
  alloc::deallocate_sized(block, size, alignment, alloc::told_size::perhaps_reallocated);
}

STRATA_EXPORT int malloc_trim(size_t keep) { return alloc::trim_all(keep) > 0 ? 1 : 0; }
// Every parameter of glibc's is accepted and none has a meaning here.
STRATA_EXPORT int mallopt(int, int) { return 1; }

STRATA_EXPORT struct mallinfo2 mallinfo2(void) {
  strata_stats stats;
  strata_stats_get(&stats);
  struct mallinfo2 info = {};
  // As in glibc, uordblks leaves out what hblkhd counts.
  info.uordblks = stats.live_bytes + stats.rounding_bytes - stats.large_bytes;
  info.fordblks = stats.free_slot_bytes + stats.cached_bytes + stats.retained_bytes;
  info.arena = info.uordblks + info.fordblks;
  info.hblks = stats.large_blocks;
  info.hblkhd = stats.large_bytes;
  info.ordblks = stats.classes[1].free_slots;
  info.fsmblks = stats.cached_bytes;
  info.keepcost = stats.retained_bytes;
  return info;
}

STRATA_EXPORT struct mallinfo mallinfo(void) {
  struct mallinfo2 wide = mallinfo2();
  struct mallinfo info = {};
  info.arena = static_cast<int>(wide.arena);
  info.ordblks = static_cast<int>(wide.ordblks);
  info.hblks = static_cast<int>(wide.hblks);
  info.hblkhd = static_cast<int>(wide.hblkhd);
  info.fsmblks = static_cast<int>(wide.fsmblks);
  info.uordblks = static_cast<int>(wide.uordblks);
  info.fordblks = static_cast<int>(wide.fordblks);
  info.keepcost = static_cast<int>(wide.keepcost);
  return info;
}

STRATA_EXPORT void malloc_stats(void) {
  char buffer[4096];
  base::text text(buffer, sizeof buffer);
  entry::describe(text);
  os::write_error(text.data(), text.stored());
}

STRATA_EXPORT int malloc_info(int options, FILE* out) {
  if (options != 0) {
    errno = EINVAL;
    return -1;
  }
  char buffer[16 * 1024];
  base::text text(buffer, sizeof buffer);
  entry::describe_as_xml(text);
  return fwrite(text.data(), 1, text.stored(), out) == text.stored() ? 0 : -1;
}
