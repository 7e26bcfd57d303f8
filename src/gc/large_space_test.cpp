#include "gc/large_space.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/bits.hpp"

namespace strata::gc {
namespace {

constexpr std::uint8_t earlier = 1;
constexpr std::uint8_t now = 2;

class GcLargeSpace : public testing::Test {
 protected:
  GcLargeSpace() { EXPECT_TRUE(blocks_.open(4096) && space_.open(8)); }

  // The object's first block; it has so many.
  std::size_t make(std::size_t count, std::uint8_t mark) {
    std::byte* at = space_.take(count * detail::block_bytes);
    EXPECT_NE(nullptr, at);
    header::at(at + header::bytes) = 0;
    header::set_mark(at + header::bytes, mark);
    return blocks_.index_of(at);
  }
  [[nodiscard]] bool is_there(std::size_t block) const {
    return blocks_.use_of(block) == use::large;
  }

  blocks blocks_;
  large_space space_{blocks_};
};

TEST_F(GcLargeSpace, GoesBackInPieces) {
  std::size_t first = make(3, earlier);
  std::size_t second = make(1, now);
  std::size_t third = make(2, earlier);
  EXPECT_TRUE(space_.is_swept());
  space_.begin_sweep();
  EXPECT_FALSE(space_.is_swept());
  EXPECT_EQ(6U, space_.used_blocks());
  EXPECT_FALSE(space_.sweep_some(1, now));
  EXPECT_FALSE(is_there(first));
  EXPECT_EQ(3U, space_.used_blocks());
  EXPECT_EQ(3U, blocks_.used());
  EXPECT_TRUE(space_.sweep_some(2, now));
  EXPECT_TRUE(is_there(second));
  EXPECT_FALSE(is_there(third));
  EXPECT_EQ(1U, space_.used_blocks());
}

TEST_F(GcLargeSpace, WhatIsMadeMeanwhileIsNotLookedAt) {
  make(1, earlier);
  std::size_t kept = make(1, now);
  space_.begin_sweep();
  std::size_t made = make(1, 0);
  EXPECT_TRUE(space_.sweep_some(2, now));
  EXPECT_TRUE(is_there(kept));
  EXPECT_TRUE(is_there(made));
  // The next marking has not come to it.
  EXPECT_EQ(detail::block_bytes, space_.sweep(now));
  EXPECT_FALSE(is_there(made));
}

// Objects come between pieces of a sweep, in places that it has just made free, too.
TEST_F(GcLargeSpace, KnowsAllThatAreThere) {
  std::uint64_t seed = 1;
  auto below = [&](std::size_t bound) { return base::mixed(seed++) % bound; };
  std::set<std::size_t> live;
  std::uint8_t epoch = now;
  for (unsigned marking = 0; marking < 200; ++marking, ++epoch) {
    std::set<std::size_t> reached;
    for (std::size_t block : live) {
      if (below(3) == 0) continue;
      header::set_mark(blocks_.address_of(block) + header::bytes, epoch);
      reached.insert(block);
    }
    live.swap(reached);
    space_.begin_sweep();
    bool is_over = false;
    do {
      is_over = space_.sweep_some(1 + below(3), epoch);
      if (below(2) == 0) live.insert(make(1 + below(4), 0));
    } while (!is_over);
    for (unsigned count = 0; count < 8; ++count) live.insert(make(1 + below(4), 0));
    std::size_t blocks = 0;
    std::size_t found = 0;
    blocks_.each_used([&](std::size_t block, use as) {
      if (as != use::large) return;
      EXPECT_TRUE(live.contains(block));
      blocks += blocks_.run_of(block);
      ++found;
    });
    EXPECT_EQ(live.size(), found);
    EXPECT_EQ(blocks, space_.used_blocks());
    EXPECT_EQ(blocks, blocks_.used());
  }
}

}  // namespace
}  // namespace strata::gc
