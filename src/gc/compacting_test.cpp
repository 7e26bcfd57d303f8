// What the compacting plans promise beyond what all do: no room for copies, order, and nothing that pinned
// objects or hashes get in the way of.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "gc/plans_test.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct node {
  ref<node> next;
  long key = 0;
};
constexpr std::size_t node_bytes = detail::header::bytes + sizeof(node);

local<node> list_of(mutator& self, std::size_t length) {
  local<node> list{self};
  for (std::size_t key = 0; key < length; ++key)
    list = self.make<node>(list, static_cast<long>(key));
  return list;
}
std::size_t length_of(const local<node>& list) {
  std::size_t length = 0;
  for (const node* at = list.get(); at != nullptr; at = at->next.get()) ++length;
  return length;
}

class GcCompacting : public testing::TestWithParam<plan> {
 protected:
  [[nodiscard]] bool slides() const { return GetParam() != plan::two_finger; }
};

TEST_P(GcCompacting, NineTenthsOfTheHeapMayLive) {
  constexpr std::size_t max_bytes = 16 << 20;
  constexpr std::size_t length = max_bytes / 10 * 9 / node_bytes;
  heap memory{{.max_bytes = max_bytes, .plan = GetParam()}};
  mutator self{memory};
  local<node> list = list_of(self, length);
  for (std::size_t time = 0; time < 4 * length; ++time) {
    // Some of what lives dies, and lives anew elsewhere.
    if (time % 7 == 0) list = self.make<node>(list->next, 5);
    static_cast<void>(self.make<node>(nullptr, 7));
  }
  EXPECT_EQ(length, length_of(list));
  EXPECT_LE(memory.statistics().held_bytes, max_bytes);
  self.verify();
}

TEST(GcCompactingLimit, SemispaceHasNoRoomForThat) {
  constexpr std::size_t max_bytes = 16 << 20;
  heap memory{{.max_bytes = max_bytes, .plan = plan::semispace}};
  mutator self{memory};
  EXPECT_THROW(static_cast<void>(list_of(self, max_bytes / 10 * 9 / node_bytes)), out_of_memory);
}

// Each second object dies: what is left takes half as much, and is where an object of its age was.
TEST_P(GcCompacting, WhatLivesLiesTogether) {
  constexpr std::size_t count = 20000;
  heap memory{{.max_bytes = 16 << 20, .plan = GetParam(), .stress = {.verify = true}}};
  mutator self{memory};
  local<array<ref<node>>> kept = self.make<array<ref<node>>>(count);
  for (std::size_t at = 0; at < count; ++at) {
    (*kept)[at] = self.make<node>(nullptr, static_cast<long>(at));
    static_cast<void>(self.make<node>());
  }
  self.collect();
  std::vector<std::uintptr_t> places;
  for (std::size_t at = 0; at < count; ++at) {
    EXPECT_EQ(static_cast<long>(at), (*kept)[at]->key);
    places.push_back(detail::address_of((*kept)[at].get()));
  }
  EXPECT_EQ(slides(), std::ranges::is_sorted(places));
  std::ranges::sort(places);
  // Blocks, and pages in them, may have a rest.
  EXPECT_LT(places.back() - places.front(), count * node_bytes * 102 / 100 + detail::block_bytes);
  heap_statistics before = memory.statistics();
  EXPECT_GE(before.moved_bytes, count * node_bytes / 3);
  self.collect();
  EXPECT_EQ(before.moved_bytes, memory.statistics().moved_bytes);
}

TEST_P(GcCompacting, NewObjectsFillWhatIsAroundPinnedOnes) {
  constexpr std::size_t max_bytes = 8 << 20;
  heap memory{{.max_bytes = max_bytes, .plan = GetParam(), .stress = {.verify = true}}};
  mutator self{memory};
  constexpr std::size_t between = 3000;
  std::vector<std::unique_ptr<local<node>>> locals;
  std::vector<std::unique_ptr<pinned<node>>> stay;
  std::vector<node*> places;
  for (long key = 0; key < 50; ++key) {
    locals.push_back(std::make_unique<local<node>>(self.make<node>(nullptr, key)));
    stay.push_back(std::make_unique<pinned<node>>(*locals.back()));
    places.push_back(locals.back()->get());
    for (std::size_t each = 0; each < between; ++each) static_cast<void>(self.make<node>());
  }
  local<node> list = list_of(self, max_bytes / 10 * 8 / node_bytes);
  self.collect();
  for (std::size_t key = 0; key < 50; ++key) {
    EXPECT_EQ(places[key], locals[key]->get());
    EXPECT_EQ(static_cast<long>(key), places[key]->key);
  }
  EXPECT_EQ(max_bytes / 10 * 8 / node_bytes, length_of(list));
  while (!stay.empty()) stay.pop_back();
  while (!locals.empty()) locals.pop_back();
}

