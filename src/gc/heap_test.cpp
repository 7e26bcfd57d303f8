#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct node {
  ref<node> left, right;
  long key = 0;
};

unrooted<node> build(mutator& self, int depth) {
  if (depth == 0) return self.make<node>(nullptr, nullptr, 1);
  local<node> left = build(self, depth - 1);
  local<node> right = build(self, depth - 1);
  return self.make<node>(left, right, left->key + right->key);
}
long count(const node& of) { return of.left ? count(*of.left) + count(*of.right) : 1; }

TEST(GcHeap, TreesSurviveManyCollections) {
  heap memory{{.max_bytes = 4 << 20, .stress = {.verify = true}}};
  mutator self{memory};
  local<node> kept = build(self, 10);
  for (int i = 0; i < 50; ++i) {
    local<node> dropped = build(self, 12);
    EXPECT_EQ(4096, dropped->key);
  }
  EXPECT_EQ(1024, count(*kept));
  EXPECT_GT(memory.statistics().full_collections, 3U);
}

TEST(GcHeap, MarksWhileTheProgramRuns) {
  heap memory{{.max_bytes = 32 << 20,
               .plan = plan::generational_concurrent,
               .young_bytes = 256 << 10,
               .stress = {.mark_always = true}}};
  mutator self{memory};
  local<array<ref<node>>> kept = self.make<array<ref<node>>>(64U);
  // Old trees are replaced all the time; a marking that missed one would free it under our hands.
  for (std::size_t time = 0; memory.statistics().concurrent_markings < 20; ++time) {
    ASSERT_LT(time, 1000000U);
    std::size_t at = time * 7 % 64;
    (*kept)[at] = build(self, 6);
    local<node> swapped{self, (*kept)[at]};
    (*kept)[at] = (*kept)[time % 64];
    (*kept)[time % 64] = swapped;
    if (time % 64 == 0) {
      self.verify();
      for (std::size_t each = 0; each < 64; ++each) {
        if ((*kept)[each]) {
          ASSERT_EQ(64, count(*(*kept)[each]));
        }
      }
    }
  }
}

TEST(GcHeap, PausesFollowTheirGoal) {
  // A list survives whole: each block more in eden is a longer pause.
  auto young_collections = [](std::uint32_t goal_us) {
    heap memory{{.max_bytes = 128 << 20,
                 .plan = plan::generational_concurrent,
                 .young_bytes = 8 << 20,
                 .pause_goal_us = goal_us}};
    mutator self{memory};
    local<node> list{self};
    for (long i = 0; i < 1'000'000; ++i) list = self.make<node>(list, nullptr, i);
    for (long i = 999'999; i >= 0; --i) {
      EXPECT_EQ(i, list->key);
      list = list->left;
    }
    return memory.statistics().young_collections;
  };
  std::uint64_t without = young_collections(0);
  EXPECT_LE(without, 8U);
  EXPECT_GE(young_collections(100), 4 * without);
}

TEST(GcHeap, PresetsAreHeaps) {
  for (preset each : {preset::throughput, preset::latency, preset::small}) {
    heap memory{options_for(each, 8 << 20)};
    mutator self{memory};
    local<node> kept = build(self, 10);
    for (int i = 0; i < 20; ++i) local<node> dropped = build(self, 12);
    EXPECT_EQ(1024, count(*kept));
  }
  EXPECT_EQ(8U << 20, options_for(preset::small, 8 << 20).max_bytes);
  EXPECT_EQ(plan::immix, options_for(preset::throughput, 1 << 20).plan);
  EXPECT_EQ(plan::generational_concurrent, options_for(preset::latency, 1 << 20).plan);
}

TEST(GcHeap, FreesWhatNothingRefersTo) {
  heap memory{{.max_bytes = 8 << 20}};
  mutator self{memory};
  {
    local<node> tree = build(self, 10);
    self.collect();
    EXPECT_GE(memory.statistics().live_bytes, 2047U * 32);
  }
  self.collect();
  EXPECT_EQ(0U, memory.statistics().live_bytes);
  EXPECT_EQ(0U, memory.statistics().held_bytes);
}

