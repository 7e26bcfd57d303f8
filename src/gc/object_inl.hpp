// What tracers ask of an object: its size, and where its references are.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "strata/gc/header.hpp"
#include "strata/gc/type.hpp"

namespace strata::gc {

using detail::header;
using detail::type_of_object;

// A field's word may be an immediate of gc::value.
inline bool is_immediate(std::uintptr_t word) { return (word & 1) != 0; }
// Whether it is the address of an object. One rotation sends null to zero and immediates below it, so that
// it takes no longer than a comparison with null.
STRATA_INLINE bool is_reference(const void* word) {
  return static_cast<std::int64_t>(std::rotr(detail::address_of(word), 1)) > 0;
}

// With its header. word: of the header, not forwarded.
inline std::size_t object_bytes(void* object, const type& of) {
  std::size_t payload = of.bytes;
  if (of.element_bytes != 0) {
    payload = detail::whole_words(payload + *static_cast<std::size_t*>(object) * of.element_bytes);
  }
  return header::bytes + payload;
}

// acquire: with the shape comes the map.
inline shape shape_of(type& of) {
  return std::atomic_ref<shape>(of.kind).load(std::memory_order_acquire);
}

template <class Visit>
STRATA_INLINE void each_masked(void** words, std::uint64_t mask, Visit&& visit) {
  for (; mask != 0; mask &= mask - 1) visit(words + std::countr_zero(mask));
}

// visit(void** field) for each reference of the object that keeps what it refers to alive.
template <class Visit>
STRATA_INLINE void each_field(void* object, type& of, Visit&& visit) {
  auto** words = static_cast<void**>(object);
  switch (shape_of(of)) {
    case shape::leaf:
    case shape::leaf_array:
      return;
    case shape::masked:
      return each_masked(words, of.mask, visit);
    case shape::listed:
      for (std::uint32_t at = 0; at < of.offset_count; ++at)
        visit(words + of.offsets[at] / detail::word_bytes);
      return;
    case shape::ref_array: {
      std::size_t length = *static_cast<std::size_t*>(object);
      for (std::size_t at = 1; at <= length; ++at) visit(words + at);
      return;
    }
    case shape::struct_array: {
      std::size_t length = *static_cast<std::size_t*>(object);
      for (std::size_t at = 0; at < length; ++at)
        each_masked(words + 1 + at * of.element_bytes / detail::word_bytes, of.mask, visit);
      return;
    }
    case shape::unresolved:
      of.resolve(of);
      return each_field(object, of, visit);
    case shape::weak:
    case shape::ephemeron:
      return;
  }
}

}  // namespace strata::gc
