#include "strata/gc/handles.hpp"

#include <gtest/gtest.h>

#include "gc/plans_test.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

template <class Access>
struct node {
  typename Access::template ref<node> left, right;
  long key = 0;
};

template <class Access>
typename Access::template unrooted<node<Access>> build(mutator& self, int depth) {
  using local = typename Access::template local<node<Access>>;
  if (depth == 0) return Access::template make<node<Access>>(self, nullptr, nullptr, 1);
  local left = build<Access>(self, depth - 1);
  local right = build<Access>(self, depth - 1);
  return Access::template make<node<Access>>(self, left, right, left->key + right->key);
}
template <class Access>
long count(const node<Access>& of) {
  return of.left ? count(*of.left) + count(*of.right) : 1;
}

class GcHandles : public testing::TestWithParam<plan> {
 protected:
  heap memory{{.max_bytes = 16 << 20,
               .plan = GetParam(),
               .stress = {.collect_every = 50, .protect_moved = true}}};
  mutator self{memory};
};

template <class Access>
void check_trees(mutator& self) {
  typename Access::template local<node<Access>> kept = build<Access>(self, 7);
  for (int time = 0; time < 5; ++time) {
    typename Access::template local<node<Access>> dropped = build<Access>(self, 6);
    EXPECT_EQ(64, dropped->key);
    kept->left = build<Access>(self, 6);
    self.verify();
  }
  EXPECT_EQ(128, count(*kept));
  kept = nullptr;
  EXPECT_FALSE(kept);
}

TEST_P(GcHandles, OneProgramForBothAccesses) {
  check_trees<direct_access>(self);
  check_trees<handle_access>(self);
}

using named = node<handle_access>;

TEST_P(GcHandles, ArgumentsThatLieInTheHeapSurviveTheCollection) {
  handle_local<named> n = handle_access::make<named>(self, nullptr, nullptr, 7);
  n->left = handle_access::make<named>(self, nullptr, nullptr, 5);
  for (int time = 0; time < 200; ++time)
    n = handle_access::make<named>(self, n->left, n->right, n->key);
  EXPECT_EQ(7, n->key);
  EXPECT_EQ(5, n->left->key);
}

TEST_P(GcHandles, BecomeSwapsUnderAllWhoRefer) {
  handle_local<named> a = handle_access::make<named>(self, nullptr, nullptr, 1);
  handle_local<named> b = handle_access::make<named>(self, nullptr, nullptr, 2);
  handle_local<named> user = handle_access::make<named>(self, a, b, 0);
  self.collect();
  for (int time = 0; time < 6; ++time) {
    become(a, b);
    self.collect(time % 2 == 0 ? collection::young : collection::full);
    EXPECT_EQ(time % 2 == 0 ? 2 : 1, a->key);
    EXPECT_EQ(a->key, user->left->key);
    EXPECT_EQ(b->key, user->right->key);
    EXPECT_TRUE(a == handle_local<named>(self, user->left));
  }
}

TEST_P(GcHandles, InArrays) {
  local<array<handle_ref<named>>> row = self.make<array<handle_ref<named>>>(100);
  for (std::size_t at = 0; at < 100; ++at)
    (*row)[at] = handle_access::make<named>(self, nullptr, nullptr, static_cast<long>(at));
  self.collect();
  for (std::size_t at = 0; at < 100; ++at) EXPECT_EQ(static_cast<long>(at), (*row)[at]->key);
}

INSTANTIATE_TEST_SUITE_P(Plans, GcHandles, every_plan, name_of_plan);

}  // namespace
}  // namespace strata::gc
