// What a record wastes: the bytes and bits between its fields and behind them.
//
// Bits that a bit-field leaves over in the unit of its declared type, up to the next field, count as
// bits; whole bytes beyond that count as bytes. So do pahole's figures.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/model/layout/record.hpp"

namespace strata::cli::layout {

struct gap {
  std::size_t before;  // index of the field behind it; the number of fields: padding at the end
  std::uint64_t offset_bits;
  std::uint64_t size_bits;
  bool in_unit;  // left over in a bit-field's unit
};

struct waste {
  std::vector<gap> gaps;  // by offset
  std::uint64_t holes = 0;
  std::uint64_t hole_bytes = 0;
  std::uint64_t bit_holes = 0;
  std::uint64_t bit_hole_bits = 0;
  std::uint64_t padding_bytes = 0;
  std::uint64_t bit_padding_bits = 0;

  // Rounded down to whole bytes.
  std::uint64_t bytes() const {
    return hole_bytes + padding_bytes + (bit_hole_bits + bit_padding_bits) / byte_bits;
  }
};

// Virtual bases count as filled.
waste waste_of(const record& of);

// Of each record: the bytes wasted inside its fields, at all depths, which it cannot mend itself.
std::vector<std::uint64_t> nested_waste_bytes(const catalogue& all);

// The field's first and last byte are in different cache lines though it would fit into one.
bool crosses_cache_line(const field& one);

}  // namespace strata::cli::layout
