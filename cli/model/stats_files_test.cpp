#include "cli/model/stats_files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "cli/model/file.hpp"

namespace strata::cli {
namespace {

class StatsFilesTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }

  void write_file(const std::string& name, const void* content, std::size_t size) {
    const descriptor file(open(path(name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(write_all(file.get(), {static_cast<const char*>(content), size}));
  }
  void write_stats(const std::string& name, const strata_stats& stats) {
    write_file(name, &stats, sizeof stats);
  }
  process_tree tree() const { return read_stats_files(directory_.path()); }

 private:
  temporary_directory directory_;
};

strata_stats stats_of(int pid, std::uint64_t started_ns) {
  strata_stats stats{};
  stats.version = STRATA_STATS_VERSION;
  stats.struct_bytes = sizeof stats;
  stats.pid = pid;
  stats.started_ns = started_ns;
  return stats;
}

TEST_F(StatsFilesTest, OrdersProcessesByTheirStart) {
  write_stats("12.stats", stats_of(12, 300));
  write_stats("11.stats", stats_of(11, 100));
  write_stats("12-1.stats", stats_of(12, 200));  // what 12 ran before
  const process_tree result = tree();
  ASSERT_EQ(result.processes.size(), 3u);
  EXPECT_EQ(result.processes[0].pid, 11);
  EXPECT_EQ(result.processes[1].started_ns, 200u);
  EXPECT_EQ(result.last_of(12)->started_ns, 300u);
  EXPECT_EQ(result.unreadable, 0);
}

TEST_F(StatsFilesTest, CountsWhatItCannotRead) {
  strata_stats stats = stats_of(1, 1);
  write_file("1.stats", &stats, sizeof stats - 1);
  stats.version = STRATA_STATS_VERSION + 1;
  write_stats("2.stats", stats);
  stats = stats_of(3, 1);
  stats.struct_bytes += 8;
  write_stats("3.stats", stats);
  ASSERT_EQ(mkfifo(path("4.stats").c_str(), 0600), 0);  // must not block
  ASSERT_EQ(symlink("/dev/zero", path("5.stats").c_str()), 0);
  write_stats("other.file", stats_of(6, 1));
  EXPECT_TRUE(tree().processes.empty());
  EXPECT_EQ(tree().unreadable, 5);
}

TEST_F(StatsFilesTest, MakesHostileFieldsSafe) {
  strata_stats stats = stats_of(1, 1);
  stats.class_count = ~0u;
  std::memset(stats.program, 'x', sizeof stats.program);
  write_stats("1.stats", stats);
  const process_tree result = tree();
  ASSERT_EQ(result.processes.size(), 1u);
  EXPECT_EQ(result.processes[0].class_count, static_cast<unsigned>(STRATA_STATS_CLASSES));
  EXPECT_EQ(std::strlen(result.processes[0].program), sizeof stats.program - 1);
}

TEST_F(StatsFilesTest, ReadsResourcesBehindTheFigures) {
  struct {
    strata_stats stats;
    strata_watch_table table;
  } file{};
  const auto resources = [&] {
    write_file("1.stats", &file, sizeof file);
    const process_tree result = tree();
    return result.processes.size() == 1 ? result.processes[0].resources
                                        : std::vector<strata_watch_row>(99);
  };
  file.stats = stats_of(1, 1);
  file.table.version = STRATA_WATCH_VERSION;
  file.table.row_bytes = sizeof(strata_watch_row);
  file.table.count = 1;
  file.table.rows[0].live_bytes = 77;
  ASSERT_EQ(resources().size(), 1u);
  EXPECT_EQ(resources()[0].live_bytes, 77u);
  file.table.count = ~0u;
  std::memset(&file.table.rows[0].name, 'x', STRATA_WATCH_NAME);
  ASSERT_EQ(resources().size(), static_cast<unsigned>(STRATA_WATCH_ROWS));
  EXPECT_EQ(std::strlen(resources()[0].name), STRATA_WATCH_NAME - 1u);
  file.table.version = STRATA_WATCH_VERSION + 1;
  EXPECT_TRUE(resources().empty()) << "of another library";
}

TEST_F(StatsFilesTest, OfAMissingDirectoryAreNone) {
  EXPECT_TRUE(read_stats_files(path("none")).processes.empty());
}

}  // namespace
}  // namespace strata::cli
