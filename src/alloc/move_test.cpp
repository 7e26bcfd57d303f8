#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "alloc/allocate.hpp"
#include "alloc/bin.hpp"
#include "alloc/clock.hpp"
#include "alloc/heap.hpp"
#include "alloc/paranoid.hpp"

namespace strata::alloc {
namespace {

class Move : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(start()); }
  void TearDown() override {
    for (std::size_t number = 1; number < ground::number_count; ++number) bin_of(number).verify();
  }
};

// Blocks of one size; most are freed at random, so that many spans keep a few.
class Fragmented : public Move, public testing::WithParamInterface<std::size_t> {
 protected:
  void SetUp() override {
    Move::SetUp();
    for (std::size_t i = 0; i < count; ++i) {
      blocks_.push_back(static_cast<unsigned char*>(allocate(GetParam())));
      ASSERT_NE(blocks_.back(), nullptr);
    }
    // Freed in a random order, as in a program that has run for long.
    std::shuffle(blocks_.begin(), blocks_.end(), random_);
    for (; blocks_.size() > count / 5; blocks_.pop_back()) deallocate(blocks_.back());
    for (std::size_t i = 0; i < blocks_.size(); ++i) fill(i);
    trim_all(0);
  }
  void TearDown() override {
    for (unsigned char* one : blocks_) deallocate(one);
    Move::TearDown();
  }

  void fill(std::size_t i) { std::memset(blocks_[i], static_cast<int>(i % 251), usable(i)); }
  void expect_filled(std::size_t i) {
    for (std::size_t at = 0; at < usable(i); ++at) ASSERT_EQ(blocks_[i][at], i % 251) << at;
  }
  [[nodiscard]] std::size_t usable(std::size_t i) const { return usable_size(blocks_[i]); }
  [[nodiscard]] bin& home() const { return bin_of(class_for(GetParam())); }

  // Visits each block once; how many it moved.
  std::size_t pass() {
    std::size_t moved = 0;
    for (unsigned char*& one : blocks_) {
      void* fresh = move(one);
      if (fresh == nullptr) continue;
      one = static_cast<unsigned char*>(fresh);
      ++moved;
    }
    return moved;
  }

  static constexpr std::size_t count = 20000;
  std::vector<unsigned char*> blocks_;
  std::mt19937_64 random_{7};
};

TEST_P(Fragmented, APassLeavesAsManySpansAsTheBlocksNeed) {
  bin_usage before = home().usage();
  std::size_t moved = pass();
  EXPECT_LT(pass(), blocks_.size() / 100) << "one pass is enough";
  trim_all(0);
  bin_usage after = home().usage();
  std::size_t live = after.blocks - after.free_slots;
  std::size_t of_a_span = after.blocks / after.spans;
  EXPECT_LE(after.spans, live / of_a_span + 3);
  EXPECT_LT(after.spans * 3, before.spans);
  EXPECT_LT(moved, blocks_.size()) << "those that lie well stay";
  for (std::size_t i = 0; i < blocks_.size(); ++i) ASSERT_NO_FATAL_FAILURE(expect_filled(i));
}

TEST_P(Fragmented, TheHintTellsWhatMoveDoes) {
  std::size_t named = 0;
  for (unsigned char*& one : blocks_) {
    bool should = should_move(one);
    void* fresh = move(one);
    ASSERT_EQ(fresh != nullptr, should);
    if (should) one = static_cast<unsigned char*>(fresh);
    named += should ? 1 : 0;
  }
  EXPECT_GT(named, blocks_.size() / 4);
}

// Those who copy for themselves get as far.
TEST_P(Fragmented, UncachedCallsMoveToo) {
  for (unsigned char*& one : blocks_) {
    if (!should_move(one)) continue;
    auto* fresh = static_cast<unsigned char*>(allocate_uncached(usable_size(one)));
    ASSERT_NE(fresh, nullptr);
    std::memcpy(fresh, one, usable_size(one));
    deallocate_uncached(one);
    one = fresh;
  }
  bin_usage after = home().usage();
  std::size_t needed = (after.blocks - after.free_slots) * after.spans / after.blocks;
  EXPECT_LE(after.spans, needed + needed / 16 + 4);
  for (std::size_t i = 0; i < blocks_.size(); ++i) ASSERT_NO_FATAL_FAILURE(expect_filled(i));
}

// 48, 640, 1280, 3584 and 20480 bytes.
INSTANTIATE_TEST_SUITE_P(Sizes, Fragmented, testing::Values(48, 640, 1280, 3584, 20480));

TEST_F(Move, NullAndLargeBlocksStay) {
  EXPECT_FALSE(should_move(nullptr));
  EXPECT_EQ(move(nullptr), nullptr);
  for (std::size_t size : {40 * base::KiB, 2 * base::MiB, 40 * base::MiB}) {
    void* block = allocate(size);
    EXPECT_FALSE(should_move(block));
    EXPECT_EQ(move(block), nullptr);
    deallocate(block);
  }
}