// Objects of all sizes, some of whose hashes are known, die and are made: whatever grows finds room.
TEST_P(GcCompacting, HashedObjectsOfAllSizes) {
  constexpr std::size_t count = 1500;
  heap memory{{.max_bytes = 24 << 20, .plan = GetParam(), .stress = {.verify = true}}};
  mutator self{memory};
  std::mt19937 random{3};
  local<array<ref<array<char>>>> rows = self.make<array<ref<array<char>>>>(count);
  std::vector<std::uint32_t> hashes(count);
  std::vector<std::size_t> sizes(count);
  for (int round = 0; round < 30; ++round) {
    for (std::size_t at = 0; at < count; ++at) {
      if (round != 0 && random() % 4 != 0) continue;
      sizes[at] = random() % (random() % 50 == 0 ? 33000 : 600);
      local<array<char>> made = self.make<array<char>>(sizes[at]);
      for (std::size_t i = 0; i < sizes[at]; ++i) (*made)[i] = static_cast<char>(at + i);
      hashes[at] = round % 3 == 2 || random() % 2 == 0 ? identity_hash(made) : 0;
      (*rows)[at] = made;
    }
    self.collect();
    for (std::size_t at = 0; at < count; ++at) {
      local<array<char>> row{self, (*rows)[at]};
      ASSERT_EQ(sizes[at], row->size());
      for (std::size_t i = 0; i < sizes[at]; i += 1 + i / 16)
        ASSERT_EQ(static_cast<char>(at + i), (*row)[i]);
      if (hashes[at] != 0) {
        ASSERT_EQ(hashes[at], identity_hash(row)) << at;
      }
    }
  }
}

// What was noted of a block's growing objects is not there when the block comes back.
TEST_P(GcCompacting, BlocksComeBackWithoutWhatGrewInThem) {
  constexpr std::size_t count = 20000;
  heap memory{{.max_bytes = 16 << 20, .plan = GetParam(), .stress = {.verify = true}}};
  mutator self{memory};
  auto fill = [&](bool hashes) {
    local<array<ref<array<long>>>> rows = self.make<array<ref<array<long>>>>(count);
    for (std::size_t at = 0; at < count; ++at) {
      local<array<long>> made = self.make<array<long>>(40U);
      (*made)[39] = static_cast<long>(at);
      if (hashes && at % 2 == 0) static_cast<void>(identity_hash(made));
      if (at % 2 == 0) (*rows)[at] = made;
    }
    local<array<long>> last = self.make<array<long>>(40U);
    static_cast<void>(identity_hash(last));
    self.collect();
    for (std::size_t at = 0; at < count; at += 2)
      ASSERT_EQ(static_cast<long>(at), (*(*rows)[at])[39]);
  };
  for (int time = 0; time < 3; ++time) {
    fill(true);
    self.collect();
    self.collect();
    fill(false);
    self.collect();
  }
}

// A place that slid-out objects have left is another's with another hash.
TEST_P(GcCompacting, PlacesThatAreUsedAgainHaveOtherHashes) {
  heap memory{{.max_bytes = 8 << 20, .plan = GetParam()}};
  mutator self{memory};
  constexpr std::size_t count = 5000;
  local<node> kept{self};
  std::set<std::uint32_t> different;
  for (std::size_t at = 0; at < count; ++at) {
    static_cast<void>(self.make<node>());
    kept = self.make<node>(kept);
    different.insert(identity_hash(kept));
    if (at % 10 == 9) self.collect();
  }
  EXPECT_GT(different.size(), count * 99 / 100);
}

// Cleaners and owners of direct memory are told of a move once, be it their objects' first or not.
TEST_P(GcCompacting, WhatLiesBesideTheHeapFollowsEachMove) {
  constexpr std::size_t count = 2000;
  heap memory{{.max_bytes = 16 << 20, .plan = GetParam(), .stress = {.verify = true}}};
  mutator self{memory};
  static std::size_t runs;
  runs = 0;
  local<array<ref<node>>> kept = self.make<array<ref<node>>>(count);
  local<array<ref<direct_buffer>>> buffers = self.make<array<ref<direct_buffer>>>(count);
  for (int round = 0; round < 4; ++round) {
    for (std::size_t at = static_cast<std::size_t>(round); at < count; at += 4) {
      for (int each = 0; each < 3; ++each) {
        local<node> made = self.make<node>();
        when_dead(made, {[](void*) { ++runs; }, nullptr});
        if (each == 1) (*kept)[at] = made;
      }
      (*buffers)[at] = make_direct(self, 64);
      *reinterpret_cast<std::size_t*>((*buffers)[at]->data()) = at;
    }
    self.collect();
    memory.run_cleaners();
    EXPECT_EQ((static_cast<std::size_t>(round) + 1) * count / 2, runs);
  }
  for (std::size_t at = 0; at < count; ++at)
    ASSERT_EQ(at, *reinterpret_cast<const std::size_t*>((*buffers)[at]->data()));
}

// More types than any small table holds, which come and go.
TEST_P(GcCompacting, ManyTypes) {
  heap memory{{.max_bytes = 16 << 20, .plan = GetParam(), .stress = {.verify = true}}};
  mutator self{memory};
  constexpr std::size_t count = 6000;
  local<array<ref<node>>> kept = self.make<array<ref<node>>>(count);
  for (int round = 0; round < 3; ++round) {
    local<loader> types = make_loader(self);
    for (std::size_t at = 0; at < count; ++at) {
      static constexpr field fields[] = {{"next", 0, field_kind::reference}};
      const type& made = define_type(types, {.name = "one", .bytes = 16, .fields = fields});
      static_cast<void>(self.make<node>());
      (*kept)[at] = unrooted<node>(self, static_cast<node*>(self.make_of(made)));
      (*kept)[at]->key = static_cast<long>(at);
    }
    self.collect();
    for (std::size_t at = 0; at < count; ++at) ASSERT_EQ(static_cast<long>(at), (*kept)[at]->key);
  }
}

INSTANTIATE_TEST_SUITE_P(Plans, GcCompacting,
                         testing::Values(plan::lisp2, plan::compressor, plan::two_finger),
                         name_of_plan);

}  // namespace
}  // namespace strata::gc
