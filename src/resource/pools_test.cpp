#include <strata/pools.hpp>

#include <atomic>
#include <list>
#include <mutex>
#include <thread>

#include "base/config.hpp"
#include "resource/resource_test.hpp"

namespace strata {
namespace {

static_assert(resource<pools>);
static_assert(resource<synchronized_pools>);

class Pools : public testing::Test {
 protected:
  test_upstream upstream_;
  pools pools_{&upstream_};
};

TEST_F(Pools, AgreeWithTheModel) {
  run_model(pools_);
  run_model(pools_, {.most_live = 5000, .most_bytes = 9000, .most_alignment = 8192, .seed = 2});
  run_model(pools_, {.operations = 5000, .most_live = 5000, .frees_any = false, .seed = 3});
  run_containers(pools_);
  expect_regions_add_up(pools_);
  pools_.trim();
  EXPECT_EQ(upstream_.live_blocks(), 0u);
}

TEST_F(Pools, EverySizeAtEveryAlignment) {
  for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2) {
    for (std::size_t bytes = 0; bytes <= 4200; bytes += bytes < 300 ? 1 : 61) {
      void* one = pools_.try_allocate(bytes, alignment);
      void* two = pools_.try_allocate(bytes, alignment);
      ASSERT_EQ(detail::address_of(one) % alignment, 0u) << bytes;
      ASSERT_EQ(detail::address_of(two) % alignment, 0u) << bytes;
      std::memset(one, 1, bytes);
      std::memset(two, 2, bytes);
      ASSERT_NE(one, two);
      pools_.deallocate(one, bytes, alignment);
      pools_.deallocate(two, bytes, alignment);
    }
  }
  pools_.verify();
  EXPECT_EQ(pools_.statistics().live_blocks, 0u);
}

TEST_F(Pools, RoundingAddsAFifthAtMost) {
  for (std::size_t bytes = 64; bytes <= 4096; ++bytes) {
    void* block = pools_.try_allocate(bytes, 8);
    EXPECT_LE(pools_.statistics().used_bytes, bytes + bytes / 4);
    EXPECT_GE(pools_.statistics().used_bytes, bytes);
    pools_.deallocate(block, bytes, 8);
  }
}

TEST_F(Pools, HoldLessThanTheStandardOnes) {
  if (config::thread_sanitizer) GTEST_SKIP() << "its allocator chooses where spans begin";
  auto peak_of = [&](std::pmr::memory_resource& of, std::size_t count) {
    std::mt19937 random{11};
    std::pmr::list<std::pmr::string> texts(&of);
    for (std::size_t i = 0; i < count; ++i) texts.emplace_back(random() % 400, 'x');
    return upstream_.live_bytes();
  };
  for (std::size_t count : {10u, 1000u, 20'000u}) {
    std::pmr::unsynchronized_pool_resource standard(&upstream_);
    std::size_t theirs = peak_of(standard, count);
    standard.release();
    pools own(&upstream_);
    pmr_ref memory(own);
    EXPECT_LE(peak_of(memory, count), theirs) << count;
  }
}

TEST_F(Pools, LargeBlocksGoUpstreamAndAreKnown) {
  void* large = pools_.try_allocate(100'000, 64);
  ASSERT_NE(large, nullptr);
  EXPECT_EQ(upstream_.live_blocks(), 1u);
  EXPECT_TRUE(pools_.owns(static_cast<char*>(large) + 99'999));
  EXPECT_FALSE(pools_.owns(static_cast<char*>(large) + 100'000));
  EXPECT_GE(pools_.statistics().used_bytes, 100'000u);
  EXPECT_EQ(pools_.statistics().live_blocks, 1u);
  void* small = pools_.try_allocate(10, 1);
  EXPECT_TRUE(pools_.owns(small));
  EXPECT_FALSE(pools_.owns(this));
  pools_.verify();
  pools_.deallocate(large, 100'000, 64);
  EXPECT_EQ(upstream_.live_blocks(), 1u);
  ASSERT_NE(pools_.try_allocate(5000, 8), nullptr) << "goes with the pools";
}

TEST_F(Pools, LargestPooledBytesIsAChoice) {
  pools small(&upstream_, {.largest_pooled_bytes = 100});
  void* block = small.try_allocate(101, 8);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(upstream_.sizes().back(), 104 + 40u);
  small.deallocate(block, 101, 8);
  run_model(small, {.operations = 3000});
}

TEST_F(Pools, ChunksOfOneClassServeAnother) {
  if (config::thread_sanitizer) GTEST_SKIP() << "its allocator chooses where spans begin";
  std::vector<void*> blocks;
  for (int i = 0; i < 10'000; ++i) blocks.push_back(pools_.try_allocate(24, 8));
  for (void* block : blocks) pools_.deallocate(block, 24, 8);
  std::size_t held = pools_.statistics().held_bytes;
  EXPECT_LE(held, (std::size_t{256 + 16} << 10));
  std::vector<void*> others;
  for (int i = 0; i < 1300; ++i) others.push_back(pools_.try_allocate(160, 8));
  EXPECT_LE(pools_.statistics().held_bytes, held + (std::size_t{40} << 10));
  for (void* block : others) pools_.deallocate(block, 160, 8);
  pools_.trim();
  EXPECT_EQ(upstream_.live_blocks(), 0u);
}

TEST_F(Pools, ExhaustionIsNullAndHarmless) {
  for (std::size_t left = 0; left < 12; ++left) {
    pools one(&upstream_);
    upstream_.left = left;
    std::vector<std::pair<void*, std::size_t>> live;
    std::size_t failed = 0;
    for (std::size_t bytes = 1; bytes < 20'000; bytes += bytes / 2 + 1) {
      void* block = one.try_allocate(bytes, 8);
      if (block == nullptr) {
        ++failed;
      } else {
        live.emplace_back(block, bytes);
      }
    }
    EXPECT_EQ(live.empty(), left == 0);
    EXPECT_GT(failed, 0u);
    one.verify();
    for (auto [block, bytes] : live) one.deallocate(block, bytes, 8);
    EXPECT_EQ(one.try_allocate(SIZE_MAX - 8, 8), nullptr);
    EXPECT_EQ(one.try_allocate(SIZE_MAX, 4096), nullptr);
    EXPECT_EQ(one.statistics().live_blocks, 0u);
  }
  upstream_.left = SIZE_MAX;
}

TEST_F(Pools, ReleaseTakesAllBack) {
  for (std::size_t bytes = 0; bytes < 10'000; bytes += 7) {
    ASSERT_NE(pools_.try_allocate(bytes, 8), nullptr);
  }
  pools_.release();
  EXPECT_EQ(upstream_.live_blocks(), 0u);
  EXPECT_EQ(pools_.statistics().used_bytes, 0u);
  ASSERT_NE(pools_.try_allocate(100, 8), nullptr);
}

// ---- Threads

// The upstream of a thread-safe resource need not be one: it is called under a lock.
TEST(SynchronizedPools, AgreeWithTheModel) {
  test_upstream upstream;
  synchronized_pools one(&upstream);
  run_model(one, {.operations = 8000});
  run_model(one, {.operations = 8000, .most_bytes = 9000, .most_alignment = 4096, .seed = 2});
  run_containers(one);
  one.trim();
  EXPECT_EQ(upstream.live_blocks(), 0u);
  EXPECT_EQ(one.statistics().live_blocks, 0u);
}

TEST(SynchronizedPools, BlocksMayBeFreedByAnotherThread) {
  test_upstream upstream;
  synchronized_pools one(&upstream);
  struct held {
    unsigned char* start;
    std::size_t bytes;
  };
  std::mutex lock;
  std::vector<held> shared;
  std::atomic<bool> wrong{false};
  auto work = [&](unsigned seed) {
    std::mt19937 random{seed};
    for (int i = 0; i < 3000; ++i) {
      std::size_t bytes = 1 + random() % (random() % 50 == 0 ? 6000 : 200);
      auto* start = static_cast<unsigned char*>(one.try_allocate(bytes, 8));
      std::memset(start, static_cast<int>(bytes & 0xff), bytes);
      held taken{nullptr, 0};
      {
        std::lock_guard hold(lock);
        shared.push_back({start, bytes});
        if (shared.size() > 300) {
          std::swap(shared[random() % shared.size()], shared.back());
          taken = shared.back();
          shared.pop_back();
        }
      }
      for (std::size_t at = 0; at < taken.bytes; ++at) {
        if (taken.start[at] != (taken.bytes & 0xff)) wrong = true;
      }
      if (taken.start != nullptr) one.deallocate(taken.start, taken.bytes, 8);
      if (i % 1000 == 0) {
        one.verify();
        if (one.statistics().live_blocks > 400) wrong = true;
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back(work, i);
  for (std::thread& each : threads) each.join();
  EXPECT_FALSE(wrong);
  EXPECT_EQ(one.statistics().live_blocks, shared.size());
  EXPECT_TRUE(one.owns(shared[0].start));
  for (held each : shared) one.deallocate(each.start, each.bytes, 8);
  one.verify();
  expect_regions_add_up(one);
  one.trim();
  EXPECT_EQ(upstream.live_blocks(), 0u);
}

TEST(SynchronizedPools, ExhaustionIsNull) {
  test_upstream upstream;
  synchronized_pools one(&upstream);
  upstream.left = 1;
  std::size_t blocks = 0;
  while (one.try_allocate(500, 8) != nullptr) ++blocks;
  EXPECT_GT(blocks, 0u);
  EXPECT_EQ(one.statistics().live_blocks, blocks);
  EXPECT_EQ(one.try_allocate(5000, 8), nullptr);
  upstream.left = SIZE_MAX;
}

// ---- Misuse

using PoolsDeathTest = Pools;

TEST_F(PoolsDeathTest, DoubleFreesAndWrongSizesStop) {
  void* one = pools_.try_allocate(100, 8);
  void* large = pools_.try_allocate(10'000, 8);
  EXPECT_DEATH(
      {
        pools_.deallocate(one, 100, 8);
        pools_.deallocate(one, 100, 8);
      },
      "strata: slab: double free: address 0x|use-after-poison");
  EXPECT_DEATH(pools_.deallocate(large, 9000, 8), "strata: pools: free with a size or alignment");
  EXPECT_DEATH(
      {
        pools_.deallocate(one, 60, 8);
        pools_.verify();
      },
      "strata: slab: invalid free|use-after-poison|heap-buffer-overflow");
  EXPECT_DEATH(pools(&upstream_, {.largest_pooled_bytes = 5000}),
               "strata: pools: call that is not allowed");
}

TEST_F(PoolsDeathTest, SynchronizedOnesNoticeDoubleFreesToo) {
  synchronized_pools several(&upstream_);
  void* one = several.try_allocate(100, 8);
  several.deallocate(one, 100, 8);
  EXPECT_DEATH(several.deallocate(one, 100, 8), "strata: synchronized_pools: double free");
}

}  // namespace
}  // namespace strata
