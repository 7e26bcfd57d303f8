// A small trace whose figures can be worked out by hand for each policy:
//
//   operation        1    2   3    4     5     6     7        8
//                 a 100  b 200  free a  c 50  d 3000  e 2000  free d  b to 400
//   asked for      100  300  200  250  3250  5250  2250     2450
#include <gtest/gtest.h>

#include "cli/model/replay/pass.hpp"

namespace strata::cli::replay {
namespace {

const std::vector<operation> by_hand = {{action::allocate, 0, 100},  {action::allocate, 1, 200},
                                        {action::free, 0, 0},        {action::allocate, 0, 50},
                                        {action::allocate, 2, 3000}, {action::allocate, 3, 2000},
                                        {action::free, 2, 0},        {action::resize, 1, 400}};

pass_figures measured(const char* name, const trace& of, std::uint64_t limit_ns = 60'000'000'000) {
  std::string wrong;
  const auto kinds = policies_of(name, wrong);
  EXPECT_EQ(kinds.size(), 1u) << name;
  const auto one = kinds[0]->make(of.facts());
  pass made(*one, {pass_kind::measures, of.facts().operations, limit_ns});
  of.each_batch([&](std::span<const operation> batch) { return made.run(batch); });
  return made.finish();
}

void expect_moment(const moment& is, const moment& wanted) {
  EXPECT_EQ(is.operation, wanted.operation);
  EXPECT_EQ(is.at.asked, wanted.at.asked);
  EXPECT_EQ(is.at.granted, wanted.at.granted);
  EXPECT_EQ(is.at.footprint, wanted.at.footprint);
}

// Regions of 4096, 32 of which are the heap's own. With their tags blocks take 112, 208, 64, 3008, 2016 and 416. The
// first region is full with a to d, the second is for e.
TEST(Policies, FreeListsByHand) {
  for (const char* name : {"first-fit", "first-fit-address", "next-fit", "next-fit-address",
                           "best-fit", "segregated-fit", "tlsf"}) {
    SCOPED_TRACE(name);
    const pass_figures found = measured(name, trace(by_hand));
    EXPECT_EQ(found.how, outcome::done);
    EXPECT_EQ(found.operations, 8u);
    expect_moment(found.peak, {6, {5250, 208 + 64 + 3008 + 2016, 8192}});
    expect_moment(found.end, {8, {2450, 64 + 2016 + 416, 8192}});
  }
}

// Blocks of 64: 2, 4, 1, 47, 32, 7. 64 to a region, whose tables have 22 words and three of bits.
TEST(Policies, BitmapByHand) {
  const pass_figures found = measured("bitmap", trace(by_hand));
  expect_moment(found.peak, {6, {5250, (4 + 1 + 47 + 32) * 64, 2 * (4096 + 200)}});
  expect_moment(found.end, {8, {2450, (1 + 32 + 7) * 64, 2 * (4096 + 200)}});
}

// b lies at 256, d at 4096, e at 2048; and half a byte for each 64.
TEST(Policies, BuddyByHand) {
  const pass_figures found = measured("buddy", trace(by_hand));
  expect_moment(found.peak, {5, {3250, 256 + 64 + 4096, 8192 + 64}});
  expect_moment(found.end, {8, {2450, 64 + 2048 + 512, 8192 + 64}});
}

// Chunks of 4096; what is freed comes back to none. Live blocks count with their alignment.
TEST(Policies, BumpByHand) {
  const pass_figures found = measured("bump", trace(by_hand));
  expect_moment(found.peak, {6, {5250, 208 + 64 + 3008 + 2000, 8192}});
  expect_moment(found.end, {8, {2450, 64 + 2000 + 400, 8192}});
  EXPECT_EQ(found.resets, 0u);
}

TEST(Policies, AllKeepTheOrderOfTheirBytes) {
  for (const policy_kind& kind : all_policies()) {
    if (kind.make == nullptr) continue;
    SCOPED_TRACE(kind.name);
    const pass_figures found = measured(kind.name, trace(by_hand));
    EXPECT_EQ(found.how, outcome::done);
    EXPECT_EQ(found.end.at.asked, 2450u);
    for (const moment* one : {&found.peak, &found.end}) {
      EXPECT_GE(one->at.granted, one->at.asked);
      EXPECT_GE(one->at.footprint, one->at.granted);
    }
    EXPECT_EQ(found.moments, 8u);
  }
}

TEST(Policies, ListsOfNames) {
  std::string wrong;
  EXPECT_EQ(policies_of("all", wrong).size(), all_policies().size());
  const auto two = policies_of("tlsf,first-fit,tlsf", wrong);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_STREQ(two[0]->name, "tlsf");
  EXPECT_TRUE(policies_of("tlsf,worst-fit", wrong).empty());
  EXPECT_EQ(wrong, "worst-fit");
  EXPECT_TRUE(policies_of("", wrong).empty());
}

TEST(Pass, APolicyMayRefuse) {
  std::vector<operation> too_much = by_hand;
  too_much.push_back({action::allocate, 5, std::uint64_t{1} << 45});
  too_much.push_back({action::free, 0, 0});
  for (const policy_kind& kind : all_policies()) {
    if (kind.make == nullptr) continue;
    const pass_figures found = measured(kind.name, trace(too_much));
    EXPECT_EQ(found.how, outcome::refused) << kind.name;
    EXPECT_EQ(found.operations, 8u) << kind.name;
  }
}

TEST(Pass, MayTakeTooLong) {
  std::vector<operation> twice;
  while (twice.size() <= trace::batch_operations) {
    twice.push_back({action::allocate, 0, 10});
    twice.push_back({action::free, 0, 0});
  }
  const pass_figures found = measured("tlsf", trace(twice), 0);
  EXPECT_EQ(found.how, outcome::too_slow);
  EXPECT_EQ(found.operations, trace::batch_operations);
}

TEST(Pass, TheCurveIsShort) {
  std::vector<operation> many;
  for (std::uint32_t i = 0; i < 100'001; ++i) many.push_back({action::allocate, i, 32});
  const pass_figures found = measured("tlsf", trace(many));
  EXPECT_LE(found.moments, most_moments);
  EXPECT_GT(found.moments, most_moments / 2);
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < found.moments; ++i) {
    EXPECT_EQ(found.curve[i].at.asked, found.curve[i].operation * 32);
    EXPECT_GT(found.curve[i].operation, before);
    before = found.curve[i].operation;
  }
  EXPECT_EQ(found.end.operation, 100'001u);
}

}  // namespace
}  // namespace strata::cli::replay
