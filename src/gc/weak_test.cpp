#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "gc/plans_test.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct node {
  ref<node> next;
  long key = 0;
};

class GcWeak : public testing::TestWithParam<plan> {
 protected:
  heap memory{{.max_bytes = 16 << 20,
               .plan = GetParam(),
               .stress = {.protect_moved = true, .mark_always = true, .verify = true}}};
  mutator self{memory};
};

TEST_P(GcWeak, IsNullOnceNothingElseRefersThere) {
  local<node> n = self.make<node>(nullptr, 5);
  local<weak<node>> to = self.make<weak<node>>(n);
  for (int time = 0; time < 3; ++time) {
    self.collect(time == 0 ? collection::young : collection::full);
    local<node> got = to->get(self);
    ASSERT_TRUE(got);
    EXPECT_EQ(n.get(), got.get());
    EXPECT_EQ(5, got->key);
  }
  n = nullptr;
  self.collect();
  EXPECT_FALSE(local<node>(to->get(self)));
}

TEST_P(GcWeak, OldOnesToYoungObjects) {
  local<array<ref<weak<node>>>> all = self.make<array<ref<weak<node>>>>(100);
  local<array<ref<node>>> kept = self.make<array<ref<node>>>(100);
  for (std::size_t at = 0; at < 100; ++at) {
    local<node> n = self.make<node>(nullptr, static_cast<long>(at));
    if (at % 3 == 0) (*kept)[at] = n;
    (*all)[at] = self.make<weak<node>>(n);
    if (at % 10 == 0) self.collect(at % 20 == 0 ? collection::young : collection::full);
  }
  self.collect(collection::young);
  self.collect();
  for (std::size_t at = 0; at < 100; ++at) {
    local<node> got = (*all)[at]->get(self);
    EXPECT_EQ(at % 3 == 0, static_cast<bool>(got)) << at;
    if (got) {
      EXPECT_EQ(static_cast<long>(at), got->key);
    }
  }
}

TEST_P(GcWeak, AnEphemeronsValueLivesAsLongAsItsKey) {
  using pair = ephemeron<node, node>;
  local<array<ref<pair>>> all = self.make<array<ref<pair>>>(10);
  local<node> first_key = self.make<node>(nullptr, 0);
  {
    // Each value is the next one's key.
    local<node> key = first_key;
    for (std::size_t at = 0; at < 10; ++at) {
      local<node> value = self.make<node>(nullptr, static_cast<long>(at) + 1);
      (*all)[9 - at] = self.make<pair>(key, value);
      key = value;
    }
  }
  for (int time = 0; time < 4; ++time) {
    self.collect(time < 2 ? collection::young : collection::full);
    for (std::size_t at = 0; at < 10; ++at) {
      ASSERT_TRUE(local<node>((*all)[9 - at]->key(self)));
      EXPECT_EQ(static_cast<long>(at) + 1, local<node>((*all)[9 - at]->value(self))->key);
    }
  }
  first_key = nullptr;
  self.collect();
  for (std::size_t at = 0; at < 10; ++at) {
    EXPECT_FALSE(local<node>((*all)[at]->key(self)));
    EXPECT_FALSE(local<node>((*all)[at]->value(self)));
  }
}

TEST_P(GcWeak, CleanersRunOnceAfterDeath) {
  static int runs;
  runs = 0;
  local<node> kept = self.make<node>();
  when_dead(kept, {[](void*) { runs += 1000; }, nullptr});
  for (int each = 0; each < 50; ++each) {
    local<node> n = self.make<node>();
    when_dead(n, {[](void*) {}, nullptr});
  }
  self.collect(collection::young);
  self.collect();
  EXPECT_EQ(0, runs);
  EXPECT_EQ(50U, memory.run_cleaners());
  EXPECT_EQ(0U, memory.run_cleaners());
  kept = nullptr;
  self.collect();
  EXPECT_EQ(1U, memory.run_cleaners());
  EXPECT_EQ(1000, runs);
}

