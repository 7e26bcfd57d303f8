#include "alloc/paranoid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <vector>

#include "alloc/bin.hpp"
#include "alloc/canary.hpp"
#include "alloc/thread_cache.hpp"

namespace strata::alloc::paranoid {
namespace {

class Seal : public testing::Test {
 protected:
  static constexpr std::size_t room = 128;

  unsigned char* bytes() { return reinterpret_cast<unsigned char*>(words_.data()); }

  std::array<std::uint64_t, room / 8> words_ = {};
};

TEST_F(Seal, TellsEverySize) {
  for (std::size_t size = 0; size <= room - canary::bytes; ++size) {
    wipe(bytes(), room);
    seal(bytes(), room, size, false);
    EXPECT_EQ(size_of(bytes(), room), size);
    std::memset(bytes(), 0xff, size);
    EXPECT_EQ(size_of(bytes(), room), size) << "the program may write all of it";
  }
}

TEST_F(Seal, ZeroedBlocksStayZero) {
  seal(bytes(), room, 100, true);
  EXPECT_EQ(std::count(bytes(), bytes() + 100, 0), 100);
}

TEST_F(Seal, OtherBlocksAreFilledWithJunk) {
  seal(bytes(), room, 100, false);
  EXPECT_EQ(std::count(bytes(), bytes() + 100, 0), 0);
}

using SealDeathTest = Seal;

TEST_F(SealDeathTest, AnyByteBehindTheSizeIsWatched) {
  for (std::size_t size : {0, 1, 60, 119, 120}) {
    for (std::size_t at = size; at < room; ++at) {
      wipe(bytes(), room);
      seal(bytes(), room, size, false);
      bytes()[at] ^= 1;
      EXPECT_DEATH(size_of(bytes(), room), "strata: write past the end of a block: address 0x")
          << size << ", byte " << at;
      if (at > size + 2) at += 20;
    }
  }
}

TEST_F(SealDeathTest, AWriteToAWipedBlockIsFound) {
  wipe(bytes(), room);
  check_wiped(bytes(), room);
  bytes()[77] = 1;
  EXPECT_DEATH(check_wiped(bytes(), room), "strata: write to freed memory: address 0x");
  EXPECT_DEATH(seal(bytes(), room, 10, false), "strata: write to freed memory: address 0x");
}

class Quarantine : public testing::Test {
 protected:
  void TearDown() override {
    for (waiting one; pop(one);) {
    }
  }
  // What leaves for it.
  std::vector<std::size_t> put(std::size_t id, std::size_t bytes, std::size_t number = 1) {
    waiting leaving[most_leaving];
    std::size_t count = push({base::pointer_to(id), number, bytes}, leaving);
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < count; ++i) left.push_back(base::address_of(leaving[i].item));
    return left;
  }
};

TEST_F(Quarantine, LetsGoInTheOrderOfComing) {
  for (std::size_t id = 1; id <= 10; ++id) EXPECT_TRUE(put(id, 16).empty());
  for (std::size_t id = 1; id <= 10; ++id) {
    waiting one;
    ASSERT_TRUE(pop(one));
    EXPECT_EQ(base::address_of(one.item), id);
  }
  waiting none;
  EXPECT_FALSE(pop(none));
}

TEST_F(Quarantine, HoldsABoundedNumber) {
  std::size_t id = 1;
  while (put(id, 16).empty()) ++id;
  EXPECT_EQ(id, 2049u);
  EXPECT_EQ(put(++id, 16), std::vector<std::size_t>{2});
}

TEST_F(Quarantine, HoldsABoundedNumberOfBytes) {
  std::size_t id = 1;
  while (put(id, base::MiB).empty()) ++id;
  EXPECT_EQ(id, 17u);
}

TEST_F(Quarantine, LargeBlocksWeighLess) {
  std::size_t id = 1;
  while (put(id, base::MiB, large_kind).empty()) ++id;
  EXPECT_EQ(id, 16u * 16 + 1);
}

TEST(Shuffle, KeepsEveryBlock) {
  std::vector<std::uintptr_t> blocks(100);
  std::iota(blocks.begin(), blocks.end(), 1);
  std::vector<std::uintptr_t> mixed = blocks;
  block_row rows[] = {{mixed.data(), 32}, {mixed.data() + 32, 0}, {mixed.data() + 32, 68}};
  shuffle(rows, 3);
  EXPECT_NE(mixed, blocks);
  std::sort(mixed.begin(), mixed.end());
  EXPECT_EQ(mixed, blocks);
}

}  // namespace
}  // namespace strata::alloc::paranoid
