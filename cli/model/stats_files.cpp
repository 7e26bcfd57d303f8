#include "cli/model/stats_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "cli/model/file.hpp"

namespace strata::cli {
namespace {

// Of another library's version: none.
void read_resources(int file, process_figures& into) {
  strata_watch_table table{};
  const auto got = pread(file, &table, sizeof table, sizeof(strata_stats));
  if (got != sizeof table || table.version != STRATA_WATCH_VERSION ||
      table.row_bytes != sizeof(strata_watch_row)) {
    return;
  }
  into.unlisted_resources = table.unlisted;
  into.resources.assign(table.rows,
                        table.rows + std::min<std::uint32_t>(table.count, STRATA_WATCH_ROWS));
  for (strata_watch_row& each : into.resources) {
    each.name[sizeof each.name - 1] = '\0';
    each.kind[sizeof each.kind - 1] = '\0';
  }
}

bool read_one(const std::string& path, process_figures& figures) {
  strata_stats& stats = figures;
  const descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file || pread(file.get(), &stats, sizeof stats, 0) != sizeof stats) return false;
  if (stats.version != STRATA_STATS_VERSION || stats.struct_bytes != sizeof stats) return false;
  // The file is another process's: what is used as an index or as text is made safe.
  stats.class_count = std::min<std::uint32_t>(stats.class_count, STRATA_STATS_CLASSES);
  stats.program[sizeof stats.program - 1] = '\0';
  read_resources(file.get(), figures);
  return true;
}

}  // namespace

const process_figures* process_tree::last_of(pid_t pid) const {
  const process_figures* last = nullptr;
  for (const process_figures& stats : processes) {
    if (stats.pid == pid) last = &stats;
  }
  return last;
}

process_tree read_stats_files(const std::string& directory) {
  process_tree tree;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (entry.path().extension() != ".stats") continue;
    process_figures stats{};
    if (read_one(entry.path().string(), stats)) {
      tree.processes.push_back(std::move(stats));
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
