// The address space of all managed heaps of the process, and the log bits of it.
//
//   area   | heap | heap | nothing yet ...               |   reserved once, at the first heap
//   log    | 1 bit a word of the area                    |   committed where a heap is
//
// It is one, so that the write barrier finds a word's bit from the word's address alone: by log_bias.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::gc::area {

struct slice {
  std::uintptr_t base = 0;
  std::size_t bytes = 0;
};

// Slices begin and end at multiples of this.
inline constexpr std::size_t unit_bytes = std::size_t{4} << 20;

// Inaccessible addresses, whose log bits are clear and may be written. False when there are none.
bool take(std::size_t bytes, slice& into);
void give(const slice& from);

}  // namespace strata::gc::area