TEST(GcHeap, RunsOutOfMemoryByATypedErrorAndGoesOn) {
  heap memory{{.max_bytes = 4 << 20, .stress = {.verify = true}}};
  mutator self{memory};
  local<node> list{self};
  long length = 0;
  auto grow = [&] {
    for (;; ++length) list = self.make<node>(list, nullptr, length);
  };
  for (int time = 0; time < 3; ++time) {
    EXPECT_THROW(grow(), out_of_memory);
    EXPECT_GT(length, 40000);
    EXPECT_EQ(length - 1, list->key);
    list = nullptr;
    length = 0;
  }
  EXPECT_THROW(static_cast<void>(self.make<array<char>>(8 << 20)), out_of_memory);
  EXPECT_THROW(static_cast<void>(self.make<array<long>>(~std::size_t{0} / 8)), out_of_memory);
  EXPECT_EQ(4096, build(self, 12)->key);
}

TEST(GcHeap, TooManyLocalsAreAStackOverflow) {
  heap memory{{.most_locals = 1000}};
  mutator self{memory};
  auto descend = [&](auto& again, local<node>& above) -> void {
    local<node> here = self.make<node>(above);
    if (above) again(again, here);
  };
  for (int time = 0; time < 3; ++time) {
    local<node> top = self.make<node>();
    EXPECT_THROW(descend(descend, top), stack_overflow);
    self.verify();
  }
}

long sink = 0;
void dig(mutator& self, int depth) {
  self.check_depth();
  if (depth < 0) return;
  volatile char frame[500] = {};
  dig(self, depth + 1);
  sink += frame[depth % 500];
}
TEST(GcHeap, ADeepNativeStackIsAStackOverflow) {
  heap memory;
  mutator self{memory};
  EXPECT_THROW(dig(self, 0), stack_overflow);
  std::thread([&] {
    mutator own{memory};
    EXPECT_THROW(dig(own, 0), stack_overflow);
  }).join();
}

