// A watched process: a tool serves malloc in our place, in order to know every block. Valgrind's tools,
// except those that only count, redirect every function that is named as one of libc's or C++'s
// allocating functions, and so ours, too; a program built with a sanitizer has the sanitizer's.
//
//   malloc, free, new ...     the tool's; nothing of ours runs
//   strata_malloc, _free ...  the tool does not know them: they go on to malloc, free ... by name, so
//                             that all blocks stay interchangeable
//   strata_heap_...           watched heaps (watched_heap.hpp)
//
// Who serves is found out at the first call that needs to know, by one malloc.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"

namespace strata::entry::watched {

enum class server : std::uint8_t {
  unknown,
  strata,
  valgrind,  // another of its tools than Memcheck
  memcheck,
  sanitizer,
};
extern std::atomic<server> malloc_server;
server find_malloc_server();

// relaxed, twice: every thread finds out the same.
STRATA_INLINE bool is_on() {
  server known = malloc_server.load(std::memory_order_relaxed);
  if (STRATA_LIKELY(known == server::strata)) return false;
  return known != server::unknown || find_malloc_server() != server::strata;
}
// What is_on() found.
inline server known_server() { return malloc_server.load(std::memory_order_relaxed); }

// By libc's names, and as these on the edges.
void* allocate(std::size_t size);
void* allocate_zeroed(std::size_t count, std::size_t size);
void* allocate_aligned(std::size_t alignment, std::size_t size);
void* reallocate(void* block, std::size_t size);
void deallocate(void* block);
std::size_t usable_size(const void* block);

}  // namespace strata::entry::watched
