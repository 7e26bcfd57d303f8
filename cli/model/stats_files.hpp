// Reads the strata_stats files that the library leaves in STRATA_STATS_DIR, one for each process
// (and for each program that a process ran before it replaced itself).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "strata/strata.h"

namespace strata::cli {

struct process_tree {
  std::vector<strata_stats> processes;  // in the order in which they started
  int unreadable = 0;                   // files of another version, or cut short

  // The last program that the process pid ran; null when it left no file.
  const strata_stats* last_of(pid_t pid) const;
};

process_tree read_stats_files(const std::string& directory);

}  // namespace strata::cli
