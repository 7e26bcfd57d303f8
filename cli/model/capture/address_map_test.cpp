#include "cli/model/capture/address_map.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "cli/model/capture/recording_test.hpp"
#include "cli/model/file.hpp"

namespace strata::cli::capture {
namespace {

// Blocks that do not overlap, with some gaps between them, in any order.
std::vector<placed_block> some_blocks(std::size_t count) {
  std::mt19937_64 dice(3);
  std::vector<placed_block> made;
  std::uint64_t address = std::uint64_t{1} << 32;
  for (std::size_t i = 1; i <= count; ++i) {
    address += dice() % 10 == 0 ? dice() % (1 << 20) : dice() % 64;
    const std::uint64_t size = dice() % 20 == 0 ? dice() % 50'000 : dice() % 500;
    made.push_back({i, address, size, i, 1});
    address += std::max<std::uint64_t>(size, 1);
  }
  std::shuffle(made.begin(), made.end(), dice);
  return made;
}

TEST(AddressMap, SumsAreThoseOfAllBlocks) {
  const std::vector<placed_block> all = some_blocks(3000);
  std::set<std::uint64_t> pages;
  std::uint64_t bytes = 0;
  std::uint64_t first = UINT64_MAX;
  std::uint64_t end = 0;
  for (const placed_block& one : all) {
    const std::uint64_t own_end = one.address + std::max<std::uint64_t>(one.size, 1);
    for (std::uint64_t page = one.address / 4096; page <= (own_end - 1) / 4096; ++page) {
      pages.insert(page);
    }
    bytes += one.size;
    first = std::min(first, one.address);
    end = std::max(end, own_end);
  }
  for (std::size_t most : {1U, 100U, 5000U}) {
    const address_map map = map_of(all, 9, most);
    EXPECT_EQ(map.time_ms, 9u);
    EXPECT_EQ(map.count, all.size());
    EXPECT_EQ(map.bytes, bytes);
    EXPECT_EQ(map.pages, pages.size());
    EXPECT_EQ(map.extent_bytes, end - first);
  }
}

TEST(AddressMap, TheLargestStayAndTheRestIsSummedUp) {
  const std::vector<placed_block> all = some_blocks(3000);
  for (std::size_t most_ranges : {2U, 10U, 10'000U}) {
    const address_map map = map_of(all, 0, 100, most_ranges);
    ASSERT_EQ(map.blocks.size(), 100u);
    std::set<std::uint64_t> kept;
    std::uint64_t smallest = UINT64_MAX;
    for (std::size_t i = 0; i < map.blocks.size(); ++i) {
      kept.insert(map.blocks[i].block);
      smallest = std::min(smallest, map.blocks[i].size);
      EXPECT_TRUE(i == 0 || map.blocks[i - 1].address < map.blocks[i].address);
    }
    std::map<std::uint64_t, amount> expected;
    for (const placed_block& one : all) {
      if (kept.contains(one.block)) continue;
      EXPECT_LE(one.size, smallest);
      amount& in = expected[one.address / map.range_bytes * map.range_bytes];
      in += {1, static_cast<double>(one.size)};
    }
    EXPECT_LE(map.others.size(), most_ranges);
    ASSERT_EQ(map.others.size(), expected.size());
    auto at = expected.begin();
    for (const address_range& one : map.others) {
      EXPECT_EQ(one.start, at->first);
      EXPECT_EQ(static_cast<double>(one.blocks), at->second.blocks);
      EXPECT_EQ(static_cast<double>(one.bytes), at->second.bytes);
      ++at;
    }
  }
}

TEST(AddressMap, FewBlocksLeaveNoRest) {
  const address_map map = map_of(some_blocks(50), 0);
  EXPECT_EQ(map.blocks.size(), 50u);
  EXPECT_TRUE(map.others.empty());
  EXPECT_EQ(map.range_bytes, 0u);
  EXPECT_EQ(map_of({}, 0).pages, 0u);
}

class AddressMaps : public testing::Test {
 protected:
  std::string path() const { return folder_.path() + "/file"; }
  address_maps read(const std::vector<event>& events,
                    std::optional<std::uint64_t> moment_ms = std::nullopt) {
    write_recording(path(), events);
    EXPECT_EQ(read_capture(path(), recording_), "");
    address_maps made;
    EXPECT_EQ(read_addresses(path(), recording_, recording_.processes[0], moment_ms, made), "");
    return made;
  }
  static std::map<std::uint64_t, std::uint64_t> sizes(const address_map& of) {
    std::map<std::uint64_t, std::uint64_t> made;
    for (const placed_block& one : of.blocks) made[one.address] = one.size;
    return made;
  }
  using by_address = std::map<std::uint64_t, std::uint64_t>;

  temporary_directory folder_;
  capture recording_;
};

TEST_F(AddressMaps, AtThePeakAtAMomentAndAtTheEnd) {
  const address_maps maps =
      read({at(0x1000, made(1, 100, 1, 1, 1)), at(0x2000, made(2, 50, 2, 2, 2)),
            at(0x9000, made(3, 7000, 1, 3, 2)),  // of the other process
            gone(1, 1, 3), at(0x1000, made(4, 20, 3, 2, 4)), gone(2, 1, 5)},
           3);
  EXPECT_TRUE(recording_.has_addresses);
  ASSERT_TRUE(maps.at_peak && maps.at_moment);
  EXPECT_EQ(sizes(*maps.at_peak), (by_address{{0x1000, 100}, {0x2000, 50}}));
  EXPECT_EQ(maps.at_peak->time_ms, 2u);
  EXPECT_EQ(sizes(*maps.at_moment), (by_address{{0x2000, 50}}));
  EXPECT_EQ(sizes(maps.at_end), (by_address{{0x1000, 20}}));
  EXPECT_EQ(maps.at_end.blocks[0].node, 3u);
  EXPECT_EQ(maps.at_end.blocks[0].time_ms, 4u);
}

TEST_F(AddressMaps, WhatReallocMovedAndLeft) {
  const address_maps maps = read({at(0x1000, made(1, 100)), at(0x2000, made(2, 100)), resize_out(1),
                                  at(0x3000, resize_in(3, 300)), resize_out(2), resize_back(2)});
  EXPECT_EQ(sizes(maps.at_end), (by_address{{0x2000, 100}, {0x3000, 300}}));
}

TEST_F(AddressMaps, RecordingsWithoutThem) {
  const address_maps maps = read({made(1, 100)});
  EXPECT_FALSE(recording_.has_addresses);
  EXPECT_EQ(maps.at_end.count, 0u);
}

}  // namespace
}  // namespace strata::cli::capture
