// A better order of a record's fields.
//
// Fields are placed one after the other: of those that need no hole in front of them, the one with the
// strictest alignment; where each needs one, the one that needs the smallest. Without bases that is the
// order by alignment, in which no hole is left. Some fields do not move:
//
//   bases and the vtable pointer   come first, as the ABI wants
//   an array of open length        stays last
//   neighbouring bit-fields        move together: what they share is theirs
//
// Unions, packed records, records with virtual bases or with fields of unknown size and Rust's enums are
// left alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/model/layout/record.hpp"

namespace strata::cli::layout {

struct better_order {
  std::uint64_t size_bytes;         // less than the record's
  std::vector<std::size_t> fields;  // all fields, by index, in the new order
};

// Nothing when no order is smaller.
std::optional<better_order> order_of(const record& of);

// What speaks against another order of the record's fields, a sentence each.
std::vector<std::string> order_notes(const record& of);

}  // namespace strata::cli::layout
