// Ranges of addresses that programs map and unmap, as the file has them: blocks of their own, in which each event is
// a row. There are few of them beside those of blocks.
//
//   what | thread | time since the row before | address less that of the row before | bytes | node
//
// what is the kind and, from its third bit on, what is mapped (wire::range_about); bytes are not of unmap_back,
// and nodes only of map.
#pragma once

#include <cstdint>

#include "cli/model/capture/event_rows.hpp"
#include "wire/area.hpp"

namespace strata::cli::capture {

struct range_event {
  wire::range_kind kind = wire::range_kind::map;
  std::uint16_t about = 0;
  std::uint32_t thread = 0;
  std::uint32_t node = 0;
  std::uint64_t start = 0;
  std::uint64_t bytes = 0;
  std::uint64_t time_ms = 0;
};

struct range_row {
  using row = range_event;
  static void put(byte_writer& to, const row& one, const row& before);
  static void get(byte_reader& from, row& last);
};
using range_rows = event_rows<range_row>;
using range_reader = event_row_reader<range_row>;

}  // namespace strata::cli::capture
