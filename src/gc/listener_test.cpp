#include "strata/gc/listener.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include "gc/plans_test.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct node {
  ref<node> next;
  long key = 0;
};

struct ear final : listener {
  void collection_begins(const collection_begin& what) noexcept override {
    std::lock_guard guard{lock};
    begins.push_back(what);
  }
  void collection_ends(const collection_end& what) noexcept override {
    std::lock_guard guard{lock};
    ends.push_back(what);
  }
  void heap_grows(const heap_growth& what) noexcept override {
    std::lock_guard guard{lock};
    growths.push_back(what);
  }
  void memory_is_short(const heap_shortage& what) noexcept override {
    std::lock_guard guard{lock};
    shortages.push_back(what);
  }
  void memory_is_exhausted(std::size_t bytes) noexcept override {
    std::lock_guard guard{lock};
    exhausted.push_back(bytes);
  }

  std::mutex lock;
  std::vector<collection_begin> begins;
  std::vector<collection_end> ends;
  std::vector<heap_growth> growths;
  std::vector<heap_shortage> shortages;
  std::vector<std::size_t> exhausted;
};

class GcListener : public testing::TestWithParam<plan> {
 protected:
  void churn(mutator& self, int objects) {
    for (int each = 0; each < objects; ++each) static_cast<void>(self.make<node>(nullptr, each));
  }

  ear heard;
  heap memory{{.max_bytes = 8 << 20, .plan = GetParam(), .listener = &heard}};
};

TEST_P(GcListener, TellsOfEachCollection) {
  mutator self{memory};
  local<node> kept{self};
  for (long key = 0; key < 1000; ++key) kept = self.make<node>(kept, key);
  self.collect();
  ASSERT_EQ(1U, heard.ends.size());
  collection_end first = heard.ends[0];
  EXPECT_EQ(1U, first.number);
  EXPECT_EQ(collection::full, first.kind);
  EXPECT_EQ(cause::asked, first.why);
  EXPECT_GT(first.pause_ns, 0U);
  EXPECT_GE(first.live_bytes, 1000 * (16 + detail::header::bytes));
  EXPECT_GE(first.held_before_bytes, first.live_bytes);
  churn(self, 1000000);
  EXPECT_GT(heard.ends.size(), 1U);

  heap_statistics all = memory.statistics();
  ASSERT_EQ(heard.ends.size(), all.young_collections + all.full_collections);
  ASSERT_EQ(heard.ends.size(), heard.begins.size());
  std::uint64_t pauses_ns = 0;
  std::uint64_t moved_bytes = 0;
  std::uint64_t promoted_bytes = 0;
  for (std::size_t at = 0; at < heard.ends.size(); ++at) {
    EXPECT_EQ(at + 1, heard.begins[at].number);
    EXPECT_EQ(at + 1, heard.ends[at].number);
    EXPECT_EQ(heard.begins[at].held_bytes, heard.ends[at].held_before_bytes);
    EXPECT_EQ(at == 0 ? cause::asked : cause::no_room, heard.ends[at].why);
    pauses_ns += heard.ends[at].pause_ns;
    moved_bytes += heard.ends[at].moved_bytes;
    promoted_bytes += heard.ends[at].promoted_bytes;
  }
  EXPECT_EQ(all.pauses.total_ns(), pauses_ns);
  EXPECT_EQ(all.moved_bytes, moved_bytes);
  EXPECT_EQ(all.promoted_bytes, promoted_bytes);
  EXPECT_LE(promoted_bytes, moved_bytes);
}

// Where eden follows the pause it may still grow when the machine has more time.
bool eden_follows_the_pause(plan which) {
  return which == plan::generational || which == plan::generational_concurrent;
}

TEST_P(GcListener, TellsOfGrowthUntilTheHeapIsLarge) {
  mutator self{memory};
  churn(self, 1000000);
  ASSERT_FALSE(heard.growths.empty());
  std::size_t count = heard.growths.size();
  churn(self, 1000000);
  std::size_t before = 0;
  for (const heap_growth& each : heard.growths) {
    EXPECT_EQ(before, each.before_bytes);
    EXPECT_GT(each.after_bytes, before);
    before = each.after_bytes;
  }
  EXPECT_LE(before, (std::size_t{8} << 20) + (std::size_t{8} << 16));
  if (eden_follows_the_pause(GetParam())) return;
  EXPECT_EQ(count, heard.growths.size());
  EXPECT_EQ(memory.statistics().committed_bytes, before);
}

TEST_P(GcListener, WarnsBeforeMemoryIsExhausted) {
  mutator self{memory};
  local<node> list{self};
  EXPECT_THROW(for (long key = 0;; ++key) list = self.make<node>(list, key), out_of_memory);
  ASSERT_FALSE(heard.shortages.empty());
  EXPECT_EQ(std::size_t{8} << 20, heard.shortages[0].max_bytes);
  for (const heap_shortage& each : heard.shortages) {
    EXPECT_GT(each.needed_bytes, each.max_bytes / 10 * 9);
    EXPECT_LE(each.needed_bytes, each.max_bytes + (each.max_bytes >> 4));
  }
  ASSERT_EQ(1U, heard.exhausted.size());
  EXPECT_EQ(16 + detail::header::bytes, heard.exhausted[0]);
  list = nullptr;
  self.collect();
  std::size_t count = heard.shortages.size();
  churn(self, 500000);
  EXPECT_EQ(count, heard.shortages.size());
}

TEST_P(GcListener, NumbersAreUniqueWithManyThreads) {
  std::vector<std::thread> threads;
  for (int each = 0; each < 4; ++each) {
    threads.emplace_back([&] {
      mutator self{memory};
      churn(self, 300000);
      self.collect();
    });
  }
  for (std::thread& each : threads) each.join();
  auto by_number = [](const collection_end& a, const collection_end& b) {
    return a.number < b.number;
  };
  std::sort(heard.ends.begin(), heard.ends.end(), by_number);
  for (std::size_t at = 0; at < heard.ends.size(); ++at) EXPECT_EQ(at + 1, heard.ends[at].number);
  heap_statistics all = memory.statistics();
  EXPECT_EQ(all.young_collections + all.full_collections, heard.ends.size());
}

INSTANTIATE_TEST_SUITE_P(Plans, GcListener, every_plan, name_of_plan);

}  // namespace
}  // namespace strata::gc
