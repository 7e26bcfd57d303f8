// Ranges of addresses that programs map and unmap, as the file has them: blocks of their own, in which each event is
// a row. There are few of them beside those of blocks.
//
//   what | thread | time since the row before | address less that of the row before | bytes | node
//
// what is the kind and, from its third bit on, what is mapped (wire::range_about); bytes are not of unmap_back,
// and nodes only of map.
#pragma once

#include <cstdint>

#include "cli/model/capture/bytes.hpp"
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

class range_rows {
 public:
  void add(const range_event& one);
  bool empty() const { return rows_.size() == 0; }
  std::size_t size() const { return rows_.size(); }
  // Writes them, and begins anew.
  void put(byte_writer& to);

 private:
  byte_writer rows_;
  range_event last_;
};

class range_reader {
 public:
  explicit range_reader(byte_reader& from) : from_(from) {}
  // The next; false at the end, or where something is wrong: from.good() tells.
  bool next(range_event& into);

 private:
  byte_reader& from_;
  range_event last_;
};

}  // namespace strata::cli::capture
