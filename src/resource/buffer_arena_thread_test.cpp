// Threads that share a buffer arena.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "resource/buffer_arena_test.hpp"

namespace strata {
namespace {

TEST_F(BufferArena, ThreadsGoToTheArenaWithFewest) {
  std::mutex lock;
  std::condition_variable changed;
  int waiting = 0;
  bool go = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      arena_.deallocate(arena_.try_allocate(10, 8), 10, 8);
      std::unique_lock held(lock);
      ++waiting;
      changed.notify_all();
      changed.wait(held, [&] { return go; });
    });
  }
  {
    std::unique_lock held(lock);
    changed.wait(held, [&] { return waiting == 4; });
    EXPECT_EQ(arena_.threads_of(0), 2u);
    EXPECT_EQ(arena_.threads_of(1), 2u);
    EXPECT_EQ(arena_.metrics().threads, 4u);
    go = true;
  }
  changed.notify_all();
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(arena_.threads_of(0) + arena_.threads_of(1), 0u);
}

TEST_F(BufferArena, ACacheIsDrainedAtTheThreadsEnd) {
  std::thread([&] {
    blocks live(arena_);
    for (int i = 0; i < 100; ++i) ASSERT_NE(live.take(500), nullptr);
    live.free_all();
    EXPECT_GT(arena_.metrics().cached_bytes, 0u);
  }).join();
  buffer_arena_metrics now = arena_.metrics();
  EXPECT_EQ(now.cached_bytes, 0u);
  EXPECT_EQ(now.threads, 0u);
  EXPECT_EQ(now.allocations[detail::buffer_class_of(500)], 100u) << "its counts stay";
  EXPECT_EQ(now.hits + now.misses, 100u);
  arena_.verify();
}

TEST_F(BufferArena, AnArenaMayDieBeforeItsThreads) {
  auto arena = std::make_unique<buffer_arena>(&upstream_, buffer_arena_options{.arenas = 1});
  std::mutex lock;
  std::condition_variable changed;
  int stage = 0;
  std::thread thread([&] {
    arena->deallocate(arena->try_allocate(100, 8), 100, 8);
    arena_.deallocate(arena_.try_allocate(100, 8), 100, 8);
    std::unique_lock held(lock);
    stage = 1;
    changed.notify_all();
    changed.wait(held, [&] { return stage == 2; });
    // The cache of another one still serves.
    arena_.deallocate(arena_.try_allocate(100, 8), 100, 8);
  });
  {
    std::unique_lock held(lock);
    changed.wait(held, [&] { return stage == 1; });
    arena.reset();
    stage = 2;
  }
  changed.notify_all();
  thread.join();
  EXPECT_EQ(arena_.metrics().threads, 0u);
}

// A thread-local object that is destroyed after the caches were.
TEST_F(BufferArena, FreesAfterTheCachesEndGoPastThem) {
  struct late {
    ~late() {
      if (arena == nullptr) return;
      arena->deallocate(block, 100, 8);
      arena->deallocate(arena->try_allocate(200, 8), 200, 8);
    }
    buffer_arena* arena = nullptr;
    void* block = nullptr;
  };
  std::thread([&] {
    static thread_local late last;
    last.block = nullptr;  // made before the cache, so it dies after it
    last.block = arena_.try_allocate(100, 8);
    last.arena = &arena_;
  }).join();
  EXPECT_EQ(arena_.statistics().live_blocks, 0u);
  EXPECT_EQ(arena_.metrics().cached_bytes, 0u);
  arena_.verify();
}

TEST_F(BufferArena, MoreArenasThanAThreadRemembers) {
  std::vector<std::unique_ptr<buffer_arena>> many;
  for (int i = 0; i < 9; ++i) {
    many.push_back(std::make_unique<buffer_arena>(&upstream_, buffer_arena_options{.arenas = 1}));
  }
  std::vector<void*> held;
  for (int round = 0; round < 3; ++round) {
    for (auto& each : many) held.push_back(each->try_allocate(64, 8));
  }
  for (std::size_t i = 0; i < held.size(); ++i) many[i % 9]->deallocate(held[i], 64, 8);
  for (auto& each : many) {
    EXPECT_EQ(each->metrics().threads, 1u);
    EXPECT_EQ(each->metrics().misses, 2u);
    each->verify();
  }
}

// Each thread allocates, passes on, and frees what others allocated.
TEST_F(BufferArena, ConcurrentUse) {
  struct parcel {
    std::uint64_t* block;
    std::size_t bytes;
    std::uint64_t mark;
  };
  std::mutex lock;
  std::deque<parcel> mail;
  auto work = [&](unsigned seed) {
    std::mt19937 random{seed};
    for (int i = 0; i < 3000; ++i) {
      std::size_t bytes = 8 + random() % (random() % 50 == 0 ? 200'000 : 3000);
      auto* block = static_cast<std::uint64_t*>(arena_.try_allocate(bytes, 8));
      ASSERT_NE(block, nullptr);
      parcel one{block, bytes, random()};
      *block = one.mark;
      {
        std::scoped_lock held(lock);
        mail.push_back(one);
        if (mail.size() < 100) continue;
        one = mail.front();
        mail.pop_front();
      }
      ASSERT_EQ(*one.block, one.mark);
      arena_.deallocate(one.block, one.bytes, 8);
      if (i % 500 == 0) arena_.trim();
      if (i % 300 == 0) static_cast<void>(arena_.statistics());
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i <= 4; ++i) threads.emplace_back(work, i);
  for (std::thread& each : threads) each.join();
  arena_.verify();
  expect_regions_add_up(arena_);
  EXPECT_EQ(arena_.statistics().live_blocks, mail.size());
  for (const parcel& each : mail) arena_.deallocate(each.block, each.bytes, 8);
  arena_.trim();
  arena_.verify();
  EXPECT_EQ(count(arena_.metrics().chunks), 0u);
}

TEST_F(BufferArena, TrimReachesOtherThreadsWhenTheyComeBy) {
  std::mutex lock;
  std::condition_variable changed;
  int stage = 0;
  auto reach = [&](int next) {
    std::unique_lock held(lock);
    stage = next;
    changed.notify_all();
    changed.wait(held, [&] { return stage == next + 1; });
  };
  std::thread thread([&] {
    {
      blocks live(arena_);
      for (int i = 0; i < 100; ++i) ASSERT_NE(live.take(1000), nullptr);
    }
    reach(1);
    arena_.deallocate(arena_.try_allocate(5000, 8), 5000, 8);  // misses its cache
    reach(3);
  });
  std::unique_lock held(lock);
  changed.wait(held, [&] { return stage == 1; });
  arena_.trim();
  EXPECT_GE(arena_.metrics().cached_bytes, 100u * 1000);
  stage = 2;
  changed.notify_all();
  changed.wait(held, [&] { return stage == 3; });
  EXPECT_LE(arena_.metrics().cached_bytes, 5120u);
  stage = 4;
  changed.notify_all();
  held.unlock();
  thread.join();
}

}  // namespace
}  // namespace strata
