// What is for tests of programs: scopes without collections, maps that are checked, delays.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "gc/plans_test.hpp"
#include "strata/gc.hpp"

namespace strata::gc {

namespace {

struct node {
  ref<node> next;
  long key = 0;
};
// Says less than there is.
struct forgetful {
  ref<node> known;
  ref<node> forgotten;
};
struct wide_and_forgetful {
  ref<node> known[70];
  long plain[3];
  ref<node> forgotten;
};

}  // namespace

template <>
struct fields<forgetful> : list<&forgetful::known> {};
template <>
struct fields<wide_and_forgetful> : list<&wide_and_forgetful::known> {};

namespace {

class GcStress : public testing::TestWithParam<plan> {};

constexpr const char* no_collection = "strata: a collection where none is allowed";

TEST_P(GcStress, WithoutCollectionsObjectsStayAndNothingIsReported) {
  heap memory{{.max_bytes = 16 << 20, .plan = GetParam()}};
  mutator self{memory};
  local<node> n = self.make<node>(nullptr, 5);
  {
    no_gc outer{self};
    node* address = n.get();
    { no_gc inner{self}; }
    n->next = n;
    EXPECT_EQ(address, n->next.get());
  }
  for (long key = 0; key < 100000; ++key) n = self.make<node>(n->next, key);
  self.collect();
  self.safepoint();
  self.verify();
}

TEST_P(GcStress, AllThatMayCollectWhereItMustNotIsReported) {
  heap memory{{.max_bytes = 16 << 20, .plan = GetParam()}};
  mutator self{memory};
  local<node> n = self.make<node>(nullptr, 5);
  no_gc guard{self};
  EXPECT_DEATH(static_cast<void>(self.make<node>()), no_collection);
  EXPECT_DEATH(static_cast<void>(self.make<array<char>>(5U)), no_collection);
  EXPECT_DEATH(self.safepoint(), no_collection);
  EXPECT_DEATH(self.collect(), no_collection);
  EXPECT_DEATH(self.verify(), no_collection);
  EXPECT_DEATH(static_cast<void>(summarize(self)), no_collection);
  EXPECT_DEATH(blocking{self}, no_collection);
}

TEST_P(GcStress, OthersWaitUntilCollectionsAreAllowedAgain) {
  heap memory{{.max_bytes = 16 << 20, .plan = GetParam()}};
  mutator self{memory};
  std::atomic<int> collections{0};
  std::thread other;
  {
    no_gc guard{self};
    other = std::thread{[&] {
      memory.collect();
      ++collections;
    }};
    for (int time = 0; time < 100; ++time) std::this_thread::yield();
    EXPECT_EQ(0, collections);
  }
  while (collections == 0) self.safepoint();
  other.join();
}

TEST_P(GcStress, AWordThatAMapLacksIsReported) {
  heap memory{{.max_bytes = 16 << 20, .plan = GetParam(), .stress = {.check_maps = true}}};
  mutator self{memory};
  local<node> n = self.make<node>(nullptr, 5);
  local<forgetful> right = self.make<forgetful>(n);
  local<wide_and_forgetful> wide = self.make<wide_and_forgetful>();
  local<array<ref<node>>> row = self.make<array<ref<node>>>(3U);
  (*row)[1] = n;
  self.verify();
  constexpr const char* report = "a word that its type's map knows for plain";
  right->forgotten = n;
  EXPECT_DEATH(self.verify(), report);
  right->forgotten = nullptr;
  self.verify();
  wide->forgotten = n;
  EXPECT_DEATH(self.verify(), report);
}

TEST_P(GcStress, DelaysAreOnlyDelays) {
  heap memory{{.max_bytes = 16 << 20,
               .plan = GetParam(),
               .stress = {.collect_every = 50, .delay_us = 200, .verify = true}}};
  std::vector<std::thread> threads;
  for (int each = 0; each < 3; ++each) {
    threads.emplace_back([&memory] {
      mutator self{memory};
      local<node> list{self};
      for (long key = 0; key < 400; ++key) {
        list = self.make<node>(list, key);
        if (key % 50 == 0) blocking meanwhile{self};
      }
      for (long key = 399; key >= 0; --key, list = list->next) ASSERT_EQ(key, list->key);
    });
  }
  for (std::thread& each : threads) each.join();
}

INSTANTIATE_TEST_SUITE_P(Plans, GcStress, every_plan, name_of_plan);

}  // namespace
}  // namespace strata::gc
