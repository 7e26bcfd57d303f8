#include "conservative/heap.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "conservative/heap_rig.hpp"

namespace strata::conservative {
namespace {

TEST(ConservativeGeometry, SlotsFollowFromAddresses) {
  for (const size_class& size : classes)
    for (std::size_t offset = 0; offset < block_bytes; ++offset)
      ASSERT_EQ(offset * size.reciprocal >> 32, offset / size.bytes) << size.bytes;
  for (std::size_t bytes = 1; bytes <= most_small_bytes; ++bytes) {
    std::size_t at = class_for(bytes);
    ASSERT_GE(classes[at].bytes, bytes);
    ASSERT_TRUE(at == 0 || classes[at - 1].bytes < bytes);
  }
}

TEST(ConservativeHeap, ObjectsAreZeroAlignedAndApart) {
  heap_rig rig{4000};
  std::mt19937 random{1};
  std::set<std::pair<std::byte*, std::byte*>> taken;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 2000; ++i) {
      std::size_t bytes = random() % 5 == 0 ? random() % 20000 : random() % 300;
      auto* object = static_cast<std::byte*>(rig.make(bytes));
      ASSERT_NE(object, nullptr);
      ASSERT_EQ(base::address_of(object) % granule_bytes, 0U);
      ASSERT_TRUE(
          std::all_of(object, object + bytes, [](std::byte each) { return each == std::byte{0}; }));
      std::memset(object, 0xff, bytes);
      auto after = taken.lower_bound({object, object});
      ASSERT_TRUE(after == taken.end() || object + bytes <= after->first);
      ASSERT_TRUE(after == taken.begin() || std::prev(after)->second <= object);
      taken.emplace(object, object + bytes);
    }
    // Half of the next round's are where these were.
    rig.collect();
    taken.clear();
  }
}

TEST(ConservativeHeap, IsFullWhenItsSizeIsReached) {
  heap_rig rig{10};
  int count = 0;
  while (rig.make(1000) != nullptr) ++count;
  EXPECT_EQ(count, 10 * 8);
  EXPECT_EQ(rig.make(16), nullptr);
  EXPECT_EQ(rig.make(10000), nullptr);
  rig.collect();
  EXPECT_EQ(rig.heap().blocks().used(), 0U);
  EXPECT_NE(rig.make(10 * block_bytes), nullptr);
}

TEST(ConservativeHeap, LargeObjectsFindRoomBetweenOthers) {
  heap_rig rig{64};
  std::vector<void*> all;
  for (int i = 0; i < 64; ++i) all.push_back(rig.make(block_bytes));
  for (std::size_t i = 0; i < 64; i += 2) rig.roots().push_back(all[i]);
  rig.collect();
  // 32 blocks are free, and no two of them are neighbours.
  EXPECT_NE(rig.make(32 * block_bytes), nullptr);
  EXPECT_LE(rig.heap().blocks().backed(), 64U);
}

TEST(ConservativeHeap, WhatIsReleasedIsTakenAgain) {
  heap_rig rig{1};
  std::vector<void*> all;
  while (void* object = rig.make(64)) all.push_back(object);
  ASSERT_EQ(all.size(), block_bytes / 64);
  for (std::size_t i = 0; i < all.size(); i += 3) {
    rig.heap().release(rig.heap().find(base::address_of(all[i])));
    EXPECT_FALSE(rig.is_there(all[i]));
  }
  for (std::size_t i = 0; i < all.size(); i += 3) {
    void* again = rig.make(64);
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(*static_cast<std::uint64_t*>(again), 0U);
  }
  EXPECT_EQ(rig.make(64), nullptr);
}

TEST(ConservativeHeap, GivesPagesBack) {
  heap_rig rig{1000};
  for (int i = 0; i < 900; ++i) rig.make(4096);
  rig.collect();
  EXPECT_EQ(rig.heap().blocks().backed(), 450U);
  rig.heap().blocks().give_back_to(7);
  EXPECT_EQ(rig.heap().blocks().backed(), 7U);
  rig.heap().verify();
  for (int i = 0; i < 900; ++i) {
    auto* object = static_cast<std::uint64_t*>(rig.make(4096));
    ASSERT_EQ(object[17], 0U);
  }
}

TEST(ConservativeHeap, ManyAtOnceAreAChain) {
  heap_rig rig{100};
  std::set<void*> seen;
  void* at = rig.heap().take_many(kinds::normal, class_for(48));
  while (at != nullptr) {
    EXPECT_TRUE(rig.is_there(at));
    EXPECT_TRUE(seen.insert(at).second);
    at = *static_cast<void**>(at);
  }
  EXPECT_EQ(seen.size(), block_bytes / 48);
}

// A graph of objects, and what should be reachable of it.
class model {
 public:
  model(std::uint32_t seed, bool all_interior) : random_(seed), rig_(3000) {
    rig_.heap().all_interior = all_interior;
    rig_.heap().allow_displacement(8);
    rig_.roots().resize(20);
  }

