// Marking by several threads in a pause.
#include <gtest/gtest.h>

#include <array>
#include <atomic>

#include "gc/plans_test.hpp"
#include "gc/workers.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

TEST(GcWorkers, DoEachTaskOnceEach) {
  workers three{3};
  std::array<std::atomic<int>, 4> done{};
  auto task = [&](unsigned number) { ++done[number]; };
  for (int time = 0; time < 100; ++time) three.run(task);
  for (auto& each : done) EXPECT_EQ(100, each);
  EXPECT_TRUE(three.are_here());
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
               .stress = {.verify = true}}};
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

INSTANTIATE_TEST_SUITE_P(Plans, GcTogether,
                         testing::Values(plan::mark_sweep, plan::immix, plan::generational,
                                         plan::generational_concurrent),
                         name_of_plan);

}  // namespace
}  // namespace strata::gc
