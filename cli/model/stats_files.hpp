// Reads the files that the library leaves in STRATA_STATS_DIR, one for each process
// (and for each program that a process ran before it replaced itself): a strata_stats, and behind it the
// strata_watch_table of the program's resources.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "strata/strata.h"
#include "strata/watch.h"

namespace strata::cli {

struct process_figures : strata_stats {
  std::vector<strata_watch_row> resources;
  std::uint32_t unlisted_resources = 0;  // that the table had no row for
};

struct process_tree {
  std::vector<process_figures> processes;  // in the order in which they started
  int unreadable = 0;                      // files of another version, or cut short

  // The last program that the process pid ran; null when it left no file.
  const process_figures* last_of(pid_t pid) const;
};

process_tree read_stats_files(const std::string& directory);

}  // namespace strata::cli
