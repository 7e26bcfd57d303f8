// Collections by several threads in a pause: marking, and copying out of the young generation.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "gc/plans_test.hpp"
#include "gc/shared_work.hpp"
#include "gc/workers.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

TEST(GcWorkers, DoEachTaskOnceEach) {
  workers three{3};
  std::array<std::atomic<int>, 4> done{};
  for (int time = 1; time <= 100; ++time) {
    auto task = [&](unsigned number) {
      ++done[number];
      // So that nobody comes too late.
      for (auto& each : done)
        while (number == 0 && each != time) std::this_thread::yield();
    };
    three.run(task);
  }
  for (auto& each : done) EXPECT_EQ(100, each);
  EXPECT_TRUE(three.are_here());
}

TEST(GcWorkers, AreNotWaitedForWhenTheyComeTooLate) {
  workers three{3};
  std::array<std::atomic<int>, 4> done{};
  std::atomic<bool> is_over{false};
  auto task = [&](unsigned number) {
    EXPECT_FALSE(is_over);
    ++done[number];
  };
  for (int time = 0; time < 1000; ++time) {
    is_over = false;
    three.run(task);
    is_over = true;
  }
  EXPECT_EQ(1000, done[0]);
  for (auto& each : done) EXPECT_LE(each, 1000);
}

TEST(GcSharedWork, EndsWhenAllAreHungry) {
  shared_work work;
  ASSERT_TRUE(work.open(1000));
  work_stack mine;
  ASSERT_TRUE(mine.open(1000));
  work.begin();
  EXPECT_TRUE(work.enter());
  int objects[8] = {};
  for (int& each : objects) mine.push(&each);
  work.give(mine);
  ASSERT_EQ(4U, mine.size());
  EXPECT_EQ(&objects[4], mine[0]);
  // What is given is taken once, by whomever, and both end when neither has anything left.
  std::size_t taken = 0;
  std::thread other([&] {
    work_stack stack;
    ASSERT_TRUE(stack.open(1000));
    for (; work.take(stack); stack.clear()) taken += stack.size();
  });
  while (!work.is_wanted()) std::this_thread::yield();
  work.give(mine);
  std::size_t taken_back = 0;
  for (mine.clear(); work.take(mine); mine.clear()) taken_back += mine.size();
  other.join();
  EXPECT_EQ(6U, taken + taken_back);
  EXPECT_FALSE(work.enter());
}

struct node {
  ref<node> left, right;
  long key = 0;
};
using row_of_nodes = array<ref<node>>;

class GcTogether : public testing::TestWithParam<plan> {
 protected:
  static constexpr std::size_t trees = 2000;

  unrooted<node> build(int depth) {
    if (depth == 0) return self.make<node>(nullptr, nullptr, 1);
    local<node> left = build(depth - 1);
    local<node> right = build(depth - 1);
    return self.make<node>(left, right, left->key + right->key);
  }
  static long count(const node* at) {
    return at == nullptr ? 0 : 1 + count(at->left.get()) + count(at->right.get());
  }

  heap memory{{.max_bytes = std::size_t{64} << 20,
               .plan = GetParam(),
               .workers = 3,
               .stress = {.share_always = true, .verify = true}}};
  mutator self{memory};
};

TEST_P(GcTogether, MarkEachObjectOnce) {
  // 2,000 trees of 63 nodes, half of which goes, and a list, which nobody can share.
  local<row_of_nodes> all = self.make<row_of_nodes>(trees);
  for (std::size_t at = 0; at < trees; ++at) (*all)[at] = build(5);
  local<node> list{self};
  for (long key = 0; key < 100000; ++key) list = self.make<node>(list, nullptr, key);
  for (std::size_t at = 0; at < trees; at += 2) (*all)[at] = nullptr;
  std::uint64_t live = 0;
  for (int time = 0; time < 5; ++time) {
    self.collect();
    std::uint64_t now = memory.statistics().live_bytes;
    if (time > 0) {
      EXPECT_EQ(live, now);
    }
    live = now;
  }
  EXPECT_GE(live, (trees / 2 * 63 + 100000) * sizeof(node));
  for (std::size_t at = 1; at < trees; at += 2) ASSERT_EQ(63, count((*all)[at].get()));
}

