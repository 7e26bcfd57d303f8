// Heaps that hardly have room for what lives: no young generation, until there is more; whole blocks where all have
// holes.
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "gc/plans_test.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct node {
  ref<node> next;
  long key = 0;
};
using text = array<char>;
using texts = array<ref<text>>;

// Their constructors call back in the middle.
struct slow {
  explicit slow(const std::function<unrooted<node>()>& make_first) : first(make_first()) {}
  ref<node> first;
};
struct slow_and_large {
  explicit slow_and_large(const std::function<unrooted<node>()>& make_first)
      : first(make_first()) {}
  ref<node> first;
  std::array<long, 5000> more{};
};

}  // namespace

template <>
struct fields<slow> : list<&slow::first> {};
template <>
struct fields<slow_and_large> : list<&slow_and_large::first> {};

namespace {

class GcTight : public testing::TestWithParam<plan> {
 protected:
  // Nine tenths of the heap, each of them a line of a block.
  static constexpr std::size_t count = 27900;
  static constexpr std::size_t line_text = 256 - detail::header::bytes - sizeof(std::size_t);
  static bool dies(std::size_t at) { return at % 10 < 4; }
  void fill() {
    kept = self.make<texts>(count);
    for (std::size_t at = 0; at < count; ++at) (*kept)[at] = self.make<text>(line_text);
  }
  // Four of ten neighbours die, everywhere.
  void fill_and_thin_out() {
    fill();
    for (std::size_t at = 0; at < count; ++at)
      if (dies(at)) (*kept)[at] = nullptr;
  }