  void run(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      for (int i = 0; i < 400; ++i) step();
      rig_.collect();
      check();
    }
  }

 private:
  struct node {
    std::uintptr_t* object;
    std::size_t words;
    unsigned kind;
    std::vector<std::size_t> refers;  // by word: node + 1
    std::uintptr_t pattern;
  };

  std::size_t any(std::size_t below) { return random_() % below; }

  // What is put into a word so that it refers to the node, or to nothing though it is in its object.
  std::uintptr_t reference_to(const node& to, bool& counts) {
    std::uintptr_t start = base::address_of(to.object);
    std::size_t inner = any(4) == 0 ? any(to.words * word_bytes) : any(2) * word_bytes;
    inner = base::smaller(inner, to.words * word_bytes - 1);
    counts = rig_.heap().is_allowed(inner);
    return start + inner;
  }
  void make() {
    std::size_t words = any(20) == 0 ? 1 + any(3000) : 1 + any(40);
    constexpr unsigned some[] = {kinds::normal, kinds::normal, kinds::atomic, kinds::uncollectable,
                                 kinds::atomic_uncollectable};
    unsigned kind = any(30) == 0 ? some[3 + any(2)] : some[any(3)];
    auto* object = static_cast<std::uintptr_t*>(rig_.make(words * word_bytes, kind));
    ASSERT_NE(object, nullptr);
    std::uintptr_t pattern = nodes_.size() * 4 + 1;
    if (kind == kinds::atomic || kind == kinds::atomic_uncollectable)
      std::fill(object, object + words, pattern);
    nodes_.push_back({object, words, kind, std::vector<std::size_t>(words), pattern});
    object[0] = pattern;
    root_at(any(rig_.roots().size()), nodes_.size());
  }
  void root_at(std::size_t place, std::size_t entry) {
    roots_[place] = entry;
    // In stacks every place in an object counts.
    rig_.roots()[place] = entry == 0 ? nullptr
                                     : reinterpret_cast<char*>(nodes_[entry - 1].object) +
                                           any(nodes_[entry - 1].words * word_bytes);
  }
  // A node that is alive: one that a walk from a root comes by.
  std::size_t walk() {
    std::size_t at = roots_[any(roots_.size())];
    for (std::size_t steps = any(6); steps > 0 && at != 0; --steps) {
      const auto& refers = nodes_[at - 1].refers;
      std::size_t next = refers[any(refers.size())];
      if (next == 0) break;
      at = next;
    }
    return at;
  }
  void step() {
    if (any(3) == 0) return make();
    std::size_t from = walk();
    std::size_t to = walk();
    if (any(40) == 0) return root_at(any(roots_.size()), 0);
    if (from == 0 || to == 0) return;
    node& source = nodes_[from - 1];
    if (source.words < 2) return;
    std::size_t word = 1 + any(source.words - 1);
    bool is_leaf = source.kind == kinds::atomic || source.kind == kinds::atomic_uncollectable;
    if (is_leaf) return;
    bool counts = false;
    source.object[word] = reference_to(nodes_[to - 1], counts);
    source.refers[word] = counts ? to : 0;
  }
  void check() {
    std::vector<bool> alive(nodes_.size() + 1);
    std::vector<std::size_t> pending;
    auto reach = [&](std::size_t entry) {
      if (entry == 0 || alive[entry]) return;
      alive[entry] = true;
      pending.push_back(entry);
    };
    for (std::size_t entry : roots_) reach(entry);
    for (std::size_t entry = 1; entry <= nodes_.size(); ++entry)
      if (!gone_.contains(entry) && nodes_[entry - 1].kind >= kinds::uncollectable) reach(entry);
    while (!pending.empty()) {
      std::size_t entry = pending.back();
      pending.pop_back();
      for (std::size_t to : nodes_[entry - 1].refers) reach(to);
    }
    for (std::size_t entry = 1; entry <= nodes_.size(); ++entry) {
      if (gone_.contains(entry)) continue;
      const node& each = nodes_[entry - 1];
      ASSERT_EQ(rig_.is_there(each.object), alive[entry]) << entry;
      if (!alive[entry]) {
        gone_.insert(entry);
        continue;
      }
      ASSERT_EQ(each.object[0], each.pattern);
      for (std::size_t word = 1; word < each.words; ++word)
        if (each.refers[word] != 0) {
          const node& to = nodes_[each.refers[word] - 1];
          ASSERT_LT(each.object[word] - base::address_of(to.object), to.words * word_bytes);
        }
    }
  }

  std::mt19937 random_;
  heap_rig rig_;
  std::vector<node> nodes_;
  std::array<std::size_t, 20> roots_{};
  std::set<std::size_t> gone_;
};

// Nothing that is reachable is lost, and all else is taken back.
TEST(ConservativeHeap, KeepsWhatIsReachable) {
  for (std::uint32_t seed = 0; seed < 4; ++seed) model{seed, true}.run(25);
}
TEST(ConservativeHeap, KeepsWhatIsReachableByFirstAddresses) {
  for (std::uint32_t seed = 0; seed < 4; ++seed) model{seed, false}.run(25);
}

}  // namespace
}  // namespace strata::conservative
