// What `strata map` shows.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "cli/model/map/allocator.hpp"
#include "cli/model/map/mapping.hpp"
#include "cli/report/style.hpp"

namespace strata::cli {

struct map_result {
  map::address_space space;
  std::optional<map::allocator_view> allocator;  // nothing: does not run under Strata
  std::string allocator_note;                    // why nothing is known of it; empty: all is told
};

// All mappings for one purpose.
struct purpose_total {
  map::purpose what;
  std::size_t mappings = 0;
  std::uint64_t bytes = 0;
  map::usage memory;
};
std::array<purpose_total, map::purpose_count> totals_of(const map::address_space& space);
purpose_total sum_of(const map::address_space& space);

// What stands for the mapping: its label, its path, or that it has none.
std::string title_of(const map::mapping& one);

enum class shown_mappings { largest, all };

std::string map_text(const map_result& result, shown_mappings which, const style& look);
std::string map_json(const map_result& result);
// A picture for a browser: resident memory by purpose, the address space, the heap page by page.
std::string map_svg(const map_result& result);

}  // namespace strata::cli
