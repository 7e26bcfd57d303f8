#include "cli/model/layout/type_facts.hpp"

#include <elf.h>

#include <algorithm>
#include <bit>

namespace strata::cli::layout {
namespace {

constexpr int deepest = 32;                  // of arrays in arrays: damaged files may go in circles
constexpr std::uint64_t alignment_max = 16;  // of scalars

std::uint64_t address_bytes(const entry& type) {
  std::uint8_t size = 0;
  Dwarf_Die unit;
  if (dwarf_diecu(type.raw(), &unit, &size, nullptr) == nullptr || size == 0) return sizeof(void*);
  return size;
}

// Elements of one array; 0 where the length is open.
std::uint64_t length_of(const entry& array) {
  std::uint64_t product = 1;
  array.each_child([&](const entry& child) {
    if (child.tag() != DW_TAG_subrange_type) return;
    std::uint64_t count = 0;
    if (const auto told = child.number(DW_AT_count)) {
      count = *told;
    } else if (const auto last = child.number(DW_AT_upper_bound)) {
      // An array without elements ends at -1, in as many bytes as the compiler took for it.
      const bool none = *last == UINT64_MAX || *last == UINT32_MAX;
      count = none ? 0 : *last + 1;
    }
    product *= count;
  });
  return product;
}

bool is_vector(const entry& array) { return array.flag(DW_AT_GNU_vector); }

std::optional<std::uint64_t> size_of(const entry& type, int depth) {
  const entry bare = type.peeled();
  if (depth > deepest) return std::nullopt;
  if (const auto told = bare.number(DW_AT_byte_size)) return told;
  switch (bare.tag()) {
    case DW_TAG_array_type: {
      const auto element = bare.type();
      const auto size = element ? size_of(*element, depth + 1) : std::nullopt;
      return size ? std::optional(*size * length_of(bare)) : std::nullopt;
    }
    case DW_TAG_enumeration_type: {
      const auto underlying = bare.type();
      return underlying ? size_of(*underlying, depth + 1) : std::nullopt;
    }
    case DW_TAG_ptr_to_member_type: {
      // Of a function: its address, and what to add to `this`.
      const auto target = bare.type();
      const bool function = target && target->peeled().tag() == DW_TAG_subroutine_type;
      return address_bytes(bare) * (function ? 2 : 1);
    }
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
    case DW_TAG_unspecified_type:  // std::nullptr_t
      return address_bytes(bare);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::uint64_t> size_of(const entry& type) { return size_of(type, 0); }

elements elements_of(const entry& type) {
  elements result{type.peeled(), 1};
  for (int i = 0; i < deepest && result.type.tag() == DW_TAG_array_type; ++i) {
    if (is_vector(result.type)) break;
    const auto element = result.type.type();
    if (!element) break;
    result.count *= length_of(result.type);
    result.type = element->peeled();
  }
  return result;
}

std::uint64_t scalar_alignment(const entry& type, int machine) {
  const entry scalar = elements_of(type).type;
  if (is_record_tag(scalar.tag())) return 1;
  std::uint64_t size = size_of(scalar).value_or(1);
  if (scalar.tag() == DW_TAG_array_type) return std::bit_ceil(std::max<std::uint64_t>(size, 1));
  if (scalar.tag() == DW_TAG_ptr_to_member_type) size = address_bytes(scalar);
  if (scalar.number(DW_AT_encoding) == DW_ATE_complex_float) size /= 2;
  // The i386 ABI aligns nothing to more than a word.
  const std::uint64_t most = machine == EM_386 ? 4 : alignment_max;
  return std::min(std::bit_ceil(std::max<std::uint64_t>(size, 1)), most);
}

std::uint64_t demanded_alignment(const entry& type) {
  std::uint64_t most = type.number(DW_AT_alignment).value_or(1);
  entry at = type;
  for (int i = 0; i < deepest && is_qualifier_tag(at.tag()); ++i) {
    const auto next = at.type();
    if (!next) break;
    at = *next;
    most = std::max(most, at.number(DW_AT_alignment).value_or(1));
  }
  return std::max<std::uint64_t>(most, 1);
}

}  // namespace strata::cli::layout
