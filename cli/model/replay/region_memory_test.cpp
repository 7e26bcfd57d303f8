#include "cli/model/replay/region_memory.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "cli/model/replay/mapped_array.hpp"

namespace strata::cli::replay {
namespace {

constexpr std::size_t page = 4096;

TEST(RegionMemory, GrowsUpwards) {
  region_memory memory;
  auto* one = static_cast<char*>(memory.allocate(page, 16));
  auto* two = static_cast<char*>(memory.allocate(100, 16));
  auto* three = static_cast<char*>(memory.allocate(page, 16));
  EXPECT_EQ(two, one + page);
  EXPECT_EQ(three, two + page);
  EXPECT_EQ(memory.held_bytes(), 2 * page + 100);
  std::memset(three, 1, page);
  memory.deallocate(three, page, 16);
  EXPECT_EQ(memory.held_bytes(), page + 100);
  three = static_cast<char*>(memory.allocate(page, 16));
  EXPECT_EQ(three, two + page);
  EXPECT_EQ(three[0], 0) << "its pages went back";
}

TEST(RegionMemory, FillsGapsThatAreLongEnough) {
  region_memory memory;
  std::vector<char*> all;
  for (int i = 0; i < 6; ++i) all.push_back(static_cast<char*>(memory.allocate(page, 16)));
  memory.deallocate(all[1], page, 16);
  memory.deallocate(all[3], page, 16);
  memory.deallocate(all[2], page, 16);  // joins both
  EXPECT_EQ(memory.allocate(4 * page, 16), all[5] + page);
  EXPECT_EQ(memory.allocate(2 * page, 16), all[1]);
  EXPECT_EQ(memory.allocate(page, 16), all[3]);
}

TEST(RegionMemory, Alignment) {
  region_memory memory;
  auto* first = static_cast<char*>(memory.allocate(page, 16));
  void* wide = memory.allocate(page, 1 << 20);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(wide) % (1 << 20), 0u);
  EXPECT_EQ(memory.held_bytes(), 2 * page);
  if (wide != first + page) {
    EXPECT_EQ(memory.allocate(page, 16), first + page);
  }
}

TEST(RegionMemory, HasAnEnd) {
  region_memory memory;
  EXPECT_THROW(static_cast<void>(memory.allocate(std::size_t{1} << 40, 16)), std::bad_alloc);
  EXPECT_EQ(memory.held_bytes(), 0u);
}

TEST(MappedArray, KeepsWhatItHadAndIsZeroElsewhere) {
  mapped_array<int> all;
  all.reach(0);
  all[0] = 7;
  all.reach(1'000'000);
  EXPECT_EQ(all[0], 7);
  EXPECT_EQ(all[1'000'000], 0);
  EXPECT_GT(all.size(), 1'000'000u);
}

}  // namespace
}  // namespace strata::cli::replay
