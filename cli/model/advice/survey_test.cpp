#include "cli/model/advice/survey.hpp"

#include <gtest/gtest.h>

#include "cli/model/capture/recording_test.hpp"

namespace strata::cli::advice {
namespace {

using capture::event;
using capture::gone;
using capture::made;
using capture::resize_in;
using capture::resize_out;

// Node 1 is of site 0, and so on.
const std::vector<std::uint32_t> of_node = {0, 0, 1, 2};

std::vector<site_facts> surveyed(const std::vector<event>& events) {
  survey all(of_node, 3, events.size());
  for (const event& one : events) all.add(one);
  return all.sites();
}

TEST(Survey, Temporary) {
  const auto found = surveyed({made(16, 100, 1), made(32, 8, 2), gone(16), gone(32),  // one is
                               made(48, 9, 2), gone(48, 2),  // another thread's free
                               made(64, 9, 3, 2), gone(64, 2)});
  EXPECT_EQ(found[0].temporary, 0u);
  EXPECT_EQ(found[1].temporary, 1u);
  EXPECT_EQ(found[2].temporary, 1u);
  EXPECT_EQ(found[1].blocks, 2u);
  EXPECT_EQ(found[1].least_bytes, 8u);
  EXPECT_EQ(found[1].most_bytes, 9u);
}

TEST(Survey, GrowthByReallocAndByHand) {
  const auto found =
      surveyed({made(16, 10, 1), resize_out(16), resize_in(32, 20, 2), resize_out(32),
                resize_in(32, 15, 2),  // shorter
                made(48, 100, 3), made(64, 200, 3), gone(48), made(80, 50, 3), gone(64)});
  EXPECT_EQ(found[1].growths, 1u);
  EXPECT_EQ(found[1].copied_bytes, 10u);
  EXPECT_EQ(found[2].growths, 1u) << "a free behind a shorter one is no growth";
  EXPECT_EQ(found[2].copied_bytes, 100u);
  EXPECT_EQ(found[0].growths, 0u);
}

std::vector<event> wave(std::uint32_t node, std::uint64_t blocks) {
  std::vector<event> all;
  for (std::uint64_t i = 1; i <= blocks; ++i) all.push_back(made(i * 16, 8, node));
  for (std::uint64_t i = 1; i <= blocks; ++i) all.push_back(gone(i * 16));
  return all;
}

TEST(Survey, WavesEndAtOnce) {
  std::vector<event> all = wave(1, 100);
  const std::vector<event> again = wave(1, 50);
  all.insert(all.end(), again.begin(), again.end());
  const std::vector<event> few = wave(2, 8);
  all.insert(all.end(), few.begin(), few.end());
  const auto found = surveyed(all);
  EXPECT_EQ(found[0].waves, 2u);
  EXPECT_EQ(found[0].wave_blocks, 150u);
  EXPECT_EQ(found[1].waves, 0u) << "too few";
}

// A queue: as many come as go.
TEST(Survey, AQueueIsNoWave) {
  std::vector<event> all;
  for (std::uint64_t i = 1; i <= 100; ++i) all.push_back(made(i * 16, 8, 1));
  for (std::uint64_t i = 1; i <= 100; ++i) {
    all.push_back(gone(i * 16));
    all.push_back(made((1000 + i) * 16, 8, 1));
  }
  for (std::uint64_t i = 1; i <= 100; ++i) all.push_back(gone((1000 + i) * 16));
  EXPECT_EQ(surveyed(all)[0].waves, 0u);
}

// Blocks of 64 bytes, each hundredth of which stays: of 128 in a page one or two.
TEST(Survey, PinnedPages) {
  std::vector<event> all = {made(9999, 1 << 20, 3), gone(9999)};
  for (std::uint64_t i = 1; i <= 2000; ++i) all.push_back(made(i, 64, i % 100 == 0 ? 1 : 2));
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    if (i % 100 != 0) all.push_back(gone(i));
  }
  for (int i = 0; i < 200; ++i) all.push_back(gone(0));  // until it looks
  const auto found = surveyed(all);
  EXPECT_EQ(found[0].pinning_blocks, 20u);
  EXPECT_GE(found[0].pinned_pages, 15u);
  EXPECT_LE(found[0].pinned_pages, 20u);
  EXPECT_EQ(found[0].pinned_bytes, found[0].pinned_pages * 8192 - 20 * 64);
  EXPECT_LE(found[1].pinned_pages, 1u) << "but for the first, short chunk";
}

}  // namespace
}  // namespace strata::cli::advice
