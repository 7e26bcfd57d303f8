#include "alloc/large.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "alloc/allocate.hpp"
#include "ground/account.hpp"
#include "ground/address_map.hpp"
#include "os/memory.hpp"

namespace strata::alloc {
namespace {

// What fits whole pages beside the canary.
constexpr std::size_t mapping_bytes = 64 * base::MiB - canary::bytes;
std::size_t run_bytes() {
  return base::align_up(40 * base::KiB, ground::page_bytes()) - canary::bytes;
}

void* start_of(const large* block) { return base::pointer_to(block->start); }

bool reads_zero(const large* block, std::size_t from, std::size_t to) {
  for (std::size_t at = from; at < to; at += 64) {
    if (*base::pointer_to<std::uint64_t>(block->start + at) != 0) return false;
  }
  return true;
}

class Large : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(start());
    before_ = large_total();
    charged_ = ground::account::charged_bytes();
  }
  void TearDown() override {
    EXPECT_EQ(large_total().blocks, before_.blocks);
    EXPECT_EQ(large_total().bytes, before_.bytes);
    EXPECT_EQ(ground::account::charged_bytes(), charged_);
    ground::page_heap::verify();
  }

  static large* make(std::size_t size, std::size_t alignment = 1) {
    bool zeroed = false;
    large* made = make_large(size, alignment, nullptr, &zeroed);
    EXPECT_NE(made, nullptr) << size;
    EXPECT_TRUE(!zeroed || reads_zero(made, 0, made->usable()));
    return made;
  }

  large_usage before_{};
  std::size_t charged_ = 0;
};

TEST_F(Large, RunsAndMappingsMeetAtTheLargestRun) {
  std::size_t most = ground::page_heap::largest_run_bytes() - canary::bytes;
  large* run = make(most);
  large* mapping = make(most + 1);
  EXPECT_EQ(run->mapped, 0u);
  EXPECT_NE(mapping->mapped, 0u);
  EXPECT_EQ(large_total().blocks, before_.blocks + 2);
  EXPECT_EQ(large_total().bytes, before_.bytes + run->room() + mapping->room());
  destroy_large(run);
  destroy_large(mapping);
}

TEST_F(Large, UsableIsWholePagesAndAllOfItIsThere) {
  for (std::size_t size :
       {std::size_t{1}, run_bytes(), run_bytes() + 1, base::MiB - 1, mapping_bytes + 1}) {
    large* block = make(size);
    EXPECT_GE(block->usable(), size);
    EXPECT_LT(block->usable(), size + ground::page_bytes());
    std::memset(start_of(block), 0xee, block->usable());
    destroy_large(block);
  }
}

TEST_F(Large, AlignmentHolds) {
  for (std::size_t alignment = 16; alignment <= 256 * base::MiB; alignment *= 4) {
    for (std::size_t size : {std::size_t{1}, run_bytes(), 3 * base::MiB, mapping_bytes}) {
      large* block = make(size, alignment);
      ASSERT_TRUE(base::is_aligned(block->start, alignment)) << size << " at " << alignment;
      *static_cast<char*>(start_of(block)) = 1;
      destroy_large(block);
    }
  }
}

TEST_F(Large, IsFoundByItsStartOnly) {
  for (std::size_t size : {run_bytes(), mapping_bytes}) {
    large* block = make(size);
    char* at = static_cast<char*>(start_of(block));
    EXPECT_EQ(large_at(at), block);
    for (std::size_t offset : {std::size_t{1}, std::size_t{16}, std::size_t{4096}, size - 24}) {
      EXPECT_EQ(large_at(at + offset), nullptr) << offset;
    }
    destroy_large(block);
    EXPECT_EQ(large_at(at), nullptr);
  }
}

