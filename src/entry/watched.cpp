#include "entry/watched.hpp"

#include <malloc.h>
#include <stdlib.h>

#include "alloc/allocate.hpp"
#include "ground/address_map.hpp"
#include "os/watcher.hpp"

// malloc.cpp's malloc, whoever else defines one; null where a static program has another's.
extern "C" __attribute__((weak, visibility("hidden"))) void* strata_own_malloc(std::size_t size);

namespace strata::entry::watched {
namespace {

// Valgrind redirects what is called, whatever finds it: ours is the one to try, since libc's may serve
// beside a Strata that was opened at run time.
bool serves_malloc(os::watcher tool) {
  bool try_ours = tool != os::watcher::sanitizer && strata_own_malloc != nullptr;
  void* probe = try_ours ? strata_own_malloc(1) : malloc(1);
  bool serves = ground::mark_of(probe) == ground::mark_none;
  if (serves)
    free(probe);
  else
    alloc::deallocate(probe);
  return serves;
}

server server_of(os::watcher tool) {
  if (tool == os::watcher::none || !serves_malloc(tool)) return server::strata;
  if (tool == os::watcher::sanitizer) return server::sanitizer;
  return tool == os::watcher::memcheck ? server::memcheck : server::valgrind;
}

}  // namespace

constinit std::atomic<server> malloc_server{server::unknown};

STRATA_NOINLINE server find_malloc_server() {
  server found = server_of(os::who_watches());
  malloc_server.store(found, std::memory_order_relaxed);
  return found;
}

void* allocate(std::size_t size) { return malloc(size); }
void* allocate_zeroed(std::size_t count, std::size_t size) { return calloc(count, size); }
void* allocate_aligned(std::size_t alignment, std::size_t size) {
  return memalign(alignment, size);
}

void* reallocate(void* block, std::size_t size) { return realloc(block, size); }
void deallocate(void* block) { free(block); }
std::size_t usable_size(const void* block) { return malloc_usable_size(const_cast<void*>(block)); }

}  // namespace strata::entry::watched
