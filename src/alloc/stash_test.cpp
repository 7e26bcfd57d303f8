#include "alloc/stash.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "alloc/allocate.hpp"
#include "alloc/clock.hpp"
#include "alloc/thread_cache.hpp"

namespace strata::alloc {
namespace {

constexpr std::size_t number = 4;

class Stash : public testing::Test {
 protected:
  batch* one_of(std::uint32_t count) {
    batch& made = batches_[used_++];
    made.count = count;
    return &made;
  }
  std::size_t held() {
    std::size_t batches = 0;
    stash_.each([&batches](const batch&) { ++batches; });
    return batches;
  }
  // As a thread does that flushes and refills in turns: whether the stash had room.
  bool flush() {
    bool room = stash_.has_room(number);
    if (room) stash_.push(one_of(1));
    if (!room) stash_.note_refused();
    return room;
  }

  stash stash_;
  std::vector<batch> batches_{10'000};
  std::size_t used_ = 0;
};

TEST_F(Stash, GivesBackTheLastFirst) {
  batch* first = one_of(1);
  batch* second = one_of(2);
  stash_.push(first);
  stash_.push(second);
  EXPECT_EQ(held(), 2u);
  EXPECT_EQ(stash_.take(number), second);
  EXPECT_EQ(stash_.remove(), first);
  EXPECT_EQ(stash_.remove(), nullptr);
  EXPECT_EQ(stash_.take(number), nullptr);
}

// Batches of 32 blocks of 64 bytes: 16 KiB.
TEST_F(Stash, WhoOnlyFreesKeepsTheFirst) {
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(flush());
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(flush());
  EXPECT_EQ(held(), 8u);
}

TEST_F(Stash, OfLargeBlocksTheFirstIsOneBatch) {
  std::size_t large = ground::class_of(4096);
  EXPECT_TRUE(stash_.has_room(large));
  stash_.push(one_of(4));
  EXPECT_FALSE(stash_.has_room(large));
}

TEST_F(Stash, GrowsWithReuseUpToItsBound) {
  std::size_t most = 0;
  for (int round = 0; round < 20; ++round) {
    while (flush()) {
    }
    most = held();
    while (stash_.take(number) != nullptr) {
    }
  }
  EXPECT_EQ(most, 128u) << "256 KiB";
  EXPECT_EQ(held(), 0u);
}

TEST_F(Stash, LetsGoOfWhatNobodyWanted) {
  for (int i = 0; i < 6; ++i) stash_.push(one_of(1));
  EXPECT_EQ(stash_.trim(), 0u) << "they came since the last trim";
  stash_.take(number);
  stash_.take(number);
  stash_.push(one_of(1));
  EXPECT_EQ(stash_.trim(), 4u);
  for (int i = 0; i < 4; ++i) stash_.remove();
  EXPECT_EQ(stash_.trim(), 1u) << "the one that is left";
}

// A thread that frees and allocates many in turns keeps them to itself: what it gets is what it had.
TEST(StashOfAThread, KeepsBlocksWithTheThread) {
  ASSERT_TRUE(start());
  reclaim();
  constexpr std::size_t many = 400;
  auto round = [] {
    std::vector<void*> blocks(many);
    for (void*& block : blocks) block = allocate(100);
    for (void* block : blocks) deallocate(block);
  };
  for (int i = 0; i < 10; ++i) round();
  std::size_t kept = thread_cache::current()->cached(class_for(100));
  EXPECT_GE(kept, many - 2 * most_batch);
  reclaim();
  EXPECT_EQ(thread_cache::current()->cached(class_for(100)), 0u);
}

}  // namespace
}  // namespace strata::alloc
