#include <strata/buddy.hpp>

#include <array>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

static_assert(resource<buddy>);

class Buddy : public testing::Test {
 protected:
  static constexpr std::size_t bytes = std::size_t{1} << 20;
  test_upstream upstream_;
  buddy buddy_{bytes, &upstream_};
};

TEST_F(Buddy, AgreesWithTheModel) {
  run_model(buddy_);
  run_model(buddy_, {.most_live = 2000, .most_bytes = 30'000, .most_alignment = 65536, .seed = 2});
  run_containers(buddy_);
  expect_regions_add_up(buddy_);
  EXPECT_EQ(buddy_.longest_free_bytes(), bytes) << "all has grown together";
}

TEST_F(Buddy, SplitsToWhatFitsAndJoinsAgain) {
  auto* first = static_cast<char*>(buddy_.try_allocate(100, 8));
  EXPECT_EQ(buddy_.statistics().used_bytes, 128u);
  EXPECT_EQ(buddy_.longest_free_bytes(), bytes / 2);
  EXPECT_EQ(buddy_.try_allocate(128, 8), first + 128) << "its buddy";
  EXPECT_EQ(buddy_.try_allocate(200, 8), first + 256);
  EXPECT_EQ(buddy_.try_allocate(1, 1), first + 512);
  buddy_.deallocate(first + 128, 128, 8);
  buddy_.deallocate(first + 512, 1, 1);
  buddy_.deallocate(first + 256, 200, 8);
  EXPECT_EQ(buddy_.longest_free_bytes(), bytes / 2);
  buddy_.deallocate(first, 100, 8);
  EXPECT_EQ(buddy_.longest_free_bytes(), bytes);
  void* all = buddy_.try_allocate(bytes, 8);
  EXPECT_EQ(all, first);
  EXPECT_EQ(buddy_.try_allocate(1, 1), nullptr);
  buddy_.deallocate(all, bytes, 8);
}

TEST_F(Buddy, BlocksAreAlignedToTheirLength) {
  for (std::size_t length = 1; length <= bytes / 4; length = length * 2 + 1) {
    void* block = buddy_.try_allocate(length, 1);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(detail::address_of(block) % buddy_.block_bytes(length, 1), 0u);
    buddy_.deallocate(block, length, 1);
  }
}

TEST_F(Buddy, ABufferOfAnyLengthAndPlace) {
  alignas(4096) std::array<std::byte, 9000> buffer;
  for (std::size_t from : {0u, 1u, 17u, 100u, 777u}) {
    for (std::size_t length = 0; length + from <= buffer.size(); length += 131) {
      buddy one(std::span<std::byte>(buffer).subspan(from, length), {.smallest_block_bytes = 16});
      std::size_t longest = one.longest_free_bytes();
      ASSERT_LE(one.statistics().held_bytes, length);
      std::vector<void*> blocks;
      while (void* block = one.try_allocate(16, 16)) {
        ASSERT_GE(block, buffer.data() + from);
        ASSERT_LE(static_cast<std::byte*>(block) + 16, buffer.data() + from + length);
        std::memset(block, 0xff, 16);
        blocks.push_back(block);
      }
      if (length > 2000) {
        ASSERT_GT(blocks.size() * 16, length * 17 / 20);
      }
      one.verify();
      expect_regions_add_up(one);
      for (void* block : blocks) one.deallocate(block, 16, 16);
      one.verify();
      ASSERT_EQ(one.longest_free_bytes(), longest);
    }
  }
}

TEST_F(Buddy, ABufferWithRoomForBlocksOrTablesButNotBothIsOneWithoutMemory) {
  alignas(64) std::array<std::byte, 512> buffer;
  for (std::size_t length = 0; length < buffer.size(); ++length) {
    buddy one(std::span<std::byte>(buffer).first(length));
    EXPECT_EQ(one.try_allocate(1, 1) == nullptr, one.statistics().held_bytes == 0) << length;
    EXPECT_FALSE(one.owns(this));
    one.verify();
    expect_regions_add_up(one);
  }
}

TEST_F(Buddy, LimitsAreKept) {
  buddy one(bytes, &upstream_, {.smallest_block_bytes = 256, .largest_block_bytes = 4096});
  EXPECT_EQ(one.block_bytes(1, 1), 256u);
  EXPECT_EQ(one.try_allocate(4097, 8), nullptr);
  EXPECT_EQ(one.longest_free_bytes(), 4096u);
  std::size_t blocks = 0;
  while (one.try_allocate(4096, 4096) != nullptr) ++blocks;
  EXPECT_EQ(blocks, bytes / 4096);
  one.verify();
  buddy bytewise(64, &upstream_, {.smallest_block_bytes = 1});
  run_model(bytewise, {.operations = 1000, .most_bytes = 8, .most_alignment = 8});
}

TEST_F(Buddy, OneDamagedBlockDoesNotBreakTheHeap) {
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(buddy_.try_allocate(64, 8));
  std::memset(blocks[0], 0xa5, 100 * 64);
  for (void* block : blocks) buddy_.deallocate(block, 64, 8);
  buddy_.verify();
  EXPECT_EQ(buddy_.longest_free_bytes(), bytes);
}

TEST_F(Buddy, ExhaustionIsNullAndHarmless) {
  for (std::size_t left = 0; left < 3; ++left) {
    upstream_.left = left;
    buddy one(4096, &upstream_);
    std::size_t blocks = 0;
    while (one.try_allocate(64, 8) != nullptr) ++blocks;
    EXPECT_EQ(blocks, left < 2 ? 0u : 64u);
    EXPECT_EQ(one.try_allocate(SIZE_MAX, 8), nullptr);
    EXPECT_EQ(one.statistics().held_bytes != 0, left == 2);
    one.verify();
    expect_regions_add_up(one);
  }
  upstream_.left = SIZE_MAX;
}

using BuddyDeathTest = Buddy;

TEST_F(BuddyDeathTest, EachWrongFreeStopsAtOnce) {
  auto* block = static_cast<char*>(buddy_.try_allocate(256, 8));
  EXPECT_TRUE(buddy_.owns(block + 255));
  EXPECT_FALSE(buddy_.owns(block + 256));
  EXPECT_DEATH(buddy_.deallocate(block + 64, 64, 8), "strata: buddy: invalid free: inside");
  EXPECT_DEATH(buddy_.deallocate(block, 64, 8), "strata: buddy: free with a size");
  EXPECT_DEATH(buddy_.deallocate(block, 512, 8), "strata: buddy: free with a size");
  EXPECT_DEATH(buddy_.deallocate(this, 64, 8), "strata: buddy: invalid free: not a block");
  buddy_.deallocate(block, 256, 8);
  EXPECT_DEATH(buddy_.deallocate(block, 256, 8), "strata: buddy: double free: address 0x");
  EXPECT_DEATH(buddy(1000, &upstream_), "strata: buddy: call that is not allowed");
  EXPECT_DEATH(buddy(1024, &upstream_, {.smallest_block_bytes = 48}),
               "strata: buddy: call that is not allowed");
}

#if STRATA_UNDER_ASAN
TEST_F(BuddyDeathTest, FreedMemoryIsPoisoned) {
  auto* block = static_cast<char*>(buddy_.try_allocate(64, 8));
  buddy_.deallocate(block, 64, 8);
  EXPECT_DEATH(block[5] = 1, "use-after-poison");
}
#endif

}  // namespace
}  // namespace strata
