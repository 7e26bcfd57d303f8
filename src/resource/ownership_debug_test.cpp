// The owners as STRATA_OWNERSHIP_DEBUG makes them. This and ownership_test.cpp share no owner.
#define STRATA_OWNERSHIP_DEBUG 1
#include <strata/ownership.hpp>

#include <algorithm>
#include <cstring>
#include <thread>
#include <typeinfo>

#include "resource/ownership_model.hpp"
#include "resource/resource_test.hpp"

namespace strata {

const char* name_of_rc_in_debug_mode();
const char* name_of_rc_in_debug_mode() { return typeid(rc<int>).name(); }

namespace {

static_assert(ownership_debug);

struct node {
  long payload = 0;
  rc<node> next;
  weak_rc<node> back;
};

struct branch {
  std::vector<rc<branch>> children;
  weak_rc<branch> parent;
  rc<branch> strong_parent;
};

struct shared_node {
  arc<shared_node> next;
};

struct links {
  rc<struct boxed_node> next;
};
struct boxed_node {
  box<links> links_of_it;
};

struct carried : intrusive_count {
  intrusive_rc<carried> next;
};

}  // namespace

template <>
struct edges<branch> {
  template <class Visit>
  static void each(const branch& one, Visit visit) {
    for (const rc<branch>& child : one.children) visit(child);
  }
};

namespace {

class OwnershipDebug : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(live_objects().empty()); }
  void TearDown() override { EXPECT_TRUE(live_objects().empty()) << "still owned"; }
};

TEST_F(OwnershipDebug, AgreesWithTheModel) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    test_upstream upstream;
    ownership_model<local_counting>(seed, &upstream).run(1000);
    ownership_model<atomic_counting>(seed, &upstream).run(1000);
    run_box_model(seed, 500);
  }
}

TEST_F(OwnershipDebug, ListsWhatLives) {
  auto one = make_rc<node>();
  auto other = one;
  weak_rc<node> weak = one;
  auto boxed = make_box<int>(5);
  auto many = make_arc<long[]>(4);
  std::vector<owned_object> live = live_objects();
  ASSERT_EQ(live.size(), 3u);
  auto found = std::find_if(live.begin(), live.end(),
                            [&](const owned_object& each) { return each.address == one.get(); });
  ASSERT_NE(found, live.end());
  EXPECT_NE(found->type.find("node"), std::string::npos);
  EXPECT_EQ(found->bytes, sizeof(node));
  EXPECT_EQ(found->owners, 2u);
  EXPECT_TRUE(std::any_of(live.begin(), live.end(), [&](const owned_object& each) {
    return each.address == many.get() && each.bytes == 4 * sizeof(long);
  }));
  one.reset();
  other.reset();
  EXPECT_EQ(live_objects().size(), 2u) << "the weak pointer keeps memory, no object";
}

TEST_F(OwnershipDebug, FindsMembersByTheirAddress) {
  auto one = make_rc<node>();
  one->next = make_rc<node>();
  one->next->back = one;
  std::vector<owned_edge> found = live_edges();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].from, one.get());
  EXPECT_EQ(found[0].member_offset, offsetof(node, next));
  EXPECT_EQ(found[0].to, one->next.get());
}

// A ring, which the test breaks at its end.
std::vector<rc<node>> ring_of(std::size_t count) {
  std::vector<rc<node>> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(make_rc<node>());
  for (std::size_t i = 0; i < count; ++i) made[i]->next = made[(i + 1) % count];
  return made;
}

TEST_F(OwnershipDebug, NamesCyclesOfOneTwoAndFive) {
  for (std::size_t count : {1u, 2u, 5u}) {
    std::vector<rc<node>> ring = ring_of(count);
    rc<node> entry = make_rc<node>();
    entry->next = ring[0];  // leads into the ring and is no part of it
    std::vector<ownership_cycle> cycles = find_cycles();
    ASSERT_EQ(cycles.size(), 1u);
    ASSERT_EQ(cycles[0].size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      const cycle_step& step = cycles[0][i];
      EXPECT_NE(step.type.find("node"), std::string::npos);
      EXPECT_EQ(step.member_offset, offsetof(node, next));
      auto* object = static_cast<const node*>(step.address);
      EXPECT_EQ(object->next.get(), cycles[0][(i + 1) % count].address);
    }
    std::string text = describe(cycles[0]);
    EXPECT_NE(text.find("member at byte 8 -> "), std::string::npos) << text;
    ring[0]->next.reset();
    EXPECT_TRUE(find_cycles().empty());
  }
}