TEST_F(Large, ARunResizesInPlace) {
  large* block = make(run_bytes());
  std::uintptr_t where = block->start;
  std::memset(start_of(block), 0x11, run_bytes());
  std::size_t grown = 0;
  for (std::size_t size = run_bytes(); size < base::MiB && resize_large(block, size);
       size += run_bytes()) {
    grown = size;
  }
  EXPECT_GE(grown, 2 * run_bytes()) << "nothing lies behind the only run";
  EXPECT_EQ(block->start, where);
  EXPECT_GE(block->usable(), grown);
  EXPECT_EQ(ground::run_of(base::pointer_to(where + grown - 1)), block);
  std::memset(start_of(block), 0x22, block->usable());
  ASSERT_TRUE(resize_large(block, run_bytes()));
  EXPECT_EQ(block->usable(), run_bytes());
  EXPECT_EQ(ground::run_of(base::pointer_to(where + block->room())), nullptr);
  EXPECT_EQ(static_cast<char*>(start_of(block))[run_bytes() - 1], 0x22);
  destroy_large(block);
}

TEST_F(Large, ARunDoesNotGrowIntoItsNeighbour) {
  large* block = make(run_bytes());
  large* neighbour = make(run_bytes());
  if (neighbour->start == block->start + block->room()) {
    EXPECT_FALSE(resize_large(block, 2 * run_bytes()));
  }
  EXPECT_FALSE(resize_large(block, ground::page_heap::largest_run_bytes() + 1));
  EXPECT_EQ(block->usable(), run_bytes());
  destroy_large(block);
  destroy_large(neighbour);
}

TEST_F(Large, AMappingGrowsAndKeepsItsContents) {
  large* block = make_growing(growing_bytes - canary::bytes);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block->mapped, growing_bytes);
  for (std::size_t size = growing_bytes; size <= 16 * base::MiB; size *= 2) {
    ASSERT_TRUE(resize_large(block, size - canary::bytes));
    EXPECT_EQ(large_at(start_of(block)), block);
    EXPECT_TRUE(size == growing_bytes || reads_zero(block, size / 2, block->usable()));
    std::size_t filled = size == growing_bytes ? 0 : size / 2;
    for (std::size_t at = 0; at < filled; at += 64) {
      ASSERT_EQ(*base::pointer_to<std::uint64_t>(block->start + at), at + 1);
    }
    for (std::size_t at = 0; at < block->usable(); at += 64) {
      *base::pointer_to<std::uint64_t>(block->start + at) = at + 1;
    }
  }
  std::size_t returned = ground::account::returned_bytes();
  ASSERT_TRUE(resize_large(block, base::MiB - canary::bytes));
  EXPECT_EQ(ground::account::returned_bytes(), returned + 15 * base::MiB);
  EXPECT_EQ(*base::pointer_to<std::uint64_t>(block->start + base::MiB - 64), base::MiB - 63);
  destroy_large(block);
}

TEST_F(Large, AMappingRefusesTheImpossibleAndStays) {
  large* block = make(mapping_bytes);
  EXPECT_FALSE(resize_large(block, std::size_t{1} << 60));
  EXPECT_EQ(block->usable(), mapping_bytes);
  EXPECT_EQ(large_at(start_of(block)), block);
  destroy_large(block);
}

TEST_F(Large, MappingsAreWalkedInOrder) {
  std::vector<large*> made;
  for (int i = 0; i < 8; ++i) made.push_back(make_growing(growing_bytes * (1 + i % 3)));
  std::size_t met = 0;
  std::uintptr_t at = 0;
  std::size_t bytes = 0;
  for (std::uintptr_t before = 0; next_mapping(at, &at, &bytes); before = at) {
    ASSERT_GT(at, before);
    large* found = large_at(base::pointer_to(at));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->usable(), bytes);
    ++met;
  }
  EXPECT_EQ(met, made.size());
  for (large* one : made) destroy_large(one);
}

TEST_F(Large, ThreadsShareIt) {
  std::vector<std::thread> threads;
  for (unsigned id = 0; id < 4; ++id) {
    threads.emplace_back([id] {
      std::mt19937 random(id);
      for (int round = 0; round < 300; ++round) {
        large* block =
            round % 2 == 0 ? make(run_bytes() + random() % base::MiB) : make_growing(growing_bytes);
        auto* first = static_cast<std::uint64_t*>(start_of(block));
        *first = block->start;
        if (resize_large(block, block->usable() + run_bytes())) {
          ASSERT_TRUE(*static_cast<std::uint64_t*>(start_of(block)) != 0);
        }
        ASSERT_EQ(large_at(start_of(block)), block);
        destroy_large(block);
      }
    });
  }
  for (std::thread& one : threads) one.join();
}

}  // namespace
}  // namespace strata::alloc
