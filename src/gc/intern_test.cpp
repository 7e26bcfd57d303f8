#include "strata/gc/intern.hpp"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gc/plans_test.hpp"
#include "gc/probe_table.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

TEST(GcProbeTable, AgreesWithAMapThroughGrowthSweepsAndShrinking) {
  std::mt19937_64 random{3};
  probe_table table;
  std::map<std::uint64_t, std::uintptr_t> truth;  // by hash
  std::uint64_t next = 16;
  for (int round = 0; round < 60; ++round) {
    std::size_t additions = random() % (round % 3 == 0 ? 20000 : 500);
    for (std::size_t time = 0; time < additions; ++time, next += 8) {
      std::uint64_t hash = random() % 100 == 0 ? random() % 4 : random();
      if (truth.contains(hash)) continue;
      ASSERT_TRUE(table.add(hash, base::pointer_to(next)));
      truth[hash] = next;
    }
    std::uint64_t kept_in_ten = random() % 11;
    auto lives = [&](std::uintptr_t object) { return object / 8 % 10 < kept_in_ten; };
    table.sweep([&](void*& object) { return lives(base::address_of(object)); });
    std::erase_if(truth, [&](const auto& each) { return !lives(each.second); });
    table.tidy(random() % 5000);
    if (random() % 2 == 0) table.give_back_retired();
    ASSERT_EQ(truth.size(), table.live());
    for (const auto& [hash, object] : truth)
      ASSERT_EQ(object, base::address_of(table.find(hash, [](const void*) { return true; })));
    for (int time = 0; time < 100; ++time) {
      std::uint64_t hash = random();
      ASSERT_EQ(truth.contains(hash),
                table.find(hash, [](const void*) { return true; }) != nullptr);
    }
  }
  table.sweep([](void*&) { return false; });
  while (table.slots() != 0) table.tidy(1000);
  table.give_back_retired();
  EXPECT_EQ(0U, table.held_bytes());
}

using text = array<char>;

class GcIntern : public testing::TestWithParam<plan> {
 protected:
  heap memory{{.max_bytes = 32 << 20,
               .plan = GetParam(),
               .stress = {.protect_moved = true, .verify = true}}};
  mutator self{memory};
  string_table table{memory};
};

std::string word(std::size_t number) { return "word " + std::to_string(number); }

TEST_P(GcIntern, OneObjectForEachContent) {
  local<array<ref<text>>> kept = self.make<array<ref<text>>>(3000);
  for (int time = 0; time < 3; ++time) {
    for (std::size_t at = 0; at < 3000; ++at) {
      local<text> found = table.intern(self, word(at));
      if (time == 0) (*kept)[at] = found;
      ASSERT_EQ((*kept)[at].get(), found.get());
      ASSERT_EQ(word(at), (std::string{found->data(), found->size()}));
    }
    self.collect(time == 0 ? collection::young : collection::full);
  }
  EXPECT_EQ(3000U, table.statistics().entries);
  EXPECT_FALSE(local<text>(table.find(self, word(3000))));
  local<text> empty = table.intern(self, "");
  EXPECT_EQ(empty.get(), local<text>(table.find(self, std::string_view{})).get());
}

TEST_P(GcIntern, EntriesGoWithTheirObjects) {
  local<array<ref<text>>> kept = self.make<array<ref<text>>>(10000);
  for (std::size_t at = 0; at < 10000; ++at) {
    local<text> made = table.intern(self, word(at));
    if (at % 7 == 0) (*kept)[at] = made;
    if (at % 2500 == 1000) self.collect(at % 5000 == 1000 ? collection::young : collection::full);
  }
  self.collect();
  for (std::size_t at = 0; at < 10000; ++at) {
    local<text> found = table.find(self, word(at));
    ASSERT_EQ((*kept)[at].get(), found.get()) << at;
  }
  kept = nullptr;
  for (int time = 0; time < 100; ++time) self.collect();
  intern_statistics after = table.statistics();
  EXPECT_EQ(0U, after.entries);
  EXPECT_EQ(0U, after.slots);
  EXPECT_EQ(0U, after.held_bytes);
}

TEST_P(GcIntern, ManyComeAndGoInBoundedMemory) {
  heap small{{.max_bytes = 16 << 20, .plan = GetParam()}};
  mutator own{small};
  string_table symbols{small};
  constexpr std::size_t live = 5000;
  local<array<ref<text>>> kept = own.make<array<ref<text>>>(live);
  std::size_t most = 0;
  for (std::size_t at = 0; at < 400000; ++at) {
    (*kept)[at % live] = symbols.intern(own, word(at));
    if (at % 4 != 0) continue;
    std::size_t back = at - at % 997 % live;
    if (back + live <= at) continue;
    ASSERT_EQ((*kept)[back % live].get(), local<text>(symbols.find(own, word(back))).get());
    if (at % 1000 == 0) most = std::max(most, symbols.statistics().held_bytes);
  }
  own.collect();
  EXPECT_EQ(live, symbols.statistics().entries);
  // A heap of 16 MiB has room for half a million strings; each has four slots at most.
  EXPECT_LE(most, 40U << 20);
}

TEST_P(GcIntern, WhereEveryAllocationCollects) {
  heap stressed{{.max_bytes = 16 << 20,
                 .plan = GetParam(),
                 .stress = {.collect_every = 1, .protect_moved = true}}};
  mutator own{stressed};
  string_table symbols{stressed};
  local<array<ref<text>>> kept = own.make<array<ref<text>>>(20);
  std::mt19937 random{5};
  for (int time = 0; time < 600; ++time) {
    std::size_t which = random() % 60;
    local<text> made = symbols.intern(own, word(which));
    ASSERT_EQ(word(which), (std::string{made->data(), made->size()}));
    if (which < 20) {
      ref<text>& cell = (*kept)[which];
      if (cell) {
        ASSERT_EQ(cell.get(), made.get());
      }
      cell = made;
      if (random() % 3 == 0) cell = nullptr;
    }
  }
}

TEST_P(GcIntern, ThreadsAgreeOnTheOne) {
  constexpr std::size_t words = 2000;
  heap shared{{.max_bytes = 64 << 20, .plan = GetParam()}};
  string_table symbols{shared};
  mutator main{shared};
  local<array<ref<text>>> first = main.make<array<ref<text>>>(words);
  global<array<ref<text>>> agreed{first};
  std::mutex lock;  // of what is agreed; nobody allocates with it
  std::vector<std::thread> threads;
  {
    blocking meanwhile{main};
    for (unsigned each = 0; each < 4; ++each) {
      threads.emplace_back([&, each] {
        mutator own{shared};
        std::mt19937 random{each};
        for (int time = 0; time < 20000; ++time) {
          std::size_t which = random() % words;
          local<text> found = symbols.intern(own, word(which));
          // The first one to come says which it is; nobody may disagree.
          if (which % 2 == 0) {
            std::lock_guard guard{lock};
            ref<text>& cell = (*agreed)[which];
            if (!cell) cell = found;
            ASSERT_EQ(cell.get(), found.get());
          }
          ASSERT_EQ(word(which), (std::string{found->data(), found->size()}));
          if (time % 5000 == 4000) own.collect();
        }
      });
    }
    for (std::thread& each : threads) each.join();
  }
  main.collect();
  EXPECT_EQ(words / 2, symbols.statistics().entries);
}

INSTANTIATE_TEST_SUITE_P(Plans, GcIntern, every_plan, name_of_plan);

}  // namespace
}  // namespace strata::gc
