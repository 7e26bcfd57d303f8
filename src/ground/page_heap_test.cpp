#include "ground/page_heap.hpp"
#include "ground/account.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "ground/options.hpp"
#include "os/process.hpp"

namespace strata::ground {
namespace {

// Runs in hand, with what the test wrote into them.
struct held_run {
  std::size_t pages = 0;
  std::uint64_t seed = 0;
};

class PageHeap : public testing::Test {
 protected:
  void SetUp() override {
    if (kind() != ground_kind::none) return;
    read_options();
    ASSERT_TRUE(set_up());
  }
  void TearDown() override {
    while (!held_.empty()) give(held_.begin());
    page_heap::verify();
    EXPECT_EQ(page_heap::used_bytes(), used_before_);
  }

  using position = std::map<std::uintptr_t, held_run>::iterator;

  static std::size_t chunk_pages() { return chunk_bytes >> page_shift(); }
  [[nodiscard]] std::size_t most_pages() const {
    return page_heap::largest_run_bytes() >> page_shift();
  }

  // Notes a run that the heap has handed out: apart from all others, aligned, clean when promised.
  void check_in(pages_taken taken, std::size_t pages, std::size_t alignment) {
    std::size_t bytes = pages << page_shift();
    ASSERT_EQ(taken.start % (alignment << page_shift()), 0u);
    auto next = held_.lower_bound(taken.start);
    ASSERT_TRUE(next == held_.end() || taken.start + bytes <= next->first);
    if (next != held_.begin()) {
      auto before = std::prev(next);
      ASSERT_LE(before->first + (before->second.pages << page_shift()), taken.start);
    }
    if (taken.zeroed) {
      for (std::size_t at = 0; at < bytes; at += 512) ASSERT_EQ(*word(taken.start, at), 0u);
    }
    held_[taken.start] = {pages, random_()};
    fill(taken.start, 0, bytes);
  }

  void take(std::size_t pages, std::size_t alignment = 1) {
    pages_taken taken = page_heap::take(pages, alignment);
    ASSERT_NE(taken.start, 0u) << pages;
    ASSERT_NO_FATAL_FAILURE(check_in(taken, pages, alignment));
  }

  void give(position run) {
    expect_contents(run);
    page_heap::give(run->first, run->second.pages);
    held_.erase(run);
  }

  void extend(position run, std::size_t more) {
    expect_contents(run);
    std::size_t before = run->second.pages;
    if (!page_heap::extend(run->first, before, more)) return;
    std::uintptr_t end = run->first + ((before + more) << page_shift());
    auto next = std::next(run);
    ASSERT_TRUE(next == held_.end() || end <= next->first) << "grown into another run";
    run->second.pages += more;
    expect_contents(run, before << page_shift());
    fill(run->first, before << page_shift(), run->second.pages << page_shift());
    ++extended_;
  }

  static std::uint64_t* word(std::uintptr_t start, std::size_t offset) {
    return base::pointer_to<std::uint64_t>(start + offset);
  }
  void fill(std::uintptr_t start, std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; at += 512) *word(start, at) = held_[start].seed + at;
  }
  void expect_contents(position run, std::size_t bytes = 0) {
    if (bytes == 0) bytes = run->second.pages << page_shift();
    for (std::size_t at = 0; at < bytes; at += 512) {
      ASSERT_EQ(*word(run->first, at), run->second.seed + at) << "somebody wrote into a run in use";
    }
  }
  position any() {
    return std::next(held_.begin(), static_cast<std::ptrdiff_t>(random_() % held_.size()));
  }
  void purge_all() { page_heap::purge(UINT64_MAX / 2, 0, 0, UINT64_MAX); }

