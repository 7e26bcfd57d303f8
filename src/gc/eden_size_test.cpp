#include "gc/eden_size.hpp"

#include <gtest/gtest.h>

namespace strata::gc {
namespace {

// Of a pause that is in proportion to eden.
std::size_t settled(eden_size& eden, std::uint64_t ns_a_block, std::size_t threads = 1) {
  for (int i = 0; i < 100; ++i) eden.follow_pause(eden.blocks() * ns_a_block, threads);
  return eden.blocks();
}

TEST(GcEdenSize, FollowsPauses) {
  eden_size eden{32, 32, 1000};
  EXPECT_EQ(32U, eden.blocks());
  std::size_t small = settled(eden, 100'000);
  EXPECT_LE(small * 100'000, 750'000U);
  EXPECT_GE(small * 100'000, 375'000U);
  EXPECT_EQ(32U, settled(eden, 1000));
}

TEST(GcEdenSize, ShrinksByHalfAtMost) {
  eden_size eden{32, 32, 1000};
  eden.follow_pause(1'000'000'000, 1);
  EXPECT_EQ(16U, eden.blocks());
  eden.follow_pause(1'000'000, 1);
  EXPECT_EQ(12U, eden.blocks());
}

TEST(GcEdenSize, HasTwoBlocksForEachThread) {
  eden_size eden{32, 32, 1000};
  EXPECT_EQ(4U, settled(eden, 10'000'000));
  EXPECT_EQ(16U, settled(eden, 10'000'000, 8));
  EXPECT_EQ(32U, settled(eden, 10'000'000, 100));
  eden_size tiny{1, 1, 1000};
  EXPECT_EQ(1U, settled(tiny, 10'000'000, 8));
}

TEST(GcEdenSize, StaysWithoutAGoal) {
  eden_size eden{32, 32, 0};
  EXPECT_EQ(32U, settled(eden, 10'000'000));
}

// Of eden's blocks, so many of each hundred bytes have been moved.
std::size_t settled_by_survival(eden_size& eden, std::size_t per_cent, std::size_t free_blocks) {
  for (int i = 0; i < 20; ++i) {
    std::uint64_t bytes = eden.blocks() * detail::block_bytes;
    eden.follow_survival(bytes * per_cent / 100, eden.blocks(), free_blocks);
  }
  return eden.blocks();
}

TEST(GcEdenSize, GrowsWhereLittleSurvives) {
  eden_size eden{32, 256, 0};
  EXPECT_EQ(32U, eden.blocks());
  EXPECT_EQ(256U, settled_by_survival(eden, 10, 10'000));
  EXPECT_EQ(256U, settled_by_survival(eden, 60, 10'000));
  EXPECT_EQ(32U, settled_by_survival(eden, 90, 10'000));
}

TEST(GcEdenSize, DoesNotGrowForWhatOutlivesIt) {
  eden_size eden{32, 256, 0};
  EXPECT_EQ(32U, settled_by_survival(eden, 48, 10'000));
  EXPECT_EQ(32U, settled_by_survival(eden, 26, 10'000));
  EXPECT_EQ(256U, settled_by_survival(eden, 24, 10'000));
  EXPECT_EQ(256U, settled_by_survival(eden, 74, 10'000));
}

TEST(GcEdenSize, LeavesRoomForOldObjects) {
  eden_size eden{32, 256, 0};
  EXPECT_EQ(100U, settled_by_survival(eden, 10, 400));
  EXPECT_EQ(32U, settled_by_survival(eden, 10, 40));
}

TEST(GcEdenSize, IsAsTheProgramWishes) {
  eden_size eden{32, 32, 0};
  EXPECT_EQ(32U, settled_by_survival(eden, 10, 10'000));
  EXPECT_EQ(32U, settled_by_survival(eden, 90, 10'000));
}

TEST(GcEdenSize, FollowsPausesWhereTheyHaveAGoal) {
  eden_size eden{32, 256, 1000};
  EXPECT_EQ(32U, settled_by_survival(eden, 10, 10'000));
}

}  // namespace
}  // namespace strata::gc
