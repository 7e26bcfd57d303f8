// Objects that say where their references are: descriptions from bitmaps, and arrays of described elements.
//
//   bitmap of up to 62 words        in the description itself
//   longer                          a row of a table; the description names it: | row | procedure | 10 |
//   array       | element | element | ... |  rest | element's bytes | element's description |
#pragma once

#include <cstddef>
#include <cstdint>

#include "conservative/heap.hpp"

namespace strata::conservative {

// Kinds of typed objects get their procedures.
void open_typed(heap& of);
// bit i of bits: word i of an object may be a reference. Where there is no memory for it, one by which all of them may.
description make_description(const std::uintptr_t* bits, std::size_t count);

// What the slot of a typed object has behind it, in bytes.
inline constexpr std::size_t typed_extra_bytes = word_bytes;
inline constexpr std::size_t typed_array_extra_bytes = 2 * word_bytes;
void describe(void* object, std::size_t slot_bytes, description as);
void describe_array(void* object, std::size_t slot_bytes, std::size_t element_bytes,
                    description element);

}  // namespace strata::conservative
