// Chains of ephemerons, in which the value of one is the key of the next: settled in time that is in proportion to
// their length, whatever the order in which a collection comes to them.
#include <gtest/gtest.h>

#include "gc/core.hpp"
#include "gc/plans_test.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct node {
  ref<node> next;
  long key = 0;
};
using pair = ephemeron<node, node>;
using pairs = array<ref<pair>>;

constexpr std::size_t count = 100000;

class GcEphemeronChain : public testing::TestWithParam<plan> {
 protected:
  // All of the chains is young at first, where there are generations.
  explicit GcEphemeronChain(bool mark_always = false)
      : memory{{.max_bytes = std::size_t{160} << 20,
                .plan = GetParam(),
                .young_bytes = std::size_t{16} << 20,
                .pause_goal_us = 0,
                .stress = {.mark_always = mark_always}}} {}

  // One from the first element to the last, and one from the last to the first.
  void make_chains(local<pairs>& forward, local<pairs>& backward, local<node>& key) {
    forward = self.make<pairs>(count);
    backward = self.make<pairs>(count);
    key = self.make<node>(nullptr, 0);
    local<node> last = key;
    local<node> last_of_others = key;
    for (std::size_t at = 0; at < count; ++at) {
      local<node> value = self.make<node>(nullptr, static_cast<long>(at) + 1);
      (*forward)[at] = self.make<pair>(last, value);
      last = value;
      value = self.make<node>(nullptr, static_cast<long>(at) + 1);
      (*backward)[count - 1 - at] = self.make<pair>(last_of_others, value);
      last_of_others = value;
    }
  }
  void expect_alive(const local<pairs>& forward, const local<pairs>& backward) {
    for (std::size_t at = 0; at < count; ++at) {
      ASSERT_EQ(static_cast<long>(at) + 1, local<node>((*forward)[at]->value(self))->key);
      ASSERT_EQ(static_cast<long>(count - at), local<node>((*backward)[at]->value(self))->key);
    }
  }
  void expect_dead(const local<pairs>& chain) {
    for (std::size_t at = 0; at < count; ++at) {
      ASSERT_FALSE(local<node>((*chain)[at]->key(self)));
      ASSERT_FALSE(local<node>((*chain)[at]->value(self)));
    }
  }
  [[nodiscard]] std::uint64_t looks() const { return memory.core().weaks().ephemeron_looks(); }

  heap memory;
  mutator self{memory};
};

TEST_P(GcEphemeronChain, IsSettledInProportionToItsLength) {
  local<pairs> forward{self};
  local<pairs> backward{self};
  local<node> key{self};
  make_chains(forward, backward, key);
  for (collection kind : {collection::young, collection::full, collection::young}) {
    std::uint64_t before = looks();
    self.collect(kind);
    // Each in a pass of either direction, once when it begins to wait, once when its key has been reached, and once
    // where references are told only when all that lives is known; those of a young collection and of the full one
    // that it begins.
    EXPECT_LE(looks() - before, 2 * 5 * 2 * count);
  }
  expect_alive(forward, backward);
  key = nullptr;
  std::uint64_t before = looks();
  self.collect();
  EXPECT_LE(looks() - before, 2 * 5 * 2 * count);
  expect_dead(forward);
  expect_dead(backward);
}

class GcEphemeronChainWhileMarking : public GcEphemeronChain {
 protected:
  GcEphemeronChainWhileMarking() : GcEphemeronChain(true) {}
  void mark_twice() {
    std::uint64_t wanted = memory.statistics().concurrent_markings + 2;
    while (memory.statistics().concurrent_markings < wanted) self.collect(collection::young);
  }
};

TEST_P(GcEphemeronChainWhileMarking, IsSettledInProportionToItsLength) {
  local<pairs> forward{self};
  local<pairs> backward{self};
  local<node> key{self};
  make_chains(forward, backward, key);
  mark_twice();
  for (int time = 0; time < 2; ++time) {
    std::uint64_t before = looks();
    mark_twice();
    // Of two markings, and what is left of a third.
    EXPECT_LE(looks() - before, 3 * 3 * 2 * count);
    if (time == 0) expect_alive(forward, backward);
    key = nullptr;
  }
  expect_dead(forward);
  expect_dead(backward);
}

INSTANTIATE_TEST_SUITE_P(Plans, GcEphemeronChain, every_plan, name_of_plan);
INSTANTIATE_TEST_SUITE_P(Plans, GcEphemeronChainWhileMarking,
                         testing::Values(plan::generational_concurrent), name_of_plan);

}  // namespace
}  // namespace strata::gc