TEST_F(Move, UncachedCallsServeAllSizes) {
  for (std::size_t size : {0, 1, 1024, 1025, 32768, 40000, 50000000}) {
    void* block = allocate_uncached(size);
    ASSERT_NE(block, nullptr);
    EXPECT_GE(usable_size(block), size);
    std::memset(block, 1, size);
    deallocate_uncached(block);
    deallocate_uncached(allocate(size));
    deallocate(allocate_uncached(size));
  }
  EXPECT_EQ(allocate_uncached(most_bytes + 1), nullptr);
  deallocate_uncached(nullptr);
}

// Of 700 bytes there is room for a canary; 768 fill their class.
class MoveAligned : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, MoveAligned, testing::Values(700, 768, 4096));

TEST_P(MoveAligned, KeepsSizeAndAlignment) {
  ASSERT_TRUE(start());
  std::vector<void*> blocks;
  for (int i = 0; i < 4000; ++i) blocks.push_back(allocate_aligned(256, GetParam()));
  std::size_t size = usable_size(blocks[0]);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 4 != 0) deallocate(blocks[i]);
  }
  trim_all(0);
  std::size_t moved = 0;
  for (std::size_t i = 0; i < blocks.size(); i += 4) {
    if (void* fresh = move(blocks[i])) {
      blocks[i] = fresh;
      ++moved;
    }
    EXPECT_TRUE(base::is_aligned(base::address_of(blocks[i]), 256));
    EXPECT_EQ(usable_size(blocks[i]), size);
    deallocate(blocks[i]);
  }
  EXPECT_GT(moved, 0u);
}

TEST_F(Move, ABlockOfAHeapStaysInIt) {
  heap* mine = make_heap();
  std::vector<void*> blocks;
  for (int i = 0; i < 4000; ++i) blocks.push_back(allocate_in(mine, 1, 200, false));
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 5 != 0) deallocate(blocks[i]);
  }
  std::size_t number = class_for(200);
  std::size_t before = mine->bins[number].usage().spans;
  std::size_t outside = bin_of(number).usage().spans;
  for (std::size_t i = 0; i < blocks.size(); i += 5) {
    if (void* fresh = move(blocks[i])) blocks[i] = fresh;
    ASSERT_EQ(ground::mark_of(blocks[i]), ground::mark_heap);
  }
  EXPECT_LT(mine->bins[number].usage().spans * 3, before);
  EXPECT_EQ(bin_of(number).usage().spans, outside);
  mine->bins[number].verify();
  destroy_heap(mine);
}

// Threads move and replace what is theirs; each block keeps what was written to it.
TEST_F(Move, ThreadsMoveAtOnce) {
  std::atomic<std::size_t> moved{0};
  std::vector<std::thread> threads;
  for (unsigned id = 1; id <= 4; ++id) {
    threads.emplace_back([id, &moved] {
      std::mt19937_64 random(id);
      std::vector<std::uint64_t*> blocks(2000);
      std::size_t here = 0;
      for (int round = 0; round < 100000; ++round) {
        std::size_t i = random() % blocks.size();
        std::uint64_t*& one = blocks[i];
        ASSERT_TRUE(one == nullptr || *one == (i ^ id));
        if (one != nullptr && random() % 2 == 0) {
          if (void* fresh = move(one)) {
            one = static_cast<std::uint64_t*>(fresh);
            ++here;
          }
          continue;
        }
        random() % 2 == 0 ? deallocate(one) : deallocate_uncached(one);
        std::size_t size = 8 + random() % 400;
        one = static_cast<std::uint64_t*>(random() % 4 == 0 ? allocate_uncached(size)
                                                            : allocate(size));
        *one = i ^ id;
      }
      for (std::uint64_t* one : blocks) deallocate(one);
      moved += here;
    });
  }
  for (std::thread& one : threads) one.join();
  EXPECT_GT(moved, 1000u);
}

class MoveDeathTest : public Move {};

TEST_F(MoveDeathTest, WhatIsNotLiveStopsTheProcess) {
  void* block = allocate(100);
  int local = 0;
  EXPECT_DEATH(should_move(&local), "strata: ");
  EXPECT_DEATH(move(static_cast<char*>(block) + 16), "strata: invalid free: inside a block");
  deallocate(block);
  EXPECT_DEATH(move(block), "strata: double free: address 0x.*, block of");
  EXPECT_DEATH(deallocate_uncached(block), "strata: double free: address 0x.*, block of");
}

TEST_F(MoveDeathTest, TheOldAddressIsFree) {
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(allocate(2000));
  for (int i = 0; i < 1000; ++i) {
    if (i % 5 != 0) deallocate(blocks[i]);
  }
  trim_all(0);
  for (int i = 0; i < 1000; i += 5) {
    if (move(blocks[i]) == nullptr) continue;
    EXPECT_DEATH(deallocate(blocks[i]), "strata: double free");
    return;
  }
  FAIL() << "none moved";
}

}  // namespace
}  // namespace strata::alloc
