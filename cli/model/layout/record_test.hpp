// Records for tests, written as one would say them.
#pragma once

#include <string>
#include <utility>

#include "cli/model/layout/record.hpp"

namespace strata::cli::layout {

// A field of so many bytes, aligned to its size unless told otherwise.
inline field field_at(const std::string& name, std::uint64_t offset, std::uint64_t bytes,
                      std::uint64_t alignment = 0) {
  field made;
  made.name = name;
  made.offset_bits = offset * byte_bits;
  made.size_bits = bytes * byte_bits;
  made.unit_bytes = bytes;
  made.alignment = alignment != 0 ? alignment : bytes;
  return made;
}

inline field bits_at(const std::string& name, std::uint64_t offset_bits, std::uint64_t bits,
                     std::uint64_t unit_bytes) {
  field made = field_at(name, 0, unit_bytes);
  made.is_bitfield = true;
  made.offset_bits = offset_bits;
  made.size_bits = bits;
  return made;
}

inline field base_at(std::uint64_t offset, std::uint64_t bytes, std::uint64_t alignment) {
  field made = field_at("", offset, bytes, alignment);
  made.kind = field_kind::base;
  return made;
}

inline record record_of(std::uint64_t bytes, std::uint64_t alignment, std::vector<field> fields) {
  record made;
  made.name = "record";
  made.size_bytes = bytes;
  made.alignment = alignment;
  made.fields = std::move(fields);
  return made;
}

}  // namespace strata::cli::layout
