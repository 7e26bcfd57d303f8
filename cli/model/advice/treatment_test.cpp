#include "cli/model/advice/treatment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "cli/model/capture/recording_test.hpp"
#include "cli/model/replay/operations_test.hpp"

namespace strata::cli::advice {
namespace {

using capture::event;
using capture::gone;
using capture::made;
using capture::resize_back;
using capture::resize_in;
using capture::resize_out;

// Node 1 is of site 0, node 2 of site 1, which is the one that is treated.
const std::vector<std::uint32_t> of_node = {0, 0, 1};

std::string left_of(treatment how, const std::vector<event>& events) {
  const auto one = treated(how, 1, of_node);
  std::vector<replay::operation> all;
  for (const event& each : events) one->add(each, all);
  one->finish(all);
  return replay::text_of(all);
}

TEST(Treatment, TemporaryBlocksGoToTheStack) {
  EXPECT_EQ(left_of(treatment::on_stack, {made(16, 1, 2), gone(16), made(16, 2, 1), gone(16)}),
            "a0:2 f0");
  EXPECT_EQ(left_of(treatment::on_stack, {made(16, 1, 1), made(32, 2, 2), gone(16), gone(32)}),
            "a0:1 f0")
      << "others may be freed meanwhile";
  EXPECT_EQ(left_of(treatment::on_stack, {made(16, 1, 2), made(32, 2, 1), gone(16)}),
            "a0:1 a1:2 f0")
      << "not temporary";
  EXPECT_EQ(left_of(treatment::on_stack, {made(16, 1, 2, 1), gone(16, 2)}), "a0:1 f0")
      << "freed by another";
  EXPECT_EQ(left_of(treatment::on_stack, {made(16, 1, 2)}), "a0:1") << "still there";
  EXPECT_EQ(left_of(treatment::on_stack, {made(16, 1, 2), resize_out(16), resize_in(32, 5, 2)}),
            "a0:1 r0:5");
}

TEST(Treatment, BlocksThatGrowAreThereAtOnce) {
  EXPECT_EQ(left_of(treatment::reserved, {made(16, 1, 2), resize_out(16), resize_in(32, 5, 2),
                                          resize_out(32), resize_in(48, 9, 2), gone(48)}),
            "a0:1 f0");
  EXPECT_EQ(left_of(treatment::reserved, {made(16, 10, 2), made(32, 20, 2), gone(16),
                                          made(48, 40, 2), gone(32), gone(48)}),
            "a0:10 f0");
}

TEST(Treatment, BlocksOfABetterOrderAreSmaller) {
  const std::vector<smaller_unit> units = {{}, {}, {40, 24}};
  const auto one = made_smaller(units);
  std::vector<replay::operation> all;
  for (const event& each : {made(16, 40, 1), made(32, 40, 2), made(48, 120, 2), made(64, 41, 2),
                            resize_out(32), resize_in(80, 80, 2)})
    one->add(each, all);
  EXPECT_EQ(replay::text_of(all), "a0:40 a1:24 a2:72 a3:41 r1:48");
}

TEST(Treatment, WhatDoesNotGrowStays) {
  EXPECT_EQ(left_of(treatment::reserved, {made(16, 10, 2), made(32, 5, 2), gone(16), gone(32)}),
            "a0:10 a1:5 f0 f1")
      << "shorter";
  EXPECT_EQ(left_of(treatment::reserved, {made(16, 10, 1), resize_out(16), resize_in(32, 50, 1)}),
            "a0:10 r0:50")
      << "another site's";
  EXPECT_EQ(
      left_of(treatment::reserved, {made(16, 10, 1), resize_out(16), resize_back(16), gone(16)}),
      "a0:10 f0");
  EXPECT_EQ(left_of(treatment::reserved, {made(16, 10, 2, 1), gone(16, 2)}), "a0:10 f0");
}

TEST(Treatment, RoutesAreKeptToTheEnd) {
  EXPECT_EQ(left_of(treatment::in_arena,
                    {made(16, 1, 2), made(32, 2, 1), gone(16), made(16, 3, 1), gone(32)}),
            "a0:1>arena a1:2 f0>arena a0:3 f1");
  EXPECT_EQ(
      left_of(treatment::in_pool, {made(16, 1, 2), resize_out(16), resize_in(32, 5, 1), gone(32)}),
      "a0:1>pool r0:5>pool f0>pool");
}

// Whatever the events, each slot is allocated, resized and freed in an order that a heap can follow, by one
// and the same of its parts.
TEST(Treatment, OperationsCanBeFollowed) {
  std::mt19937_64 dice(8);
  std::vector<event> events;
  std::vector<std::uint64_t> known;  // live or not
  for (std::uint64_t i = 1; i <= 20'000; ++i) {
    event one;
    one.kind = static_cast<wire::entry_kind>(dice() % wire::entry_kinds);
    one.thread = 1 + static_cast<std::uint32_t>(dice() % 2);
    if (one.makes()) {
      one.block = i;
      one.size = dice() % 100;
      one.node = 1 + static_cast<std::uint32_t>(dice() % 2);
      known.push_back(i);
    } else if (!known.empty()) {
      one.block = known[known.size() - 1 - dice() % std::min<std::size_t>(known.size(), 20)];
    }
    events.push_back(one);
  }
  for (const treatment how :
       {treatment::on_stack, treatment::reserved, treatment::in_arena, treatment::in_pool}) {
    const auto one = treated(how, 1, of_node);
    std::vector<replay::operation> all;
    for (const event& each : events) one->add(each, all);
    one->finish(all);
    std::map<std::uint32_t, replay::route> live;
    for (const replay::operation& each : all) {
      const auto found = live.find(each.slot);
      ASSERT_EQ(found == live.end(), each.what == replay::action::allocate);
      if (found == live.end()) {
        live[each.slot] = each.to;
        continue;
      }
      ASSERT_EQ(found->second, each.to);
      if (each.what == replay::action::free) live.erase(found);
    }
    EXPECT_GT(all.size(), 1000u);
  }
}

}  // namespace
}  // namespace strata::cli::advice
