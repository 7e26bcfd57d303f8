#include "alloc/large_cache.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "alloc/allocate.hpp"
#include "alloc/large.hpp"
#include "ground/page_heap.hpp"

namespace strata::alloc {
namespace {

class LargeCache : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(start());
    used_ = ground::page_heap::used_bytes();
    live_ = large_total().blocks;
  }
  void TearDown() override {
    cache_.release_all();
    EXPECT_EQ(cache_.bytes(), 0u);
    EXPECT_EQ(ground::page_heap::used_bytes(), used_) << "every page went back";
    EXPECT_EQ(large_total().blocks, live_);
  }

  static large* make(std::size_t pages) {
    bool zeroed = false;
    return make_large(pages * ground::page_bytes() - canary::bytes, 1, nullptr, &zeroed);
  }

  large_cache cache_;
  std::size_t used_ = 0;
  std::size_t live_ = 0;
};

TEST_F(LargeCache, GivesBackABlockOfTheVeryLength) {
  large* block = make(6);
  ASSERT_TRUE(cache_.keep(block));
  EXPECT_EQ(cache_.bytes(), 6 * ground::page_bytes());
  EXPECT_EQ(large_total().blocks, live_) << "it counts as freed";
  EXPECT_EQ(cache_.take(5), nullptr);
  EXPECT_EQ(cache_.take(7), nullptr);
  EXPECT_EQ(cache_.take(6), block);
  EXPECT_EQ(cache_.take(6), nullptr);
  EXPECT_EQ(large_at(base::pointer_to(block->start)), block);
  destroy_large(block);
}

TEST_F(LargeCache, KeepsOneOfALengthAndAMebibyteInAll) {
  large* first = make(8);
  large* second = make(8);
  EXPECT_TRUE(cache_.keep(first));
  EXPECT_FALSE(cache_.keep(second));
  destroy_large(second);
  for (std::size_t pages = 9; pages <= 64; ++pages) {
    large* one = make(pages);
    if (!cache_.keep(one)) destroy_large(one);
  }
  EXPECT_LE(cache_.bytes(), base::MiB);
  large* too_long = make(65);
  EXPECT_FALSE(cache_.keep(too_long));
  destroy_large(too_long);
}

TEST_F(LargeCache, KeepsNoMappings) {
  large* mapping = make_growing(growing_bytes);
  EXPECT_FALSE(cache_.keep(mapping));
  destroy_large(mapping);
}

// The owner keeps and takes while others empty it: no block is in two hands.
TEST_F(LargeCache, OthersMayEmptyItAtAnyTime) {
  std::atomic<bool> done{false};
  std::vector<std::thread> thieves;
  for (int i = 0; i < 2; ++i) {
    thieves.emplace_back([&] {
      while (!done.load()) cache_.release_all();
    });
  }
  for (int round = 0; round < 20'000; ++round) {
    std::size_t pages = 5 + static_cast<std::size_t>(round) % 7;
    large* block = cache_.take(pages);
    if (block == nullptr) block = make(pages);
    ASSERT_EQ(block->pages, pages);
    ASSERT_FALSE(block->waits.load());
    std::memset(base::pointer_to(block->start), round, 64);
    if (!cache_.keep(block)) destroy_large(block);
  }
  done = true;
  for (std::thread& one : thieves) one.join();
}

using LargeCacheDeathTest = LargeCache;

TEST_F(LargeCacheDeathTest, ABlockThatWaitsIsNotFreedAgain) {
  large* block = make(6);
  ASSERT_TRUE(cache_.keep(block));
  EXPECT_DEATH(deallocate(base::pointer_to(block->start)), "strata: double free: address 0x");
}

}  // namespace
}  // namespace strata::alloc