TEST_F(OwnershipDebug, NamesACycleOfParentAndChild) {
  auto parent = make_rc<branch>();
  auto child = make_rc<branch>();
  parent->children = {make_rc<branch>(), child, make_rc<branch>()};
  child->strong_parent = parent;
  std::vector<ownership_cycle> cycles = find_cycles();
  ASSERT_EQ(cycles.size(), 1u);
  ASSERT_EQ(cycles[0].size(), 2u);
  for (const cycle_step& each : cycles[0]) {
    EXPECT_TRUE(each.address == parent.get() || each.address == child.get());
    EXPECT_EQ(each.member_offset,
              each.address == parent.get() ? owned_edge::outside : offsetof(branch, strong_parent));
  }
  EXPECT_NE(describe(cycles[0]).find("owner outside of it"), std::string::npos);
  child->strong_parent.reset();
}

TEST_F(OwnershipDebug, ATreeWithWeakParentsHasNone) {
  auto root = make_rc<branch>();
  for (int i = 0; i < 5; ++i) {
    auto child = make_rc<branch>();
    child->parent = root;
    for (int k = 0; k < 3; ++k) {
      auto grandchild = make_rc<branch>();
      grandchild->parent = child;
      child->children.push_back(grandchild);
    }
    root->children.push_back(child);
  }
  EXPECT_EQ(live_edges().size(), 20u);
  EXPECT_TRUE(find_cycles().empty());
  root->children[2]->children[1]->strong_parent = root;
  EXPECT_EQ(find_cycles().size(), 1u) << "the same tree can fail";
  EXPECT_EQ(find_cycles()[0].size(), 3u);
  root->children[2]->children[1]->strong_parent.reset();
}

TEST_F(OwnershipDebug, EachGroupHasACycle) {
  std::vector<rc<node>> one = ring_of(3);
  std::vector<rc<node>> other = ring_of(4);
  auto shared = make_arc<shared_node>();
  shared->next = shared;
  std::vector<std::size_t> sizes;
  for (const ownership_cycle& each : find_cycles()) sizes.push_back(each.size());
  std::sort(sizes.begin(), sizes.end());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1, 3, 4}));
  one[0]->next.reset();
  other[0]->next.reset();
  shared->next.reset();
}

TEST_F(OwnershipDebug, CyclesLeadThroughBoxesAndIntrusiveOwners) {
  auto one = make_rc<boxed_node>();
  one->links_of_it = make_box<links>();
  one->links_of_it->next = one;
  std::vector<ownership_cycle> cycles = find_cycles();
  ASSERT_EQ(cycles.size(), 1u);
  EXPECT_EQ(cycles[0].size(), 2u);
  one->links_of_it.reset();
  auto carrier = make_intrusive<carried>();
  carrier->next = make_intrusive<carried>();
  carrier->next->next = carrier;
  cycles = find_cycles();
  ASSERT_EQ(cycles.size(), 1u);
  EXPECT_EQ(cycles[0].size(), 2u);
  carrier->next->next.reset();
}

TEST_F(OwnershipDebug, LongChainsTakeNoStack) {
  constexpr std::size_t count = 20'000;
  std::vector<rc<node>> ring = ring_of(count);
  std::vector<ownership_cycle> cycles = find_cycles();
  ASSERT_EQ(cycles.size(), 1u);
  EXPECT_EQ(cycles[0].size(), count);
  for (rc<node>& each : ring) each->next.reset();
}

TEST_F(OwnershipDebug, WhatWasLeakedStaysListedAndWhatIsRawDoesNot) {
  int* raw = make_box<int>(3).into_raw();
  EXPECT_TRUE(live_objects().empty());
  EXPECT_EQ(live_objects().size(), 0u);
  auto back = box<int>::from_raw(raw);
  EXPECT_EQ(live_objects().size(), 1u);
  auto counted = make_rc<int>(4);
  int& for_ever = std::move(counted).leak();
  EXPECT_EQ(live_objects().size(), 2u);
  detail::drop_strong<local_counting>(&for_ever);
}

