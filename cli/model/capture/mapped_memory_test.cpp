#include "cli/model/capture/mapped_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <tuple>
#include <vector>

namespace strata::cli::capture {
namespace {

using wire::range_kind;

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t base = 0x700000000000;

range_event event_of(range_kind kind, std::uint64_t first, std::uint64_t pages,
                     std::uint64_t time_ms = 0, std::uint32_t node = 1, std::uint16_t about = 0) {
  return {kind, about, 1, node, base + first * page, pages * page, time_ms};
}

TEST(MappedMemory, AMappingLivesUntilItsLastByteGoes) {
  mapped_memory made;
  made.add(event_of(range_kind::map, 0, 10, 5));
  made.add(event_of(range_kind::unmap, 4, 2, 6));
  made.add(event_of(range_kind::unmap, 0, 4, 7));
  EXPECT_EQ(1, made.all().live.blocks);
  EXPECT_EQ(4 * page, made.all().live.bytes);
  made.add(event_of(range_kind::unmap, 0, 10, 25));
  EXPECT_EQ(0, made.all().live.blocks);
  EXPECT_EQ(0, made.all().live.bytes);
  EXPECT_EQ(1, made.all().lived[2]);  // 20 ms
  EXPECT_EQ(20, made.all().life_ms(1000));
  EXPECT_EQ(0U, made.unknown_unmaps());
  made.add(event_of(range_kind::unmap, 0, 10, 26));
  EXPECT_EQ(1U, made.unknown_unmaps());
}

TEST(MappedMemory, WhatIsRefusedStays) {
  mapped_memory made;
  made.add(event_of(range_kind::map, 0, 10, 0, 1, wire::range_of_file));
  made.add(event_of(range_kind::unmap, 0, 10, 3));
  made.add(event_of(range_kind::unmap_back, 0, 0, 3));
  EXPECT_EQ(1, made.all().live.blocks);
  EXPECT_EQ(10 * page, made.all().live.bytes);
  EXPECT_EQ(0, made.all().lived[1]);
  made.add(event_of(range_kind::unmap, 0, 10, 9));
  made.add(event_of(range_kind::map, 50, 20, 9, 2, wire::range_moved));
  EXPECT_EQ(1, made.all().resized);
  EXPECT_EQ(wire::range_of_file | wire::range_moved, made.by_node().at(2).about);
}

TEST(MappedMemory, PeaksAreKeptByStack) {
  mapped_memory made;
  made.add(event_of(range_kind::map, 0, 3, 1, 1));
  made.add(event_of(range_kind::map, 10, 5, 2, 2));
  made.add(event_of(range_kind::unmap, 10, 5, 3));
  made.add(event_of(range_kind::map, 20, 4, 4, 3));
  made.settle();
  EXPECT_EQ(8 * page, made.all().at_peak.bytes);
  EXPECT_EQ(2U, made.peak_time_ms());
  EXPECT_EQ(5 * page, made.by_node().at(2).sums.at_peak.bytes);
  EXPECT_EQ(0, made.by_node().at(3).sums.at_peak.bytes);
}

TEST(MappedMemory, FiguresComeBackFromAFile) {
  mapped_memory made;
  made.keep_moment(2);
  made.add(event_of(range_kind::map, 0, 3, 1, 1, wire::range_shared));
  made.add(event_of(range_kind::map, 10, 5, 3, 7));
  byte_writer to;
  made.put(to);
  byte_reader from(to.bytes());
  mapped_memory again;
  again.keep_moment(2);
  again.add(event_of(range_kind::map, 0, 3, 1, 1, wire::range_shared));
  again.go_on_as(mapped_memory::get(from));
  EXPECT_TRUE(from.good() && from.done());
  EXPECT_EQ(8 * page, again.all().live.bytes);
  EXPECT_EQ(3 * page, again.all().at_moment.bytes);
  EXPECT_EQ(3 * page, again.by_node().at(1).sums.at_moment.bytes);
  EXPECT_EQ(wire::range_shared, again.by_node().at(1).about);
  EXPECT_EQ(2U, again.curve().size());
}

// Pages and whose they are, one by one.
class shadow {
 public:
  void map(std::uint64_t first, std::uint64_t pages) {
    ++made_;
    for (std::uint64_t i = first; i < first + pages; ++i) owner_[i] = made_;
  }
  void unmap(std::uint64_t first, std::uint64_t pages) {
    for (std::uint64_t i = first; i < first + pages; ++i) owner_[i] = 0;
  }
  std::size_t mappings() const {
    std::set<std::uint64_t> found(owner_.begin(), owner_.end());
    found.erase(0);
    return found.size();
  }
  std::size_t pages() const {
    return owner_.size() - static_cast<std::size_t>(std::count(owner_.begin(), owner_.end(), 0));
  }

 private:
  std::array<std::uint64_t, 80> owner_{};
  std::uint64_t made_ = 0;
};

TEST(MappedMemory, AnyRangesAreAsTheirPages) {
  std::mt19937 dice(1);
  for (int round = 0; round < 50; ++round) {
    mapped_memory made;
    shadow truth;
    for (int step = 0; step < 200; ++step) {
      const std::uint64_t first = dice() % 60;
      const std::uint64_t pages = 1 + dice() % 20;
      const bool maps = dice() % 2 == 0;
      made.add(event_of(maps ? range_kind::map : range_kind::unmap, first, pages, 0, dice() % 5));
      if (maps) {
        truth.map(first, pages);
      } else if (dice() % 4 == 0) {
        made.add(event_of(range_kind::unmap_back, 0, 0));
      } else {
        truth.unmap(first, pages);
      }
      ASSERT_EQ(truth.mappings(), made.all().live.blocks);
      ASSERT_EQ(truth.pages() * page, made.all().live.bytes);
    }
    amount sum;
    for (const auto& [node, one] : made.by_node()) sum += one.sums.live;
    EXPECT_EQ(sum.bytes, made.all().live.bytes);
    EXPECT_EQ(sum.blocks, made.all().live.blocks);
  }
}

TEST(RangeEvents, ComeBack) {
  std::mt19937_64 dice(1);
  std::vector<range_event> events;
  range_rows rows;
  std::uint64_t time_ms = 0;
  for (int i = 0; i < 1000; ++i) {
    range_event one =
        event_of(static_cast<range_kind>(8 + dice() % 3), dice() % 1000, 1 + dice() % 9,
                 time_ms += dice() % 3, static_cast<std::uint32_t>(dice() % 100),
                 static_cast<std::uint16_t>(dice() % 32));
    if (one.kind != range_kind::map) one.node = 0;
    if (one.kind == range_kind::unmap_back) one.bytes = 0;
    events.push_back(one);
    rows.add(one);
  }
  byte_writer content;
  rows.put(content);
  EXPECT_TRUE(rows.empty());
  byte_reader from(content.bytes());
  range_reader reader(from);
  range_event one;
  for (const range_event& expected : events) {
    ASSERT_TRUE(reader.next(one));
    EXPECT_EQ(std::tuple(expected.kind, expected.about, expected.node, expected.start,
                         expected.bytes, expected.time_ms),
              std::tuple(one.kind, one.about, one.node, one.start, one.bytes, one.time_ms));
  }
  EXPECT_FALSE(reader.next(one));
  EXPECT_TRUE(from.good());
}

}  // namespace
}  // namespace strata::cli::capture
