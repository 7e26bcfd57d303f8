// What tracers ask of an object: its size, and where its references are.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "gc/blocks.hpp"
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

// With its header, and the hash behind it. word: of its header, which says nothing of a copy.
inline std::size_t object_bytes(void* object, const type& of, std::uint64_t word) {
  std::size_t payload = of.bytes;
  if (of.element_bytes != 0) {
    payload = detail::whole_words(payload + *static_cast<std::size_t*>(object) * of.element_bytes);
  }
  return header::bytes + payload + header::tail_bytes(word);
}
inline std::size_t object_bytes(void* object, const type& of) {
  return object_bytes(object, of, header::load(object));
}

// An object with its header, which is a row of whole words; most are a few of them.
STRATA_INLINE void copy_object(std::byte* to, const std::byte* from, std::size_t bytes) {
  if (bytes > 128) {
    __builtin_memcpy(to, from, bytes);
    return;
  }
  for (std::size_t at = 0; at < bytes; at += detail::word_bytes)
    __builtin_memcpy(to + at, from + at, detail::word_bytes);
}

// Of an object whose header says that the hash follows from where it lies: `salt` changes whenever the
// block there begins a new life, so that objects which follow each other at an address differ.
inline std::uint32_t hash_of_place(const void* object, std::uint32_t salt) {
  return static_cast<std::uint32_t>(
      base::mixed(base::address_of(object) ^ (std::uint64_t{salt} << 40)) >> 32);
}
// After copy_object, into header::growth(word) bytes more.
STRATA_INLINE void carry_hash(void* copy, const void* object, std::uint64_t word, std::size_t bytes,
                              const blocks& of) {
  if (STRATA_LIKELY(header::growth(word) == 0)) return;
  std::uint64_t hash = hash_of_place(object, of.salt_at(object));
  __builtin_memcpy(static_cast<std::byte*>(copy) + (bytes - header::bytes), &hash, sizeof(hash));
  header::at(copy) ^= header::hashed | header::hash_behind;
}

// Its map is made now where it has not been yet. acquire: with the shape comes the map.
inline shape shape_of(type& of) {
  std::atomic_ref<shape> kind(of.kind);
  shape now = kind.load(std::memory_order_acquire);
  if (STRATA_UNLIKELY(now == shape::unresolved)) {
    of.resolve(of);
    now = kind.load(std::memory_order_acquire);
  }
  return now;
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
    case shape::weak:
    case shape::ephemeron:
    case shape::unresolved:
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
      if (of.mask == 0) return;
      std::size_t length = *static_cast<std::size_t*>(object);
      for (std::size_t at = 0; at < length; ++at)
        each_masked(words + 1 + at * of.element_bytes / detail::word_bytes, of.mask, visit);
      return;
    }
  }
}

// The same, and the mirror of the type's loader, for tracers of the whole heap. Young collections take the
// mirrors that are young for roots instead.
template <class Visit>
STRATA_INLINE void each_edge(void* object, type& of, Visit&& visit) {
  if (STRATA_UNLIKELY(of.mirror != nullptr)) visit(of.mirror);
  each_field(object, of, visit);
}

}  // namespace strata::gc
