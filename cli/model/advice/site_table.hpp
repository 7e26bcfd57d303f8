// The sites of a process by number, so that events can be told apart by them.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/model/capture/view.hpp"

namespace strata::cli::advice {

struct site_table {
  std::vector<capture::call_site> sites;
  std::vector<bool> are_heaps;         // first-class heaps, each a site of its own
  std::vector<std::uint32_t> of_node;  // of those that have allocated

  explicit site_table(const capture::view& of);
};

}  // namespace strata::cli::advice
