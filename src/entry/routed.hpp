// What the faces of the allocator ask the router (route/router.hpp). In libstrata_route.so, which is this
// library compiled with STRATA_ROUTING, blocks of one site go to a place of their own; elsewhere all this is
// nothing.
//
// Whatever asks for the caller is inlined into the function that the program calls.
#pragma once

#include <cstddef>

#include "base/check.hpp"
#include "route/router.hpp"

namespace strata::entry::routed {

// Out of line: what is rare, and what needs the heap. In libstrata_route.so alone.
void note_operation();
bool reallocates(void*& block, std::size_t size, bool is_of_site);

// An operation of the program begins.
STRATA_INLINE void begin() {
  if constexpr (config::routing) {
    if (STRATA_UNLIKELY(route::watches())) note_operation();
  }
}

// Null: the heap serves it.
STRATA_INLINE void* allocate(std::size_t size, std::size_t alignment = 1) {
  void* block = nullptr;
  if constexpr (config::routing) {
    if (!route::is_on()) return nullptr;
    begin();
    auto caller = base::address_of(__builtin_return_address(0));
    if (route::site::is_called_from(caller)) block = route::allocate(size, alignment);
    if (block == nullptr && STRATA_UNLIKELY(route::watches())) route::note_other_block();
  }
  return block;
}
STRATA_INLINE void* allocate_zeroed(std::size_t count, std::size_t size) {
  void* block = nullptr;
  if constexpr (config::routing) {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
    block = allocate(bytes);
    if (block != nullptr) __builtin_memset(block, 0, bytes);
  }
  return block;
}

STRATA_INLINE bool owns(const void* block) {
  if constexpr (config::routing) return route::owns(block);
  return false;
}
STRATA_INLINE std::size_t usable_size(const void* block) {
  if constexpr (config::routing) return route::usable_size(const_cast<void*>(block));
  return 0;
}

// True: that was all.
STRATA_INLINE bool deallocate(void* block) {
  if constexpr (config::routing) {
    if (!route::is_on() || block == nullptr) return false;
    begin();
    if (STRATA_LIKELY(!route::owns(block))) return false;
    route::deallocate(block);
    return true;
  }
  return false;
}
STRATA_INLINE bool deallocate_sized(void* block, std::size_t size, std::size_t alignment,
                                    route::told_size told = route::told_size::exactly) {
  if constexpr (config::routing) {
    if (route::owns(block)) route::check_size(block, size, alignment, told);
  }
  return deallocate(block);
}
// True: block is what came of it.
STRATA_INLINE bool reallocate(void*& block, std::size_t size) {
  if constexpr (config::routing) {
    if (!route::is_on()) return false;
    auto caller = base::address_of(__builtin_return_address(0));
    begin();
    return reallocates(block, size, route::site::is_called_from(caller));
  }
  return false;
}

inline void thread_exits() {
  if constexpr (config::routing) route::thread_exits();
}
inline void forked_in_child() {
  if constexpr (config::routing) route::forked_in_child();
}

}  // namespace strata::entry::routed
