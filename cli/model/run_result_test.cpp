#include "cli/model/run_result.hpp"

#include <gtest/gtest.h>

namespace strata::cli {
namespace {

strata_stats example() {
  strata_stats stats{};
  stats.live_bytes = 100;
  stats.rounding_bytes = 10;
  stats.free_slot_bytes = 20;
  stats.cached_bytes = 5;
  stats.retained_bytes = 40;
  stats.metadata_bytes = 25;
  return stats;
}

TEST(ResidentParts, LeaveTheRestToOtherMemory) {
  strata_stats stats = example();
  stats.resident_bytes = 1000;
  const auto parts = resident_parts(stats);
  ASSERT_EQ(parts.size(), 7u);
  EXPECT_STREQ(parts.back().name, "otherwise");
  EXPECT_EQ(parts.back().bytes, 800u);
}

TEST(ResidentParts, NeverGoBelowZero) {
  strata_stats stats = example();
  stats.resident_bytes = 150;  // some parts were never touched
  EXPECT_EQ(resident_parts(stats).back().bytes, 0u);
}

TEST(Totals, AddCountsAndTakeTheHighestPeaks) {
  process_tree tree;
  for (std::uint64_t i : {1u, 3u, 2u}) {
    process_figures stats{};
    stats.allocations = i;
    stats.frees = i;
    stats.peak_live_bytes = 10 * i;
    stats.peak_resident_bytes = 100 * i;
    tree.processes.push_back(stats);
  }
  const tree_totals totals = totals_of(tree);
  EXPECT_EQ(totals.allocations, 6u);
  EXPECT_EQ(totals.frees, 6u);
  EXPECT_EQ(totals.peak_live_bytes, 30u);
  EXPECT_EQ(totals.peak_resident_bytes, 300u);
}

TEST(ProcessTree, FindsTheLastProgramOfAProcess) {
  process_tree tree;
  for (int pid : {7, 8, 7}) {
    process_figures stats{};
    stats.pid = pid;
    tree.processes.push_back(stats);
  }
  EXPECT_EQ(tree.last_of(7), &tree.processes[2]);
  EXPECT_EQ(tree.last_of(9), nullptr);
}

}  // namespace
}  // namespace strata::cli