// The weak objects stay in the young generation, which no marking of the old space comes past.
TEST_P(GcWeak, PinnedOnesForgetWhatDiesElsewhere) {
  local<node> n = self.make<node>(nullptr, 5);
  local<node> key = self.make<node>(nullptr, 6);
  self.collect();
  self.collect();
  local<weak<node>> to = self.make<weak<node>>(n);
  local<ephemeron<node, node>> both = self.make<ephemeron<node, node>>(key, n);
  pinned<weak<node>> still{to};
  pinned<ephemeron<node, node>> still_too{both};
  key = nullptr;
  for (int time = 0; time < 3; ++time) {
    self.collect();
    EXPECT_EQ(n.get(), local<node>(to->get(self)).get());
    EXPECT_FALSE(local<node>(both->key(self)));
  }
  n = nullptr;
  for (int time = 0; time < 3; ++time) {
    self.collect();
    for (long each = 0; each < 5000; ++each) static_cast<void>(self.make<node>(nullptr, each));
  }
  EXPECT_FALSE(local<node>(to->get(self)));
  EXPECT_FALSE(local<node>(both->key(self)));
  EXPECT_FALSE(local<node>(both->value(self)));
}

// An old weak object to a young one that stays young is found by every marking, and remembered by every
// collection: once.
TEST_P(GcWeak, RememberedOnesDontMultiply) {
  local<node> n = self.make<node>(nullptr, 5);
  pinned<node> still{n};
  for (int each = 0; each < 10000; ++each) static_cast<void>(self.make<node>());  // another block
  local<weak<node>> to = self.make<weak<node>>(n);
  for (int time = 0; time < 400; ++time)
    self.collect(time % 8 == 0 ? collection::full : collection::young);
  EXPECT_EQ(n.get(), local<node>(to->get(self)).get());
}

TEST_P(GcWeak, CleanersRunOnAThreadWithoutAMutator) {
  static std::atomic<int> runs;
  runs = 0;
  constexpr int count = 20000;
  std::atomic<bool> ending{false};
  heap quick{{.max_bytes = 16 << 20, .plan = GetParam(), .young_bytes = 64 << 10}};
  std::thread runner{[&] {
    while (!ending) quick.run_cleaners();
  }};
  {
    mutator own{quick};
    for (int each = 0; each < count; ++each) {
      local<node> n = own.make<node>();
      when_dead(n, {[](void*) { ++runs; }, nullptr});
      if (each % 1000 == 0) own.collect(each % 2000 == 0 ? collection::young : collection::full);
    }
    own.collect();
    own.collect();
  }
  ending = true;
  runner.join();
  quick.run_cleaners();
  EXPECT_EQ(count, runs);
}

// The marker settles them while the program runs, and leaves the dead and the young to the pause at its end.
TEST(GcWeakWhileMarking, IsAsExactAsInAPause) {
  using pair = ephemeron<node, node>;
  constexpr std::size_t count = 3000;
  static std::atomic<int> runs;
  runs = 0;
  heap memory{{.max_bytes = 64 << 20,
               .plan = plan::generational_concurrent,
               .young_bytes = 256 << 10,
               .stress = {.mark_always = true}}};
  mutator self{memory};
  auto mark_twice = [&] {
    std::uint64_t wanted = memory.statistics().concurrent_markings + 2;
    while (memory.statistics().concurrent_markings < wanted) self.collect(collection::young);
  };
  local<array<ref<pair>>> chain = self.make<array<ref<pair>>>(count);
  local<array<ref<weak<node>>>> weaks = self.make<array<ref<weak<node>>>>(count);
  local<node> key = self.make<node>(nullptr, 0);
  local<node> last = key;
  for (std::size_t at = 0; at < count; ++at) {
    local<node> value = self.make<node>(nullptr, static_cast<long>(at) + 1);
    when_dead(value, {[](void*) { ++runs; }, nullptr});
    // The later half comes before what it hangs on.
    (*chain)[at < count / 2 ? at : count + count / 2 - 1 - at] = self.make<pair>(last, value);
    (*weaks)[at] = self.make<weak<node>>(value);
    last = value;
  }
  last = nullptr;
  for (int time = 0; time < 3; ++time) {
    mark_twice();
    memory.run_cleaners();
    ASSERT_EQ(0, runs);
    for (std::size_t at = 0; at < count; ++at)
      ASSERT_EQ(static_cast<long>(at) + 1, local<node>((*weaks)[at]->get(self))->key);
    // Some of it is young again.
    (*chain)[0] = self.make<pair>(key, local<node>((*chain)[0]->value(self)));
  }
  key = nullptr;
  mark_twice();
  memory.run_cleaners();
  EXPECT_EQ(static_cast<int>(count), runs);
  for (std::size_t at = 0; at < count; ++at) {
    EXPECT_FALSE(local<node>((*weaks)[at]->get(self)));
    EXPECT_FALSE(local<node>((*chain)[at]->value(self)));
  }
}

