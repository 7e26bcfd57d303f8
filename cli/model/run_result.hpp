// What `strata run` learned about one run: the input of its reports.
#pragma once

#include <string>
#include <vector>

#include "cli/model/process.hpp"
#include "cli/model/stats_files.hpp"

namespace strata::cli {

struct run_result {
  std::vector<std::string> program;  // as it was called
  std::string library{};             // preloaded; empty: none
  std::string sanitizer{};           // whose malloc served the program instead; empty: none
  pid_t pid = -1;
  ending end{};
  process_tree tree{};
};

// Where the resident bytes of a process are. The allocator's parts are upper bounds (what was never
// touched is not resident), so that they may add up to more than is resident.
struct resident_part {
  const char* name;
  std::uint64_t bytes;
  const char* meaning;
};
std::vector<resident_part> resident_parts(const strata_stats& stats);

// Sums over the processes of a tree.
struct tree_totals {
  std::uint64_t allocations = 0;
  std::uint64_t frees = 0;
  std::uint64_t peak_live_bytes = 0;      // of the process with the most
  std::uint64_t peak_resident_bytes = 0;  // of the process with the most
};
tree_totals totals_of(const process_tree& tree);

}  // namespace strata::cli
