// Types of the program whose fields in a better order (layout/order.hpp) would make the blocks smaller that
// were live at the peak. All blocks that have such an object inside are meant, wherever they come from:
// an object in a list's node as well as one from new.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/model/capture/view.hpp"

namespace strata::cli::advice {

// What becomes of the blocks of a stack: of each so many bytes, so many; 0: nothing does.
struct smaller_unit {
  std::uint64_t bytes = 0;
  std::uint64_t better_bytes = 0;
};

struct padded_type {
  std::string name;
  std::string file;  // where it is defined
  std::uint64_t line = 0;
  std::uint64_t bytes = 0;
  std::uint64_t better_bytes = 0;
  std::vector<std::string> order;  // of the fields
  double objects = 0;              // live at the peak
  double objects_by_source = 0;    // of these, whose type a line of source has told
  double saved_bytes = 0;          // of what is asked for at the peak
  std::vector<smaller_unit> of_node;
};

// Those that save at least so much of what is asked for at the peak. Types of the system's headers are not the
// program's to change.
std::vector<padded_type> padded_types(const capture::view& of, double least_bytes);

}  // namespace strata::cli::advice
