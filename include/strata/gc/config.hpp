// What the headers of the managed heap share and users need not know.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(STRATA_BUILDING_GC)
#define STRATA_GC_API __attribute__((visibility("default")))
#else
#define STRATA_GC_API
#endif

// 1: objects bear 16 bytes of header, as HotSpot's do, instead of 8. Library and program must agree; a
// heap that is made by a program which doesn't stops it.
#ifndef STRATA_GC_WIDE_HEADER
#define STRATA_GC_WIDE_HEADER 0
#endif

namespace strata::gc::detail {

inline constexpr std::size_t word_bytes = 8;
// Heaps are cut into blocks; what is larger than half of one is a large object, with blocks of its own.
inline constexpr std::size_t block_bytes = std::size_t{64} << 10;
inline constexpr unsigned block_shift = 16;
inline constexpr std::size_t most_small_bytes = block_bytes / 2;
// A copy may have a word behind it.
inline constexpr std::size_t most_copied_bytes = most_small_bytes + word_bytes;

constexpr std::size_t whole_words(std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; }

inline std::uintptr_t address_of(const volatile void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}
template <class T = void>
T* pointer_to(std::uintptr_t address) {
  return reinterpret_cast<T*>(address);  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace strata::gc::detail
