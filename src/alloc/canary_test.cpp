#include "alloc/canary.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "alloc/allocate.hpp"
#include "alloc/clock.hpp"
#include "alloc/thread_cache.hpp"

namespace strata::alloc {
namespace {

class Canary : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override { ASSERT_TRUE(start()); }
  [[nodiscard]] static std::size_t size() { return GetParam(); }
};

TEST_P(Canary, TheProgramMayWriteAllThatIsUsable) {
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) {
    void* block = allocate(size());
    ASSERT_GE(usable_size(block), size());
    std::memset(block, 0xff, usable_size(block));
    blocks.push_back(block);
  }
  for (void* block : blocks) deallocate(block);
  reclaim();  // everything back to its span
}

TEST_P(Canary, AStringsEndIsSeenBehindASmallBlock) {
  if (size() > most_small) return;
  for (int i = 0; i < 100; ++i) {
    auto* block = static_cast<char*>(allocate(size()));
    EXPECT_NE(block[usable_size(block)], 0);
    deallocate(block);
  }
}

TEST_P(Canary, AlignedBlocksWithoutRoomForOneAreWholeTheProgrammes) {
  for (std::size_t alignment = 32; alignment <= 4096; alignment *= 2) {
    std::size_t rounded = base::align_up(size(), alignment);
    for (int round = 0; round < 3; ++round) {
      void* block = allocate_aligned(alignment, rounded);
      ASSERT_TRUE(base::is_aligned(base::address_of(block), alignment));
      ASSERT_GE(usable_size(block), rounded);
      std::memset(block, 0xff, usable_size(block));
      deallocate(block);
    }
  }
  reclaim();
}

// What is freed comes back, as for ordinary blocks, and to aligned requests only.
TEST_P(Canary, PlainBlocksAreCachedByThemselves) {
  std::size_t rounded = base::align_up(size(), 64);
  void* block = allocate_aligned(64, rounded);
  std::size_t number = ground::mark_of(block);
  if (usable_size(block) != ground::class_bytes(number)) return;  // its class has room for a canary
  EXPECT_TRUE(ground::is_plain(number));
  EXPECT_EQ(ground::class_of_number(number), ground::class_of(rounded));
  std::size_t cached = thread_cache::current()->cached(number);
  deallocate(block);
  EXPECT_EQ(thread_cache::current()->cached(number), cached + 1);
  void* ordinary = allocate(rounded - canary::bytes);
  EXPECT_NE(ordinary, block);
  EXPECT_EQ(allocate_aligned(64, rounded), block);
  deallocate(ordinary);
  deallocate_sized(block, rounded, 64);
}

TEST_P(Canary, APlainBlockGrowsAndKeepsItsBytes) {
  std::size_t rounded = base::align_up(size(), 64);
  auto* block = static_cast<unsigned char*>(allocate_aligned(64, rounded));
  std::memset(block, 0x5a, rounded);
  auto* grown = static_cast<unsigned char*>(reallocate(block, rounded + 100));
  ASSERT_NE(grown, nullptr);
  for (std::size_t i = 0; i < rounded; ++i) ASSERT_EQ(grown[i], 0x5a);
  deallocate(grown);
  reclaim();
}

using CanaryDeathTest = Canary;

void damage(void* block, std::ptrdiff_t at) {
  volatile char* byte = static_cast<char*>(block) + at;
  *byte = static_cast<char>(*byte ^ 1);
}

TEST_P(CanaryDeathTest, AWritePastTheEndIsFound) {
  auto* block = static_cast<char*>(allocate(size()));
  auto end = static_cast<std::ptrdiff_t>(usable_size(block));
  for (std::ptrdiff_t at : {0, 1, 7}) {
    EXPECT_DEATH(
        {
          damage(block, end + at);
          deallocate(block);
          reclaim();
        },
        "strata: write past the end of a block: address 0x");
  }
  deallocate(block);
}

TEST_P(CanaryDeathTest, AWriteBeforeTheStartIsFound) {
  // Of two neighbours the lower one's canary is hit.
  std::vector<char*> blocks;
  std::size_t lower = 0;
  auto neighbours = [&] {
    for (std::size_t i = 0; i + 1 < blocks.size(); ++i) {
      if (blocks[i] + usable_size(blocks[i]) + canary::bytes == blocks[i + 1]) {
        lower = i;
        return true;
      }
    }
    return false;
  };
  while (!neighbours()) blocks.push_back(static_cast<char*>(allocate(size())));
  EXPECT_DEATH(
      {
        damage(blocks[lower + 1], -1);
        for (char* block : blocks) deallocate(block);
        reclaim();
      },
      "strata: write past the end of a block: address 0x");
  for (char* block : blocks) deallocate(block);
}

TEST_P(CanaryDeathTest, BlocksInCachesAreCheckedWhenTheProcessEnds) {
  EXPECT_DEATH(
      {
        void* block = allocate(size());
        damage(block, static_cast<std::ptrdiff_t>(usable_size(block)));
        deallocate(block);
        check_cached();
      },
      "strata: write past the end of a block: address 0x");
}

// Freed first of many, it is pushed on from the magazine.
TEST_P(CanaryDeathTest, AlsoBehindTheMagazine) {
  EXPECT_DEATH(
      {
        std::vector<void*> blocks;
        for (int i = 0; i < 100; ++i) blocks.push_back(allocate(size()));
        damage(blocks[0], static_cast<std::ptrdiff_t>(usable_size(blocks[0])));
        for (void* block : blocks) deallocate(block);
        check_cached();
      },
      "strata: write past the end of a block: address 0x");
}

INSTANTIATE_TEST_SUITE_P(Sizes, Canary, testing::Values(1, 8, 24, 100, 1016, 1100, 4096, 32768));
INSTANTIATE_TEST_SUITE_P(Sizes, CanaryDeathTest, testing::Values(8, 100, 1016, 4096));

TEST(CanaryOfLargeBlocks, MovesWithTheBlocksEnd) {
  ASSERT_TRUE(start());
  auto* block = static_cast<char*>(allocate(100'000));
  for (std::size_t size : {200'000, 5'000'000, 20'000'000, 9'000'000, 300'000}) {
    block = static_cast<char*>(reallocate(block, size));
    ASSERT_NE(block, nullptr);
    std::memset(block, 0xff, usable_size(block));
  }
  deallocate(block);
}

TEST(CanaryOfLargeBlocksDeathTest, IsCheckedAtFreeAndAtRealloc) {
  ASSERT_TRUE(start());
  for (std::size_t size : {100'000, 1'000'000, 50'000'000}) {
    auto* block = static_cast<char*>(allocate(size));
    auto end = static_cast<std::ptrdiff_t>(usable_size(block));
    EXPECT_DEATH(
        {
          damage(block, end);
          deallocate(block);
        },
        "write past the end of a block");
    EXPECT_DEATH(
        {
          damage(block, end);
          reallocate(block, 2 * size);
        },
        "write past the end of a block");
    deallocate(block);
  }
}

}  // namespace
}  // namespace strata::alloc
