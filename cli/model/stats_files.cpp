#include "cli/model/stats_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "cli/model/file.hpp"

namespace strata::cli {
namespace {

bool read_one(const std::string& path, strata_stats& stats) {
  const descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file || pread(file.get(), &stats, sizeof stats, 0) != sizeof stats) return false;
  if (stats.version != STRATA_STATS_VERSION || stats.struct_bytes != sizeof stats) return false;
  // The file is another process's: what is used as an index or as text is made safe.
  stats.class_count = std::min<std::uint32_t>(stats.class_count, STRATA_STATS_CLASSES);
  stats.program[sizeof stats.program - 1] = '\0';
  return true;
}

}  // namespace

const strata_stats* process_tree::last_of(pid_t pid) const {
  const strata_stats* last = nullptr;
  for (const strata_stats& stats : processes) {
    if (stats.pid == pid) last = &stats;
  }
  return last;
}

process_tree read_stats_files(const std::string& directory) {
  process_tree tree;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (entry.path().extension() != ".stats") continue;
    strata_stats stats{};
    if (read_one(entry.path().string(), stats)) {
      tree.processes.push_back(stats);
    } else {
      ++tree.unreadable;
    }
  }
  std::sort(tree.processes.begin(), tree.processes.end(),
            [](const strata_stats& a, const strata_stats& b) {
              return a.started_ns != b.started_ns ? a.started_ns < b.started_ns : a.pid < b.pid;
            });
  return tree;
}

}  // namespace strata::cli