// Between the pause that settles what lives and the one that ends the marking the dead are still there, and references
// to them are cleared one after the other: nobody may come to one, or miss what lives.
class GcWeakWhileClearing : public testing::Test, public listener {
 protected:
  using pair = ephemeron<node, node>;
  static constexpr std::size_t count = 3000;

  void collection_ends(const collection_end& what) noexcept override { step_ = what.step; }
  void collect_until(marking_step step) {
    do self.collect(collection::young);
    while (step_ != step);
  }
  // Each has a weak reference, is an ephemeron's key, and has a cleaner; all values live.
  void make_all() {
    for (std::size_t at = 0; at < count; ++at) {
      local<node> each = self.make<node>(nullptr, static_cast<long>(at));
      when_dead(each, {[](void* runs) { ++*static_cast<std::size_t*>(runs); }, &runs_});
      (*kept)[at] = each;
      (*values)[at] = self.make<node>(nullptr, -static_cast<long>(at));
      (*weaks)[at] = self.make<weak<node>>(each);
      (*pairs)[at] = self.make<pair>(each, local<node>{self, (*values)[at].get()});
    }
  }
  // What half of them refer to has died, and is about to be cleared.
  void make_all_and_settle() {
    make_all();
    self.collect();
    for (std::size_t at = 0; at < count; ++at)
      if (!lives(at)) (*kept)[at] = nullptr;
    collect_until(marking_step::begins);
    collect_until(marking_step::settles);
  }
  static bool lives(std::size_t at) { return at % 2 == 0; }
  void expect_right() {
    for (std::size_t at = 0; at < count; ++at) {
      local<node> referent = (*weaks)[at]->get(self);
      local<node> value = (*pairs)[at]->value(self);
      local<node> key = (*pairs)[at]->key(self);
      ASSERT_EQ(lives(at), static_cast<bool>(referent)) << at;
      ASSERT_EQ(lives(at), static_cast<bool>(key)) << at;
      ASSERT_EQ(lives(at), static_cast<bool>(value)) << at;
      if (!lives(at)) continue;
      ASSERT_EQ((*kept)[at].get(), referent.get());
      ASSERT_EQ((*kept)[at].get(), key.get());
      ASSERT_EQ((*values)[at].get(), value.get());
    }
  }

  heap memory{{.max_bytes = 64 << 20,
               .plan = plan::generational_concurrent,
               .young_bytes = 256 << 10,
               .stress = {.mark_always = true, .verify = true},
               .listener = this}};
  mutator self{memory};
  local<array<ref<node>>> kept = self.make<array<ref<node>>>(count);
  local<array<ref<node>>> values = self.make<array<ref<node>>>(count);
  local<array<ref<weak<node>>>> weaks = self.make<array<ref<weak<node>>>>(count);
  local<array<ref<pair>>> pairs = self.make<array<ref<pair>>>(count);
  std::size_t runs_ = 0;
  marking_step step_ = marking_step::none;
};

TEST_F(GcWeakWhileClearing, NothingDeadIsToBeHad) {
  make_all_and_settle();
  expect_right();
  // What is made now is none of its business.
  local<node> young = self.make<node>(nullptr, 7);
  local<weak<node>> to_young = self.make<weak<node>>(young);
  local<node> old{self, (*kept)[0].get()};
  local<weak<node>> to_old = self.make<weak<node>>(old);
  collect_until(marking_step::ends);
  expect_right();
  memory.run_cleaners();
  EXPECT_EQ(count / 2, runs_);
  EXPECT_EQ(young.get(), local<node>(to_young->get(self)).get());
  EXPECT_EQ(old.get(), local<node>(to_old->get(self)).get());
}

TEST_F(GcWeakWhileClearing, AFullCollectionClearsTheRest) {
  make_all_and_settle();
  self.collect();
  memory.run_cleaners();
  EXPECT_EQ(count / 2, runs_);
  expect_right();
}

INSTANTIATE_TEST_SUITE_P(Plans, GcWeak, every_plan, name_of_plan);

}  // namespace
}  // namespace strata::gc
