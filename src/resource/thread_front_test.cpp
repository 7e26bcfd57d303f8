#include <strata/thread_front.hpp>

#include <array>
#include <atomic>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <strata/bump.hpp>
#include <strata/diagnose.hpp>

#include "base/config.hpp"
#include "resource/resource_test.hpp"

namespace strata {
namespace {

using watched_front = thread_front<tracked<>>;

class ThreadFront : public testing::Test {
 protected:
  static std::size_t held_blocks(watched_front& of) {
    return of.with([](tracked<>& part) { return part.counts().live_blocks; });
  }
  template <class Action>
  static void in_a_thread(Action action) {
    std::thread one(action);
    one.join();
  }

  test_upstream upstream_;
};

TEST_F(ThreadFront, AgreesWithTheModel) {
  watched_front memory(&upstream_);
  run_model(memory, {.operations = 10'000});
  run_model(memory, {.operations = 10'000, .most_bytes = 100, .most_alignment = 16, .seed = 2});
  run_containers(memory);
  expect_regions_add_up(memory);
  EXPECT_EQ(memory.statistics().live_blocks, 0u);
  thread_front<bump> over_bump(&upstream_);
  run_model(over_bump, {.operations = 5000});
}

TEST_F(ThreadFront, FetchesBatchesThatGrow) {
  watched_front memory(&upstream_);
  std::vector<std::size_t> held;
  std::vector<void*> blocks;
  for (int i = 0; i < 64; ++i) {
    blocks.push_back(memory.try_allocate(40, 8));
    if (held.empty() || held.back() != held_blocks(memory)) held.push_back(held_blocks(memory));
  }
  EXPECT_EQ(held, (std::vector<std::size_t>{1, 3, 7, 15, 31, 47, 63, 79}));
  EXPECT_EQ(memory.statistics().live_blocks, 64u);
  for (void* block : blocks) memory.deallocate(block, 40, 8);
  EXPECT_LE(held_blocks(memory), 32u);
  EXPECT_EQ(memory.statistics().live_blocks, 0u);
  EXPECT_EQ(memory.statistics().used_bytes, 0u);
  memory.drain();
  EXPECT_EQ(held_blocks(memory), 0u);
}

TEST_F(ThreadFront, LongAndFarAlignedBlocksAreNotCached) {
  watched_front memory(&upstream_);
  for (auto [bytes, alignment] : {std::pair<std::size_t, std::size_t>{513, 8}, {100, 32}}) {
    void* block = memory.try_allocate(bytes, alignment);
    EXPECT_EQ(held_blocks(memory), 1u);
    memory.deallocate(block, bytes, alignment);
    EXPECT_EQ(held_blocks(memory), 0u);
  }
  void* longest = memory.try_allocate(512, 16);
  memory.deallocate(longest, 512, 16);
  EXPECT_EQ(held_blocks(memory), 1u);
  EXPECT_EQ(memory.try_allocate(512, 16), longest);
  memory.deallocate(longest, 512, 16);
  EXPECT_EQ(memory.try_allocate(SIZE_MAX, 8), nullptr);
}

TEST_F(ThreadFront, EmptyBlocksDiffer) {
  watched_front memory(&upstream_);
  void* one = memory.try_allocate(0, 1);
  void* other = memory.try_allocate(0, 1);
  EXPECT_NE(one, other);
  memory.deallocate(one, 0, 1);
  memory.deallocate(other, 0, 1);
}

TEST_F(ThreadFront, ExhaustionBringsTheCacheBackFirst) {
  for (std::size_t left : {0u, 1u, 5u, 40u}) {
    upstream_.left = left;
    watched_front memory(&upstream_);
    std::vector<void*> blocks;
    while (void* block = memory.try_allocate(64, 8)) blocks.push_back(block);
    EXPECT_EQ(blocks.size(), left);
    memory.verify();
    for (void* block : blocks) memory.deallocate(block, 64, 8);
  }
  upstream_.left = SIZE_MAX;
  thread_front<limited<>> memory(1000u, &upstream_);
  void* small = memory.try_allocate(64, 8);
  memory.deallocate(small, 64, 8);
  void* most = memory.try_allocate(1000, 8);
  ASSERT_NE(most, nullptr) << "what was cached is in the way";
  EXPECT_EQ(memory.try_allocate(64, 8), nullptr);
  memory.deallocate(most, 1000, 8);
}

// ---- The end of threads

TEST_F(ThreadFront, AThreadGivesItsCacheBackWhenItEnds) {
  watched_front memory(&upstream_);
  std::vector<void*> blocks;
  in_a_thread([&] {
    for (int i = 0; i < 100; ++i) blocks.push_back(memory.try_allocate(24, 8));
  });
  EXPECT_EQ(held_blocks(memory), 100u);
  in_a_thread([&] {
    for (void* block : blocks) memory.deallocate(block, 24, 8);
    EXPECT_GT(held_blocks(memory), 0u);
  });
  EXPECT_EQ(held_blocks(memory), 0u);
  EXPECT_EQ(upstream_.live_blocks(), 0u);
}

TEST_F(ThreadFront, TenThousandShortThreads) {
  watched_front memory(&upstream_);
  std::mutex lock;
  std::vector<void*> passed;
  // Sanitizers take ten times as long to make a thread.
  constexpr int waves = STRATA_UNDER_ASAN || config::thread_sanitizer ? 300 : 2500;
  for (int wave = 0; wave < waves; ++wave) {
    std::array<std::thread, 4> threads;
    for (std::thread& one : threads) {
      one = std::thread([&] {
        void* mine = memory.try_allocate(48, 8);
        void* left = memory.try_allocate(48, 8);
        memory.deallocate(mine, 48, 8);
        std::lock_guard hold(lock);
        if (passed.size() > 20) {
          memory.deallocate(passed.back(), 48, 8);
          passed.pop_back();
        }
        passed.push_back(left);
      });
    }
    for (std::thread& one : threads) one.join();
  }
  EXPECT_EQ(held_blocks(memory), passed.size());
  EXPECT_EQ(memory.statistics().live_blocks, passed.size());
  for (void* block : passed) memory.deallocate(block, 48, 8);
}

// In destructors of thread_local variables that are older than the cache.
TEST_F(ThreadFront, AThreadMayFreeToItsVeryEnd) {
  struct late {
    late() = default;
    late(const late&) = delete;
    late& operator=(const late&) = delete;
    ~late() {
      if (from == nullptr) return;
      from->deallocate(block, 30, 8);
      void* another = from->try_allocate(30, 8);
      EXPECT_NE(another, nullptr);
      from->deallocate(another, 30, 8);
    }
    watched_front* from = nullptr;
    void* block = nullptr;
  };
  watched_front memory(&upstream_);
  in_a_thread([&] {
    static thread_local late parting;
    parting.from = &memory;
    parting.block = memory.try_allocate(30, 8);
  });
  EXPECT_EQ(held_blocks(memory), 0u);
}

// ---- The end of fronts

TEST_F(ThreadFront, AFrontMayEndBeforeItsThreads) {
  std::latch used(3);
  std::latch gone(1);
  std::optional<watched_front> memory;
  memory.emplace(&upstream_);
  auto use = [&] {
    std::array<void*, 20> blocks;
    for (void*& block : blocks) block = memory->try_allocate(100, 8);
    for (void* block : blocks) memory->deallocate(block, 100, 8);
    used.count_down();
    gone.wait();
    // The same place, another front: the thread's table must not take it for the old one.
    thread_front<> other;
    void* block = other.try_allocate(100, 8);
    other.deallocate(block, 100, 8);
  };
  std::thread one(use);
  std::thread two(use);
  used.arrive_and_wait();
  EXPECT_GT(upstream_.live_blocks(), 0u);
  memory.reset();
  EXPECT_EQ(upstream_.live_blocks(), 0u);
  memory.emplace(&upstream_);
  gone.count_down();
  one.join();
  two.join();
}

TEST_F(ThreadFront, FrontsAndThreadsThatEndTogether) {
  for (int round = 0; round < 400; ++round) {
    std::optional<watched_front> memory;
    memory.emplace(&upstream_);
    std::atomic<int> busy{3};
    std::array<std::thread, 3> threads;
    for (std::thread& one : threads) {
      one = std::thread([&] {
        for (std::size_t bytes = 8; bytes < 500; bytes += 40) {
          memory->deallocate(memory->try_allocate(bytes, 8), bytes, 8);
        }
        busy.fetch_sub(1);
      });
    }
    while (busy.load() != 0) std::this_thread::yield();
    memory.reset();
    EXPECT_EQ(upstream_.live_blocks(), 0u);
    for (std::thread& one : threads) one.join();
  }
}

// ---- Many threads, many fronts

TEST_F(ThreadFront, BlocksPassBetweenThreads) {
  watched_front memory(&upstream_);
  struct cell {
    unsigned char* block;
    std::size_t bytes;
    unsigned char fill;
  };
  std::mutex lock;
  std::vector<cell> shared;
  auto work = [&](unsigned seed) {
    std::mt19937 random{seed};
    for (int turn = 0; turn < 4000; ++turn) {
      if (random() % 2 == 0) {
        cell mine{nullptr, random() % 600, static_cast<unsigned char>(random())};
        mine.block = static_cast<unsigned char*>(memory.try_allocate(mine.bytes, 8));
        ASSERT_NE(mine.block, nullptr);
        std::memset(mine.block, mine.fill, mine.bytes);
        std::lock_guard hold(lock);
        shared.push_back(mine);
      } else {
        std::unique_lock hold(lock);
        if (shared.empty()) continue;
        std::swap(shared[random() % shared.size()], shared.back());
        cell theirs = shared.back();
        shared.pop_back();
        hold.unlock();
        for (std::size_t i = 0; i < theirs.bytes; ++i) ASSERT_EQ(theirs.block[i], theirs.fill);
        memory.deallocate(theirs.block, theirs.bytes, 8);
      }
      if (turn % 500 == 0) {
        memory.verify();
        EXPECT_LE(memory.statistics().used_bytes, memory.statistics().held_bytes);
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) threads.emplace_back(work, seed);
  for (std::thread& one : threads) one.join();
  EXPECT_EQ(memory.statistics().live_blocks, shared.size());
  for (const cell& each : shared) memory.deallocate(each.block, each.bytes, 8);
}

// More than the table has places for.
TEST_F(ThreadFront, AThreadMayUseManyFronts) {
  std::vector<std::unique_ptr<watched_front>> fronts;
  for (int i = 0; i < 40; ++i) fronts.push_back(std::make_unique<watched_front>(&upstream_));
  std::mt19937 random{3};
  std::vector<std::pair<std::size_t, void*>> live;
  for (int turn = 0; turn < 5000; ++turn) {
    if (live.size() < 200) {
      std::size_t which = random() % fronts.size();
      live.emplace_back(which, fronts[which]->try_allocate(32, 8));
    } else {
      std::swap(live[random() % live.size()], live.back());
      fronts[live.back().first]->deallocate(live.back().second, 32, 8);
      live.pop_back();
    }
  }
  for (auto [which, block] : live) fronts[which]->deallocate(block, 32, 8);
  for (auto& one : fronts) EXPECT_EQ(one->statistics().live_blocks, 0u);
}

TEST_F(ThreadFront, FrontsStandOnFronts) {
  watched_front lower(&upstream_);
  pmr_ref upstream(lower);
  for (int round = 0; round < 20; ++round) {
    thread_front<upstream_ref> upper(&upstream);
    std::vector<void*> blocks;
    in_a_thread([&] {
      for (int i = 0; i < 50; ++i) blocks.push_back(upper.try_allocate(20, 8));
      for (int i = 0; i < 25; ++i) {
        upper.deallocate(blocks.back(), 20, 8);
        blocks.pop_back();
      }
    });
    for (void* block : blocks) upper.deallocate(block, 20, 8);
  }
  lower.drain();
  EXPECT_EQ(upstream_.live_blocks(), 0u);
}

TEST_F(ThreadFront, TheYoungestBlockComesBackFirst) {
  watched_front memory(&upstream_);
  auto* block = static_cast<char*>(memory.try_allocate(100, 8));
  memory.deallocate(block, 100, 8);
  EXPECT_EQ(memory.try_allocate(100, 8), block);
  std::memset(block, 1, 100);
  memory.deallocate(block, 100, 8);
}

#if STRATA_UNDER_ASAN
using ThreadFrontDeathTest = ThreadFront;

TEST_F(ThreadFrontDeathTest, CachedMemoryIsPoisoned) {
  watched_front memory(&upstream_);
  auto* block = static_cast<char*>(memory.try_allocate(100, 8));
  memory.deallocate(block, 100, 8);
  EXPECT_DEATH(block[5] = 1, "use-after-poison");
}
#endif

}  // namespace
}  // namespace strata