TEST_F(OwnershipDebug, BorrowedWorksWhileTheOwnerLives) {
  auto one = make_rc<node>();
  auto boxed = make_box<int>(5);
  borrowed<node> lent = one.borrow();
  auto other = one;
  one.reset();
  EXPECT_EQ(lent->payload, 0);
  auto moved = std::move(boxed);
  EXPECT_EQ(*moved.borrow(), 5);
}

TEST_F(OwnershipDebug, ManyThreadsReport) {
  std::vector<std::thread> running;
  auto root = make_arc<shared_node>();
  for (int i = 0; i < 4; ++i) {
    running.emplace_back([root] {
      for (int turn = 0; turn < 300; ++turn) {
        auto own = make_arc<shared_node>();
        own->next = root;
        if (turn % 100 == 0) {
          EXPECT_TRUE(find_cycles().empty());
        }
      }
    });
  }
  for (std::thread& each : running) each.join();
}

using OwnershipDebugDeathTest = OwnershipDebug;

TEST_F(OwnershipDebugDeathTest, UseAfterMoveStops) {
  auto one = make_rc<node>();
  auto other = std::move(one);
  EXPECT_DEATH((void)one->payload,  // NOLINT(bugprone-use-after-move): meant
               "strata: ownership: use after move: address 0x[0-9a-f]*, type .*node, process");
  auto boxed = make_box<int>(1);
  auto moved = std::move(boxed);
  EXPECT_DEATH((void)*boxed, "use after move: address 0x[0-9a-f]*, type int,");  // NOLINT
  auto many = make_arc<long[]>(2);
  auto taken = std::move(many);
  EXPECT_DEATH((void)many[0], "use after move: address 0x[0-9a-f]*, type long ?(int )?\\[\\]");
  boxed = std::move(moved);
  EXPECT_EQ(*boxed, 1) << "filled again";
}

TEST_F(OwnershipDebugDeathTest, UseOfNullStops) {
  rc<node> none;
  EXPECT_DEATH((void)none->payload, "strata: ownership: use of null: address 0x.*node");
  EXPECT_DEATH((void)none.borrow(), "use of null");
  EXPECT_DEATH((void)std::move(none).leak(), "use of null");
}

// The bytes of an owner, somewhere else.
template <class Owner>
struct stray {
  explicit stray(const Owner& of) { std::memcpy(bytes, &of, sizeof of); }
  void drop() { std::destroy_at(reinterpret_cast<Owner*>(bytes)); }
  alignas(Owner) unsigned char bytes[sizeof(Owner)];
};

TEST_F(OwnershipDebugDeathTest, DroppingTwiceStops) {
  auto one = make_rc<node>();
  EXPECT_DEATH(stray(one).drop(), "strata: ownership: double drop: address 0x[0-9a-f]*, .*node");
  auto boxed = make_box<int>(1);
  EXPECT_DEATH(stray(boxed).drop(), "double drop: address 0x[0-9a-f]*, type int");
  auto many = make_box<int[]>(3);
  EXPECT_DEATH(stray(many).drop(), "double drop");
  weak_rc<node> weak = one;
  EXPECT_DEATH(stray(weak).drop(), "double drop");
  auto part = alias(one, &one->payload);
  EXPECT_DEATH(stray(part).drop(), "double drop");
  auto carrier = make_intrusive<carried>();
  EXPECT_DEATH(stray(carrier).drop(), "double drop");
}

TEST_F(OwnershipDebugDeathTest, BorrowedWhileFreedStops) {
  auto one = make_rc<node>();
  borrowed<node> lent = one.borrow();
  weak_rc<node> weak = one;  // keeps the memory
  one.reset();
  EXPECT_DEATH((void)lent->payload,
               "strata: ownership: borrowed while freed: address 0x[0-9a-f]*, type .*node");
  // The next object may well have the same address: it is another one.
  auto boxed = make_box<int>(1);
  borrowed<int> number = boxed.borrow();
  boxed.reset();
  boxed = make_box<int>(2);
  EXPECT_DEATH((void)*number, "borrowed while freed: address 0x[0-9a-f]*, type int");
}

}  // namespace
}  // namespace strata