  heap memory{{.max_bytes = std::size_t{8} << 20, .plan = GetParam(), .stress = {.verify = true}}};
  mutator self{memory};
  local<texts> kept{self};
};

class GcTightMoving : public GcTight {};

TEST_P(GcTightMoving, HolesBecomeWholeBlocks) {
  fill_and_thin_out();
  // Two fit into a block, and into no hole.
  local<texts> wide = self.make<texts>(std::size_t{40});
  for (std::size_t at = 0; at < 40; ++at) {
    (*wide)[at] = self.make<text>(std::size_t{30000});
    (*(*wide)[at])[29999] = static_cast<char>(at);
  }
  for (std::size_t at = 0; at < 40; ++at) EXPECT_EQ(static_cast<char>(at), (*(*wide)[at])[29999]);
  for (std::size_t at = 0; at < count; ++at)
    EXPECT_NE(dies(at), static_cast<bool>((*kept)[at])) << at;
}

// One of twenty neighbours stays, so that each line is in use, and none is free.
TEST_P(GcTight, LinesThatHoldLittleAreNoObstacle) {
  auto make_list = [this](local<node>& last) {
    for (long key = 0; key < 150000; ++key) last = self.make<node>(last, key);
    local<node> at = last;
    while (at->next) {
      for (int dead = 0; dead < 19 && at->next; ++dead) at->next = at->next->next;
      if (at->next) at = at->next;
    }
  };
  local<node> first{self};
  local<node> second{self};
  make_list(first);
  make_list(second);
  local<node> third{self};
  make_list(third);
  for (local<node>* each : {&first, &second, &third}) {
    long key = 149999;
    for (local<node> at = *each; at; at = at->next, key -= 20) EXPECT_EQ(key, at->key);
    EXPECT_GE(0, key);
  }
}

// What is weak, pinned, hashed and large, in a heap that slides at each full collection.
TEST_P(GcTight, WhatSlidesKeepsItsFriends) {
  constexpr std::size_t most = 20000;
  heap sliding{{.max_bytes = std::size_t{8} << 20,
                .plan = GetParam(),
                .stress = {.protect_moved = true, .compact_always = true, .verify = true}}};
  mutator of{sliding};
  local<array<ref<node>>> table = of.make<array<ref<node>>>(most);
  local<array<ref<weak<node>>>> weaks = of.make<array<ref<weak<node>>>>(most);
  std::array<std::uint32_t, most> hashes{};
  for (std::size_t at = 0; at < most; ++at) {
    local<node> made = of.make<node>(nullptr, static_cast<long>(at));
    if (at > 0) made->next = (*table)[at - 1];
    (*table)[at] = made;
    if (at % 3 == 0) (*weaks)[at] = of.make<weak<node>>(made);
    if (at % 5 == 0) hashes[at] = identity_hash(made);
  }
  pinned<node> still{of, (*table)[most / 2].get()};
  node* before = still.get();
  for (std::size_t step : {5, 15, 30}) {
    for (std::size_t at = 0; at < most; ++at) {
      if ((*table)[at]) (*table)[at]->next = nullptr;
      if (at % step != 0) (*table)[at] = nullptr;
    }
    of.collect();
    EXPECT_EQ(before, still.get());
    EXPECT_EQ(static_cast<long>(most / 2), still->key);
    for (std::size_t at = 0; at < most; ++at) {
      local<node> here{of, (*table)[at].get()};
      ASSERT_EQ(at % step == 0, static_cast<bool>(here)) << at;
      if (here) {
        ASSERT_EQ(static_cast<long>(at), here->key);
        ASSERT_EQ(hashes[at], identity_hash(here));
      }
      if (at % 3 != 0 || at == most / 2) continue;
      local<node> got = (*weaks)[at]->get(of);
      ASSERT_EQ(here.get(), got.get()) << at;
    }
  }
  EXPECT_EQ(GetParam() == plan::mark_sweep, sliding.statistics().moved_bytes == 0);
}

class GcTightGenerational : public GcTight {};

TEST_P(GcTightGenerational, HasNoYoungObjectsUntilThereIsRoom) {
  fill();
  self.collect();
  heap_statistics before = memory.statistics();
  local<node> others{self};
  for (long key = 0; key < 60000; ++key) {
    if (key % 10 == 0) others = nullptr;
    others = self.make<node>(others, key);
  }
  EXPECT_EQ(before.promoted_bytes, memory.statistics().promoted_bytes);
  EXPECT_EQ(before.young_collections, memory.statistics().young_collections);

  kept = nullptr;
  others->next = nullptr;
  self.collect();
  // Now there is one. What was made without refers to it like what has been promoted.
  for (long key = 0; key < 100000; ++key) {
    local<node> made = self.make<node>(nullptr, key);
    if (key % 10 != 0) continue;
    made->next = others->next;
    others->next = made;
  }
  self.collect(collection::young);
  EXPECT_GT(memory.statistics().young_collections, before.young_collections);
  EXPECT_GT(memory.statistics().promoted_bytes, before.promoted_bytes);
  long length = 0;
  for (local<node> at{self, others->next}; at; at = at->next) ++length;
  EXPECT_EQ(10000, length);
}

// The object is old, and its first value, of which no barrier tells, is young.
TEST_P(GcTightGenerational, ConstructorsMayGoOnWhereThereIsAnEdenAgain) {
  fill();
  self.collect();
  std::function<unrooted<node>()> make_first = [this] {
    kept = nullptr;
    self.collect();
    return self.make<node>(nullptr, 7);
  };
  local<slow> made = self.make<slow>(make_first);
  local<slow_and_large> large = self.make<slow_and_large>(make_first);
  for (int time = 0; time < 3; ++time) {
    self.collect(collection::young);
    for (long key = 0; key < 10000; ++key) static_cast<void>(self.make<node>(nullptr, key));
    EXPECT_EQ(7, made->first->key);
    EXPECT_EQ(7, large->first->key);
  }
}

INSTANTIATE_TEST_SUITE_P(Plans, GcTight,
                         testing::Values(plan::mark_sweep, plan::immix, plan::generational,
                                         plan::generational_concurrent, plan::compressor),
                         name_of_plan);
INSTANTIATE_TEST_SUITE_P(Plans, GcTightMoving,
                         testing::Values(plan::immix, plan::generational,
                                         plan::generational_concurrent, plan::compressor),
                         name_of_plan);
INSTANTIATE_TEST_SUITE_P(Plans, GcTightGenerational,
                         testing::Values(plan::generational, plan::generational_concurrent),
                         name_of_plan);

}  // namespace
}  // namespace strata::gc
