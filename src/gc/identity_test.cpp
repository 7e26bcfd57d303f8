#include "strata/gc/identity.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <thread>
#include <vector>

#include "gc/plans_test.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct cell {
  ref<cell> next;
  long key = 0;
};

class GcIdentity : public testing::TestWithParam<plan> {
 protected:
  heap memory{{.max_bytes = 32 << 20,
               .plan = GetParam(),
               .stress = {.protect_moved = true, .verify = true}}};
  mutator self{memory};
};

TEST_P(GcIdentity, StaysWhereverTheObjectMoves) {
  constexpr std::size_t count = 2000;
  std::mt19937 random{1};
  local<array<ref<cell>>> cells = self.make<array<ref<cell>>>(count);
  std::vector<std::uint32_t> hashes(count);
  std::vector<bool> asked(count);
  for (int round = 0; round < 12; ++round) {
    for (std::size_t at = 0; at < count; ++at) {
      if (random() % 20 == 0 || !(*cells)[at]) {
        (*cells)[at] = self.make<cell>(nullptr, static_cast<long>(at));
        asked[at] = false;
      }
      local<cell> here{self, (*cells)[at]};
      ASSERT_EQ(static_cast<long>(at), here->key);
      if (asked[at]) {
        ASSERT_EQ(hashes[at], identity_hash(here)) << at;
      } else if (random() % 3 == 0) {
        hashes[at] = identity_hash(here);
        asked[at] = true;
      }
    }
    self.collect(round % 3 == 1 ? collection::full : collection::young);
  }
}

TEST_P(GcIdentity, OfArraysOfEachSize) {
  std::vector<std::uint32_t> hashes;
  local<array<ref<array<char>>>> rows = self.make<array<ref<array<char>>>>(12);
  // The last of the small ones, which is longer than any small one once it has moved, and large ones.
  std::size_t most_small = detail::most_small_bytes - detail::header::bytes - 8;
  std::size_t sizes[12] = {0,     1, 7, 8, 9, 100, 2000, 5000, 30000, most_small, most_small + 1,
                           100000};
  for (std::size_t at = 0; at < 12; ++at) {
    local<array<char>> row = self.make<array<char>>(sizes[at]);
    for (std::size_t i = 0; i < sizes[at]; ++i) (*row)[i] = static_cast<char>(i * 7);
    hashes.push_back(identity_hash(row));
    (*rows)[at] = row;
  }
  for (int time = 0; time < 8; ++time) {
    self.collect(time % 3 == 0 ? collection::young : collection::full);
    for (std::size_t at = 0; at < 12; ++at) {
      local<array<char>> row{self, (*rows)[at]};
      ASSERT_EQ(hashes[at], identity_hash(row));
      ASSERT_EQ(sizes[at], row->size());
      for (std::size_t i = 0; i < sizes[at]; ++i) ASSERT_EQ(static_cast<char>(i * 7), (*row)[i]);
    }
    for (int garbage = 0; garbage < 1000; ++garbage)
      static_cast<void>(self.make<array<char>>(std::size_t{500}));
  }
}

// Where places are used again while those who were there live on elsewhere, hashes must not be.
TEST_P(GcIdentity, DiffersForObjectsThatFollowEachOtherAtAPlace) {
  constexpr std::size_t count = 20000;
  std::set<std::uint32_t> different;
  local<cell> list{self};
  for (std::size_t at = 0; at < count; ++at) {
    list = self.make<cell>(list);
    different.insert(identity_hash(list));
    if (at % 100 == 99) self.collect(collection::young);
  }
  EXPECT_GT(different.size(), count * 9 / 10);
}

TEST_P(GcIdentity, ThreadsAgree) {
  constexpr std::size_t count = 5000;
  local<array<ref<cell>>> made = self.make<array<ref<cell>>>(count);
  for (std::size_t at = 0; at < count; ++at) (*made)[at] = self.make<cell>();
  global<array<ref<cell>>> cells{made};
  std::vector<std::vector<std::uint32_t>> seen(3, std::vector<std::uint32_t>(count));
  std::vector<std::thread> threads;
  {
    blocking meanwhile{self};
    for (std::size_t each = 0; each < 3; ++each) {
      threads.emplace_back([&, each] {
        mutator own{memory};
        for (std::size_t at = 0; at < count; ++at) {
          seen[each][at] = identity_hash(local<cell>{own, (*cells)[at]});
          if (at % 1000 == 300 * each) own.collect(collection::young);
        }
      });
    }
    for (std::thread& each : threads) each.join();
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
}

// Where the header has them.
template <class T>
void check_lock_bits(local<T>& here) {
  if constexpr (requires { lock_bits(here); }) {
    EXPECT_EQ(0U, lock_bits(here).load());
    lock_bits(here) = 0xabcd;
    std::uint32_t hash = identity_hash(here);
    for (int time = 0; time < 4; ++time) {
      here.self().collect(time % 2 == 0 ? collection::young : collection::full);
      EXPECT_EQ(0xabcdU, lock_bits(here).load());
      EXPECT_EQ(hash, identity_hash(here));
    }
  }
}
TEST_P(GcIdentity, LockBitsAreCarriedAlong) {
  local<cell> here = self.make<cell>();
  check_lock_bits(here);
}

INSTANTIATE_TEST_SUITE_P(Plans, GcIdentity, every_plan, name_of_plan);

}  // namespace
}  // namespace strata::gc