TEST_P(GcTogether, FindWhatIsWeakOnce) {
  using pair = ephemeron<node, node>;
  constexpr std::size_t pairs = 50000;
  local<array<ref<pair>>> properties = self.make<array<ref<pair>>>(pairs);
  local<array<ref<weak<node>>>> weaks = self.make<array<ref<weak<node>>>>(pairs);
  local<row_of_nodes> keys = self.make<row_of_nodes>(pairs);
  for (std::size_t at = 0; at < pairs; ++at) {
    local<node> key = self.make<node>(nullptr, nullptr, static_cast<long>(at));
    local<node> value = self.make<node>(nullptr, key, -static_cast<long>(at));
    (*properties)[at] = self.make<pair>(key, value);
    (*weaks)[at] = self.make<weak<node>>(value);
    if (at % 3 != 0) (*keys)[at] = key;
  }
  for (int time = 0; time < 3; ++time) self.collect();
  for (std::size_t at = 0; at < pairs; ++at) {
    local<node> value = (*properties)[at]->value(self);
    ASSERT_EQ(at % 3 != 0, static_cast<bool>(value)) << at;
    ASSERT_EQ(at % 3 != 0, static_cast<bool>(local<node>((*weaks)[at]->get(self)))) << at;
    if (value) {
      ASSERT_EQ(-static_cast<long>(at), value->key);
    }
  }
}

TEST_P(GcTogether, CopyEachObjectOnce) {
  // Objects that all trees of a generation have in common, so that several threads come to them at once.
  constexpr std::size_t common = 8;
  local<row_of_nodes> hubs = self.make<row_of_nodes>(common);
  local<row_of_nodes> leaves = self.make<row_of_nodes>(trees);
  for (int round = 0; round < 20; ++round) {
    std::uint32_t hashes[common] = {};
    for (std::size_t at = 0; at < common; ++at) {
      local<node> hub = self.make<node>(nullptr, nullptr, static_cast<long>(at));
      hashes[at] = identity_hash(hub);
      (*hubs)[at] = hub;
    }
    for (std::size_t at = 0; at < trees; ++at) {
      local<node> hub{self, (*hubs)[at % common]};
      local<node> tree = build(static_cast<int>(at % 5));
      (*leaves)[at] = self.make<node>(hub, tree, round);
    }
    self.collect(collection::young);
    if (round % 3 == 0) self.collect(collection::young);
    for (std::size_t at = 0; at < trees; ++at) {
      ASSERT_EQ((*hubs)[at % common].get(), (*leaves)[at]->left.get()) << round;
      ASSERT_EQ((1 << (at % 5 + 1)) - 1, count((*leaves)[at]->right.get()));
    }
    for (std::size_t at = 0; at < common; ++at) {
      local<node> hub{self, (*hubs)[at]};
      ASSERT_EQ(hashes[at], identity_hash(hub));
    }
  }
}

TEST_P(GcTogether, LeavesPinnedObjectsInPlace) {
  local<row_of_nodes> all = self.make<row_of_nodes>(trees);
  for (int round = 0; round < 10; ++round) {
    local<node> mine = build(6);
    pinned<node> stays(mine);
    node* place = mine.get();
    for (std::size_t at = 0; at < trees; ++at) {
      local<node> tree = build(3);
      (*all)[at] = self.make<node>(mine, tree, round);
    }
    self.collect(collection::young);
    self.collect(collection::young);
    ASSERT_EQ(place, mine.get());
    ASSERT_EQ(127, count(place));
    for (std::size_t at = 0; at < trees; ++at) ASSERT_EQ(place, (*all)[at]->left.get());
  }
}

INSTANTIATE_TEST_SUITE_P(Plans, GcTogether,
                         testing::Values(plan::mark_sweep, plan::immix, plan::generational,
                                         plan::generational_concurrent),
                         name_of_plan);

}  // namespace
}  // namespace strata::gc
