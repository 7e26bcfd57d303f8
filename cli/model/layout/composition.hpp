// What lies inside a record: records in its fields, in arrays, and in the raw bytes in which libstdc++'s
// nodes keep their value. And what it takes when one of these is ordered better: its own fields stay in
// their order.
//
//   _List_node<item>   next | previous | bytes for an item:  a hole b c hole      56 -> 40
//
// What a union has is left alone: which of its fields is there, nobody knows.
#pragma once

#include <map>

#include "cli/model/layout/named_records.hpp"

namespace strata::cli::layout {

class composition {
 public:
  // names: outlives this.
  explicit composition(const named_records& names) : names_(names), all_(names.all()) {}

  // How many of each record a record has inside: itself too, once.
  std::map<std::size_t, std::uint64_t> parts_of(std::size_t whole) const;
  // The size of the whole with this record in its better order; at most what it is now.
  std::uint64_t size_with(std::size_t whole, std::size_t better) const {
    return size_with(whole, better, 0);
  }

 private:
  static constexpr int deepest = 32;  // deeper only in damaged files

  void add_parts(std::size_t whole, std::uint64_t count, int depth,
                 std::map<std::size_t, std::uint64_t>& into) const;
  std::uint64_t size_with(std::size_t whole, std::size_t better, int depth) const;
  // The record that raw bytes are for; no_record: they are none.
  std::size_t kept_in(const record& raw) const;

  const named_records& names_;
  const catalogue& all_;
};

}  // namespace strata::cli::layout
