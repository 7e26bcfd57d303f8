#include "route/arena.hpp"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "route/seat.hpp"

namespace strata::route {
namespace {

std::uintptr_t at(void* block) { return base::address_of(block); }

class Arena : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(region::where.bytes != 0 || region::set_up()); }
  void* make(std::size_t bytes, std::size_t alignment = granule_bytes) {
    return own_.line.allocate(bytes, alignment, &own_);
  }
  seat own_;
};

TEST_F(Arena, BlocksStandOneBehindTheOther) {
  void* first = make(48);
  void* second = make(16);
  EXPECT_EQ(at(second), at(first) + 48);
  EXPECT_EQ(region::size_of(region::chunk_of_block(first), at(first)), 48u);
  EXPECT_EQ(region::size_of(region::chunk_of_block(second), at(second)), 16u);
}

TEST_F(Arena, TheLastBlockGivesItsBytesBack) {
  make(32);
  void* last = make(64);
  EXPECT_FALSE(own_.line.go(at(last)));
  EXPECT_EQ(make(160), last);
}

TEST_F(Arena, BeginsAnewWhenNothingIsLeft) {
  std::vector<void*> blocks;
  for (int i = 0; i < 10'000; ++i) blocks.push_back(make(64));  // ten chunks
  const std::size_t taken = region::taken_bytes();
  for (std::size_t i = 0; i + 1 < blocks.size(); ++i) EXPECT_FALSE(own_.line.go(at(blocks[i])));
  EXPECT_TRUE(own_.line.go(at(blocks.back())));
  for (void* was : blocks) EXPECT_EQ(make(64), was);
  EXPECT_EQ(region::taken_bytes(), taken);
}

TEST_F(Arena, AlignmentLeavesAGapThatNobodyHas) {
  void* first = make(16);
  void* second = make(32, 1024);
  EXPECT_EQ(at(second) % 1024, 0u);
  EXPECT_EQ(region::size_of(region::chunk_of_block(first), at(first)), 16u);
}

TEST_F(Arena, LongBlocksHaveChunksThatAreUsedAgain) {
  void* small = make(16);
  void* longest = make(10 * unit_bytes);
  std::memset(longest, 1, 10 * unit_bytes);
  EXPECT_EQ(region::size_of(region::chunk_of_block(longest), at(longest)), 10 * unit_bytes);
  own_.line.go(at(longest));
  EXPECT_TRUE(own_.line.go(at(small)));
  const std::size_t charged = region::charged_bytes();
  void* again = make(16);
  EXPECT_EQ(make(10 * unit_bytes), longest);
  EXPECT_EQ(region::charged_bytes(), charged);
  EXPECT_EQ(again, small);
}

TEST_F(Arena, OthersGiveBackToo) {
  constexpr int rounds = 50;
  const std::size_t before = region::charged_bytes();
  for (int round = 0; round < rounds; ++round) {
    std::vector<void*> blocks;
    for (int i = 0; i < 5'000; ++i) blocks.push_back(make(64));
    std::thread other([&] {
      for (std::size_t i = 0; i < blocks.size(); i += 2) own_.line.go_elsewhere();
    });
    for (std::size_t i = 1; i < blocks.size(); i += 2) own_.line.go(at(blocks[i]));
    other.join();
  }
  EXPECT_EQ(region::charged_bytes() - before, 5 * unit_bytes);
}

TEST_F(Arena, WhatIsNoBlockIsTold) {
  auto* block = static_cast<char*>(make(64));
  void* gone = make(32);
  own_.line.go(at(gone));
  EXPECT_DEATH(region::chunk_of_block(block + 16), "inside a block, not its start");
  EXPECT_DEATH(region::chunk_of_block(block + 8), "misaligned address");
  EXPECT_DEATH(region::chunk_of_block(gone), "double free");
  EXPECT_DEATH(region::chunk_of_block(block + unit_bytes / 2), "not a block of this heap");
  EXPECT_DEATH(
      region::chunk_of_block(base::pointer_to(region::where.start + region::where.bytes - 16)),
      "not a block of this heap");
}

// Whatever is made and goes, live blocks don't overlap and keep what is in them.
TEST_F(Arena, LiveBlocksKeepTheirContents) {
  struct block {
    unsigned char* start;
    std::size_t bytes;
    unsigned char with;
  };
  std::mt19937 dice(7);
  std::vector<block> live;
  for (int i = 0; i < 200'000; ++i) {
    const bool shrinks = live.size() > 300 || (i / 1000) % 7 == 6;
    if (!live.empty() && (shrinks || dice() % 2 == 0)) {
      const std::size_t which = dice() % 4 == 0 ? live.size() - 1 : dice() % live.size();
      const block gone = live[which];
      ASSERT_EQ(gone.start[0], gone.with);
      ASSERT_EQ(gone.start[gone.bytes - 1], gone.with);
      ASSERT_EQ(region::size_of(region::chunk_of_block(gone.start), at(gone.start)), gone.bytes);
      own_.line.go(at(gone.start));
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(which));
    } else {
      const std::size_t bytes = granule_bytes * (1 + dice() % 40);
      const auto with = static_cast<unsigned char>(dice());
      auto* start = static_cast<unsigned char*>(make(bytes));
      ASSERT_NE(start, nullptr);
      std::memset(start, with, bytes);
      live.push_back({start, bytes, with});
    }
  }
}

}  // namespace
}  // namespace strata::route
