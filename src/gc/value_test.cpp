#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/bits.hpp"
#include "gc/object_inl.hpp"
#include "gc/plans_test.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct cell {
  ref<value> first, second;
  long key = 0;
};
using text = array<char, struct text_kind>;
using other_text = array<char, struct other_kind>;
using row = array<ref<value>>;

static_assert(detail::has_references<cell>());
static_assert(sizeof(value) == 8 && std::is_trivially_copyable_v<value>);

class GcValue : public testing::TestWithParam<plan> {
 protected:
  heap memory{{.max_bytes = 16 << 20,
               .plan = GetParam(),
               .stress = {.collect_every = 3, .protect_moved = true, .verify = true}}};
  mutator self{memory};
};

TEST(GcValueWord, ReferencesAreToldFromImmediatesAndNull) {
  EXPECT_FALSE(is_reference(nullptr));
  for (unsigned bit = 1; bit < 64; ++bit) {
    std::uintptr_t word = std::uintptr_t{1} << bit;
    EXPECT_TRUE(is_reference(detail::pointer_to(word))) << bit;
    EXPECT_FALSE(is_reference(detail::pointer_to(word | 1))) << bit;
  }
  value small = value::immediate(~std::uintptr_t{0} >> 1);
  EXPECT_TRUE(small.is_immediate());
  EXPECT_FALSE(small.is_null());
  EXPECT_EQ(~std::uintptr_t{0} >> 1, small.bits());
  EXPECT_TRUE(value{}.is_null());
}

TEST_P(GcValue, KnowsTheTypeOfItsObject) {
  local<value> c{self, self.make<cell>()};
  local<value> t{self, self.make<text>(5U)};
  for (int time = 0; time < 3; ++time) {
    EXPECT_TRUE(c.get().is<cell>());
    EXPECT_FALSE(c.get().is<text>());
    EXPECT_TRUE(t.get().is<text>());
    EXPECT_FALSE(t.get().is<other_text>());
    EXPECT_FALSE(value::immediate(8).is<cell>());
    EXPECT_FALSE(value{}.is<cell>());
    self.collect();
  }
}

// Immediates of all sorts lie where references do, in members, elements and locals, and collections leave
// them as they are.
TEST_P(GcValue, ImmediatesAndReferencesMix) {
  std::uint64_t seed = 1;
  local<row> all = self.make<row>(500U);
  std::vector<std::uintptr_t> truth(500);
  for (int step = 0; step < 4000; ++step) {
    seed = base::mixed(seed + 1);
    std::size_t at = seed % 500;
    truth[at] = seed;
    if (seed % 3 == 0) {
      (*all)[at] = value::immediate(seed);
    } else {
      local<value> bits{self, value::immediate(seed)};
      (*all)[at] = value(self.make<cell>(bits, (*all)[(at + 1) % 500], static_cast<long>(seed)));
    }
  }
  for (std::size_t at = 0; at < 500; ++at) {
    value each = (*all)[at];
    if (truth[at] == 0) {
      EXPECT_TRUE(each.is_null());
    } else if (truth[at] % 3 == 0) {
      EXPECT_EQ(value::immediate(truth[at]), each);
    } else {
      ASSERT_TRUE(each.is<cell>());
      EXPECT_EQ(static_cast<long>(truth[at]), each.as<cell>()->key);
      EXPECT_EQ(value::immediate(truth[at]), each.as<cell>()->first.get());
    }
  }
}

TEST_P(GcValue, AsAnArgumentOfMakeItSurvivesTheCollection) {
  local<value> list{self};
  for (long at = 0; at < 300; ++at) {
    value raw = list;
    list = self.make<cell>(raw, value::immediate(static_cast<std::uintptr_t>(at)), at);
  }
  long expected = 299;
  for (value at = list; !at.is_null(); at = at.as<cell>()->first) {
    ASSERT_EQ(expected, at.as<cell>()->key);
    EXPECT_EQ(static_cast<std::uintptr_t>(expected--), at.as<cell>()->second.get().bits());
  }
  EXPECT_EQ(-1, expected);
}

TEST_P(GcValue, PinnedObjectsStayBesideImmediates) {
  local<value> odd{self, value::immediate(3)};  // both low bits of its word are set
  local<cell> c = self.make<cell>(value::immediate(1), nullptr, 5);
  pinned<cell> still{c};
  local<value> after{self, value::immediate(1)};
  cell* before = c.get();
  for (int time = 0; time < 10; ++time) {
    static_cast<void>(self.make<cell>());
    self.collect();
    EXPECT_EQ(before, c.get());
  }
  EXPECT_EQ(value::immediate(3), odd.get());
  EXPECT_EQ(value::immediate(1), after.get());
}

TEST_P(GcValue, RootsKeepAliveWhatLiesBeforeTheirEnd) {
  std::array<value, 100> stack{};
  roots these{memory, stack.data(), stack.size()};
  these.set_end(stack.data());
  for (std::size_t at = 0; at < 100; ++at) {
    value made{self.make<cell>(nullptr, nullptr, static_cast<long>(at))};
    stack[at] = at % 4 == 0 ? value::immediate(at) : made;
    these.set_end(stack.data() + at + 1);
  }
  these.set_end(stack.data() + 60);
  self.collect();
  for (std::size_t at = 0; at < 60; ++at) {
    if (at % 4 == 0)
      EXPECT_EQ(value::immediate(at), stack[at]);
    else
      EXPECT_EQ(static_cast<long>(at), stack[at].as<cell>()->key);
  }
  for (std::size_t at = 60; at < 100; ++at) EXPECT_TRUE(stack[at].is_null());
  these.set_end(stack.data() + 100);
  self.collect();
}

TEST_P(GcValue, CollectionsAreCounted) {
  std::uint64_t before = self.collections();
  self.collect();
  self.collect(collection::young);
  EXPECT_EQ(before + 2, self.collections());
}

class GcFailure : public testing::TestWithParam<plan> {};

TEST_P(GcFailure, AnAllocationFailsWhereItIsToldTo) {
  heap memory{{.max_bytes = 16 << 20, .plan = GetParam(), .stress = {.fail_after = 5}}};
  mutator self{memory};
  auto count_until_failure = [&] {
    for (int count = 1;; ++count) {
      try {
        if (count % 7 == 0)
          static_cast<void>(self.make<row>(10000U));
        else
          static_cast<void>(self.make<cell>());
      } catch (const out_of_memory&) {
        return count;
      }
    }
  };
  EXPECT_EQ(5, count_until_failure());
  for (int at : {1, 2, 7, 100}) {
    for (int each = 0; each < 50; ++each) static_cast<void>(self.make<cell>());
    self.fail_after(static_cast<std::size_t>(at));
    EXPECT_EQ(at, count_until_failure());
    self.verify();
  }
}

INSTANTIATE_TEST_SUITE_P(Plans, GcValue, every_plan, name_of_plan);
INSTANTIATE_TEST_SUITE_P(Plans, GcFailure, every_plan, name_of_plan);

}  // namespace
}  // namespace strata::gc