struct picky {
  ref<node> made;
  picky* self_address;
  picky(mutator& self, bool fail) : self_address(this) {
    made = build(self, 4);
    self.collect();
    if (fail) throw std::runtime_error("no");
  }
};
}  // namespace
template <>
struct fields<picky> : list<&picky::made> {};
namespace {

TEST(GcHeap, AConstructorMayCollectAndThrow) {
  heap memory{{.max_bytes = 8 << 20,
               .stress = {.collect_every = 3, .protect_moved = true, .verify = true}}};
  mutator self{memory};
  for (int time = 0; time < 20; ++time) {
    EXPECT_THROW(static_cast<void>(self.make<picky>(self, true)), std::runtime_error);
    local<picky> whole = self.make<picky>(self, false);
    EXPECT_EQ(whole->self_address, whole.get());  // it did not move until it was done
    EXPECT_EQ(16, count(*whole->made));
  }
}

TEST(GcHeap, ArgumentsThatLieInTheHeapSurviveTheCollection) {
  heap memory{{.max_bytes = 8 << 20, .stress = {.collect_every = 1, .protect_moved = true}}};
  mutator self{memory};
  local<node> n = self.make<node>();
  n->key = 7;
  n->left = self.make<node>(nullptr, nullptr, 5);
  for (int time = 0; time < 100; ++time) n = self.make<node>(n->left, n->right, n->key);
  EXPECT_EQ(7, n->key);
  EXPECT_EQ(5, n->left->key);
}

TEST(GcHeap, PinnedObjectsStay) {
  heap memory{{.max_bytes = 8 << 20, .stress = {.protect_moved = true, .verify = true}}};
  mutator self{memory};
  local<node> other = build(self, 3);
  local<node> n = build(self, 8);
  node* before_move = n.get();
  self.collect();
  EXPECT_NE(before_move, n.get());
  {
    pinned<node> still{n};
    node* before = n.get();
    for (int time = 0; time < 5; ++time) {
      static_cast<void>(build(self, 8));
      self.collect();
      EXPECT_EQ(before, n.get());
      EXPECT_EQ(256, count(*still));
    }
  }
  self.collect();
  EXPECT_EQ(256, count(*n));
  EXPECT_EQ(8, count(*other));
}

TEST(GcHeap, GlobalsComeAndGoOnAThreadWithoutAMutator) {
  heap memory;
  std::atomic<bool> ending{false};
  std::thread other{[&] {
    while (!ending) {
      global<node> first{memory};
      global<node> second{memory};
    }
  }};
  {
    mutator self{memory};
    local<node> list = build(self, 3);
    for (int time = 0; time < 3000; ++time) self.collect();
  }
  ending = true;
  other.join();
}

// The marker comes to large objects that were made while it runs, by fields of old ones.
TEST(GcHeap, MarksWhileLargeObjectsAreMade) {
  heap memory{{.max_bytes = 64 << 20,
               .plan = plan::generational_concurrent,
               .young_bytes = 256 << 10,
               .stress = {.mark_always = true}}};
  mutator self{memory};
  using row = array<ref<node>>;
  local<array<ref<row>>> kept = self.make<array<ref<row>>>(200U);
  self.collect();
  for (std::size_t time = 0; memory.statistics().concurrent_markings < 20; ++time) {
    ASSERT_LT(time, 1000000U);
    std::size_t at = time * 7 % 200;
    (*kept)[at] = self.make<row>(5000 + at);
    (*(*kept)[at])[at] = build(self, 6);
    for (std::size_t each = at % 16; each < 200; each += 16) {
      if ((*kept)[each]) {
        ASSERT_EQ(5000 + each, (*kept)[each]->size());
        ASSERT_EQ(64, count(*(*(*kept)[each])[each]));
      }
    }
  }
}

// Another thread's young collection is not what was asked for.
TEST(GcHeap, AFullCollectionIsFullWhateverOthersDo) {
  heap memory{{.plan = plan::generational}};
  std::atomic<bool> ending{false};
  std::thread other{[&] {
    mutator self{memory};
    while (!ending) self.collect(collection::young);
  }};
  {
    mutator self{memory};
    for (int time = 0; time < 100; ++time) {
      local<node> n = build(self, 1);
      self.collect();
      local<weak<node>> to = self.make<weak<node>>(n);
      n = nullptr;
      self.collect();
      ASSERT_FALSE(local<node>(to->get(self))) << time;
    }
  }
  ending = true;
  other.join();
}

// Marks are numbers that come again after 250 collections.
TEST(GcHeap, AnObjectThatWasPinnedLongAgoIsTracedAgain) {
  heap memory;
  mutator self{memory};
  // Long enough for a block of its own.
  local<array<ref<node>>> row = self.make<array<ref<node>>>(3000U);
  (*row)[0] = build(self, 3);
  for (int wait = 240; wait < 260; ++wait) {
    {
      pinned<array<ref<node>>> still{row};
      self.collect();
    }
    for (int time = 0; time < wait; ++time) self.collect();
    pinned<array<ref<node>>> still{row};
    self.collect();
    self.verify();
    ASSERT_EQ(8, count(*(*row)[0]));
  }
}

TEST(GcHeap, GlobalsKeepAlive) {
  heap memory{{.max_bytes = 8 << 20, .stress = {.verify = true}}};
  mutator self{memory};
  global<node> first{memory};
  first = build(self, 5);
  {
    global<node> second{local<node>(build(self, 6))};
    self.collect();
    EXPECT_EQ(32, count(*first));
    EXPECT_EQ(64, count(*second));
  }
  self.collect();
  EXPECT_EQ(63U * (sizeof(node) + detail::header::bytes), memory.statistics().live_bytes);
}

TEST(GcHeap, LargeArraysOfEachKind) {
  heap memory{{.max_bytes = 32 << 20, .stress = {.verify = true}}};
  mutator self{memory};
  using row = array<ref<node>>;
  local<row> nodes = self.make<row>(std::size_t{100000});
  local<array<char>> text = self.make<array<char>>(std::size_t{1000000});
  for (std::size_t at = 0; at < nodes->size(); at += 1000) {
    (*nodes)[at] = self.make<node>(nullptr, nullptr, static_cast<long>(at));
    (*text)[at] = 'x';
  }
  for (int time = 0; time < 100; ++time) {
    EXPECT_EQ(0, (*local<array<char>>(self.make<array<char>>(std::size_t{1000000})))[999999]);
  }
  for (std::size_t at = 0; at < nodes->size(); ++at) {
    ASSERT_EQ(at % 1000 == 0, static_cast<bool>((*nodes)[at]));
    if (at % 1000 == 0) {
      ASSERT_EQ(static_cast<long>(at), (*nodes)[at]->key);
    }
  }
}

TEST(GcHeap, TypesMadeAtRunTime) {
  heap memory{{.max_bytes = 4 << 20,
               .stress = {.collect_every = 7, .protect_moved = true, .verify = true}}};
  mutator self{memory};
  const std::uint32_t offsets[] = {8, 600};
  type pair_like{.bytes = 16, .kind = shape::masked, .mask = 2, .name = "pair"};
  type wide{
      .bytes = 640, .offset_count = 2, .kind = shape::listed, .offsets = offsets, .name = "wide"};
  type rows{.bytes = 8, .element_bytes = 8, .kind = shape::ref_array, .name = "rows"};
  local<void*> chain{self};
  for (int time = 0; time < 300; ++time) {
    void** next = static_cast<void**>(self.make_of(time % 2 == 0 ? pair_like : wide));
    detail::store_field(next + 1, chain.get());
    chain = unrooted<void*>(self, next);
  }
  local<void*> row{self, static_cast<void**>(self.make_of(rows, 10))};
  EXPECT_EQ(10U, reinterpret_cast<std::size_t>(*row.get()));
  int length = 0;
  for (void** at = chain.get(); at != nullptr; at = static_cast<void**>(at[1])) ++length;
  EXPECT_EQ(300, length);
}

TEST(GcHeap, BlockedThreadsHoldNobodyUp) {
  heap memory{{.max_bytes = 8 << 20}};
  std::atomic<bool> is_blocked{false}, may_go_on{false};
  std::thread other([&] {
    mutator self{memory};
    local<node> kept = build(self, 6);
    {
      blocking guard{self};
      is_blocked = true;
      while (!may_go_on) std::this_thread::yield();
    }
    EXPECT_EQ(64, count(*kept));
  });
  while (!is_blocked) std::this_thread::yield();
  {
    mutator self{memory};
    for (int time = 0; time < 10; ++time) self.collect();
  }
  may_go_on = true;
  other.join();
}

TEST(GcHeap, ThreadsThatPollAreStopped) {
  heap memory{{.max_bytes = 8 << 20}};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int each = 0; each < 3; ++each) {
    threads.emplace_back([&] {
      mutator self{memory};
      local<node> kept = build(self, 6);
      while (!done) self.safepoint();
      EXPECT_EQ(64, count(*kept));
    });
  }
  for (int time = 0; time < 20; ++time) memory.collect();
  done = true;
  for (std::thread& each : threads) each.join();
}

// Others take all that a collection frees before the thread that collected runs again.
TEST(GcHeap, NoThreadStarvesBesideOthers) {
  heap memory{{.max_bytes = 4 << 20,
               .plan = plan::generational,
               .young_bytes = 128 << 10,
               .stress = {.protect_moved = true, .verify = true}}};
  std::atomic<int> starved{0};
  std::vector<std::thread> threads;
  for (int each = 0; each < 3; ++each) {
    threads.emplace_back([&] {
      mutator self{memory};
      try {
        local<array<ref<node>>> kept = self.make<array<ref<node>>>(64U);
        for (std::size_t round = 0; round < 1000; ++round) {
          local<node> list = self.make<node>(nullptr, nullptr, 0);
          for (long key = 1; key < 100; ++key) {
            list = self.make<node>(list, nullptr, key);
            self.safepoint();
          }
          (*kept)[round % 64] = list;
        }
      } catch (const out_of_memory&) {
        ++starved;
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(0, starved);
}

}  // namespace
}  // namespace strata::gc