  std::map<std::uintptr_t, held_run> held_;
  std::mt19937_64 random_{5};
  std::size_t extended_ = 0;
  std::size_t used_before_ = page_heap::used_bytes();
};

TEST_F(PageHeap, RandomOperationsAgreeWithAModel) {
  for (int round = 0; round < 20'000; ++round) {
    std::size_t dice = random_() % 100;
    if (held_.size() < 400 && dice < 50) {
      std::size_t pages = 1 + random_() % (dice < 40 ? 16 : chunk_pages() / 2);
      std::size_t alignment =
          dice < 45 ? 1 : std::size_t{1} << (random_() % std::bit_width(chunk_pages()));
      ASSERT_NO_FATAL_FAILURE(take(pages, alignment));
    } else if (!held_.empty() && dice < 90) {
      ASSERT_NO_FATAL_FAILURE(give(any()));
    } else if (!held_.empty() && dice < 98) {
      ASSERT_NO_FATAL_FAILURE(extend(any(), 1 + random_() % 8));
    } else if (dice == 99 && round % 5 == 0) {
      purge_all();
      EXPECT_EQ(page_heap::retained_bytes(), 0u);
    }
    if (round % 500 == 0) page_heap::verify();
  }
  EXPECT_GT(extended_, 10u) << "the mix no longer tries what it is for";
}

TEST_F(PageHeap, RunsOverSeveralChunks) {
  if (kind() != ground_kind::contiguous) GTEST_SKIP() << "sparse ground has no such runs";
  for (int round = 0; round < 200; ++round) {
    if (held_.size() < 8 && random_() % 3 != 0) {
      ASSERT_NO_FATAL_FAILURE(take(1 + random_() % most_pages()));
    } else if (!held_.empty()) {
      ASSERT_NO_FATAL_FAILURE(give(any()));
    }
    if (round % 10 == 0) page_heap::verify();
  }
}

TEST_F(PageHeap, RunsLongerThanAChunkStartAtOne) {
  if (kind() != ground_kind::contiguous) GTEST_SKIP() << "sparse ground has no such runs";
  take(1);
  take((chunk_bytes >> page_shift()) + 1, chunk_bytes >> page_shift());
}

TEST_F(PageHeap, FreshPagesAreZeroedAndReusedOnesAreNot) {
  purge_all();
  pages_taken first = page_heap::take(4);
  ASSERT_NE(first.start, 0u);
  EXPECT_TRUE(first.zeroed);
  *word(first.start, 0) = 1;
  page_heap::give(first.start, 4);
  pages_taken again = page_heap::take(4);
  EXPECT_EQ(again.start, first.start) << "the lowest row that fits";
  EXPECT_FALSE(again.zeroed);
  page_heap::give(again.start, 4);
  purge_all();
  pages_taken purged = page_heap::take(4);
  EXPECT_TRUE(purged.zeroed);
  EXPECT_EQ(*word(purged.start, 0), 0u);
  page_heap::give(purged.start, 4);
}

TEST_F(PageHeap, PurgeWaitsForTheDelay) {
  purge_all();
  pages_taken taken = page_heap::take(8);
  std::memset(base::pointer_to(taken.start), 1, 8 << page_shift());
  page_heap::give(taken.start, 8);
  std::uint64_t now_ms = os::coarse_ms();
  EXPECT_EQ(page_heap::retained_bytes(), std::size_t{8} << page_shift());
  EXPECT_EQ(page_heap::purge(now_ms, 10'000, 0, UINT64_MAX), 0u);
  EXPECT_EQ(page_heap::purge(now_ms + 20'000, 10'000, SIZE_MAX, UINT64_MAX), 0u) << "keep";
  std::size_t returned = account::returned_bytes();
  EXPECT_EQ(page_heap::purge(now_ms + 20'000, 10'000, 0, UINT64_MAX),
            std::size_t{8} << page_shift());
  EXPECT_EQ(page_heap::retained_bytes(), 0u);
  EXPECT_EQ(account::returned_bytes(), returned + (std::size_t{8} << page_shift()));
}

TEST_F(PageHeap, FullChunksAreFilledBeforeEmptyOnes) {
  if (used_before_ != 0) GTEST_SKIP() << "wants a heap that no test before it has left chunks in";
  std::size_t a_chunk = chunk_bytes >> page_shift();
  take(a_chunk / 2);
  std::uintptr_t begun = base::align_down(held_.begin()->first, chunk_bytes);
  // The rest of the chunk that has been begun is used up before another one is.
  for (std::size_t page = 0; page < a_chunk / 4; ++page) {
    pages_taken taken = page_heap::take(1);
    EXPECT_EQ(base::align_down(taken.start, chunk_bytes), begun);
    ASSERT_NO_FATAL_FAILURE(check_in(taken, 1, 1));
  }
}

namespace {

// Whether the kernel may back the address by a huge page (the flag hg of its mapping).
bool may_be_huge(std::uintptr_t address) {
  std::ifstream smaps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2) {
      inside = from <= address && address < to;
    } else if (inside && line.starts_with("VmFlags:")) {
      return line.find(" hg") != std::string::npos;
    }
  }
  return false;
}

}  // namespace

TEST_F(PageHeap, HugePagesAreForChunksThatALongRunCovers) {
  if (std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled").fail())
    GTEST_SKIP() << "the kernel has none";
  if (option().huge_pages == huge_never) GTEST_SKIP() << "wants STRATA_HUGE_PAGES=auto";
  std::size_t a_chunk = chunk_bytes >> page_shift();
  if (most_pages() < 4 * a_chunk) GTEST_SKIP() << "runs are shorter than chunks on this ground";
  for (int i = 0; i < 5; ++i) take(4 * a_chunk);  // the heap is large now
  pages_taken longer = page_heap::take(3 * a_chunk - 1);
  bool asked = may_be_huge(longer.start);
  EXPECT_TRUE(asked);
  EXPECT_FALSE(may_be_huge(longer.start + 2 * chunk_bytes)) << "covered in part";
  ASSERT_NO_FATAL_FAILURE(check_in(longer, 3 * a_chunk - 1, 1));
  give(held_.find(longer.start));
  // Cut into short runs, none of its chunks keeps it.
  page_heap::purge(UINT64_MAX, 0, 0, UINT64_MAX);
  bool cut = false;
  for (std::size_t i = 0; i < 64 && !cut; ++i) {
    pages_taken taken = page_heap::take(a_chunk / 2);
    cut = taken.start == longer.start;
    EXPECT_FALSE(may_be_huge(taken.start));
    ASSERT_NO_FATAL_FAILURE(check_in(taken, a_chunk / 2, 1));
  }
  EXPECT_TRUE(cut) << "the chunk was never cut";
}

TEST_F(PageHeap, RefusesMoreThanTheGroundHas) {
  EXPECT_EQ(page_heap::take(std::size_t{1} << 40).start, 0u);
  EXPECT_EQ(account::charged_bytes(), page_heap::used_bytes());
}

TEST_F(PageHeap, AccountsWhatIsUsed) {
  std::size_t used = page_heap::used_bytes();
  std::size_t charged = account::charged_bytes();
  take(5);
  EXPECT_EQ(page_heap::used_bytes(), used + (5 << page_shift()));
  EXPECT_EQ(account::charged_bytes(), charged + (5 << page_shift()));
}

TEST_F(PageHeap, ThreadsShareIt) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      std::mt19937 random(i);
      std::vector<std::pair<std::uintptr_t, std::size_t>> held;
      for (int round = 0; round < 2000; ++round) {
        if (held.size() < 20 && random() % 2 == 0) {
          std::size_t pages = 1 + random() % 30;
          std::uintptr_t start = page_heap::take(pages).start;
          ASSERT_NE(start, 0u);
          *word(start, 0) = start + i;
          held.emplace_back(start, pages);
        } else if (!held.empty()) {
          std::swap(held[random() % held.size()], held.back());
          ASSERT_EQ(*word(held.back().first, 0), held.back().first + i);
          page_heap::give(held.back().first, held.back().second);
          held.pop_back();
        }
        if (i == 0 && round % 100 == 0) page_heap::purge(UINT64_MAX / 2, 0, 0, UINT64_MAX);
      }
      for (auto [start, pages] : held) page_heap::give(start, pages);
    });
  }
  for (std::thread& one : threads) one.join();
}

using PageHeapDeathTest = PageHeap;

TEST_F(PageHeapDeathTest, GivingTwiceStopsTheProcess) {
  std::uintptr_t start = page_heap::take(2).start;
  page_heap::take(1);
  page_heap::give(start, 2);
  EXPECT_DEATH(page_heap::give(start, 2), "strata: check failed");
  used_before_ = page_heap::used_bytes();
}

}  // namespace
}  // namespace strata::ground
