#include <strata/object_pool.hpp>

#include <chrono>
#include <optional>
#include <thread>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

// Counts itself, and knows how many hold it.
struct counted {
  counted() { ++made; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { ++destroyed; }
  std::atomic<int> holders{0};
  int uses = 0;
  static inline std::atomic<std::size_t> made;
  static inline std::atomic<std::size_t> destroyed;
};

using counted_pool = object_pool<counted>;
constexpr object_pool_options by_hand{.most_idle = 4096, .period_ms = 0};

class ObjectPool : public testing::Test {
 protected:
  ObjectPool() { counted::made = counted::destroyed = 0; }
  ~ObjectPool() override { EXPECT_EQ(counted::made, counted::destroyed); }

  static void fill(counted_pool& pool, std::size_t count) {
    std::vector<counted_pool::handle> held;
    for (std::size_t i = 0; i < count; ++i) held.push_back(pool.get());
  }

  test_upstream upstream_;
};

TEST_F(ObjectPool, HandsOutWhatCameBack) {
  counted_pool pool(by_hand, {}, &upstream_);
  counted* first = pool.take();
  pool.put(first);
  for (int i = 0; i < 1000; ++i) {
    counted_pool::handle again = pool.get();
    EXPECT_EQ(again.get(), first);
  }
  EXPECT_EQ(counted::made, 1u);
  EXPECT_EQ(pool.statistics().in_use(), 0u);
  EXPECT_EQ(pool.statistics().idle, 1u);
  pool.verify();
}

TEST_F(ObjectPool, AnIdleObjectLivesThroughOneCycleAndNotThroughTwo) {
  // 1: in the thread's own list; 100: in the shared one, too.
  for (std::size_t count : {std::size_t{1}, std::size_t{100}}) {
    counted_pool pool(by_hand, {}, &upstream_);
    fill(pool, count);
    pool.cycle();
    pool.verify();
    EXPECT_EQ(pool.statistics().idle, count);
    fill(pool, count);
    EXPECT_EQ(pool.statistics().made, count) << "all of them were found again";
    pool.cycle();
    pool.cycle();
    EXPECT_EQ(pool.statistics().idle, 0u);
    EXPECT_EQ(pool.statistics().destroyed, count);
    EXPECT_EQ(upstream_.live_blocks(), 0u);
  }
}

TEST_F(ObjectPool, WhatIsUsedBetweenCyclesStays) {
  counted_pool pool(by_hand, {}, &upstream_);
  fill(pool, 50);
  for (int i = 0; i < 10; ++i) {
    fill(pool, 5);
    pool.cycle();
    pool.verify();
  }
  EXPECT_EQ(pool.statistics().idle, 5u);
  EXPECT_EQ(counted::made, 50u);
}

TEST_F(ObjectPool, ACycleTakesWhatAnIdleThreadHas) {
  counted_pool pool(by_hand);
  std::atomic<int> step{0};
  std::thread idle([&] {
    fill(pool, 3);
    step = 1;
    while (step != 2) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  EXPECT_EQ(pool.statistics().idle, 3u);
  pool.cycle();
  pool.cycle();
  EXPECT_EQ(counted::destroyed, 3u);
  step = 2;
  idle.join();
}

TEST_F(ObjectPool, OthersMayTakeAllButAThreadsOwn) {
  counted_pool pool(by_hand);
  std::atomic<int> step{0};
  std::thread owner([&] {
    fill(pool, 200);
    step = 1;
    while (step != 2) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  std::vector<counted_pool::handle> stolen;
  for (int i = 0; i < 200; ++i) stolen.push_back(pool.get());
  EXPECT_LE(counted::made, 200u + 16u);
  step = 2;
  owner.join();
  // Its own are for all when it has ended.
  for (int i = 0; i < 16; ++i) stolen.push_back(pool.get());
  EXPECT_LE(counted::made, 200u + 16u);
  pool.verify();
}

TEST_F(ObjectPool, WhatOneThreadStoleAnotherStealsFromIt) {
  counted_pool pool(by_hand);
  std::atomic<int> step{0};
  auto fill_and_stay = [&](std::size_t count, int next) {
    fill(pool, count);
    step = next;
    while (step != 3) std::this_thread::yield();
  };
  std::thread owner([&] { fill_and_stay(200, 1); });
  while (step != 1) std::this_thread::yield();
  std::thread thief([&] { fill_and_stay(1, 2); });
  while (step != 2) std::this_thread::yield();
  std::vector<counted_pool::handle> stolen;
  for (int i = 0; i < 150; ++i) stolen.push_back(pool.get());
  EXPECT_EQ(counted::made, 200u);
  pool.verify();
  step = 3;
  owner.join();
  thief.join();
}

TEST_F(ObjectPool, AThreadsEndLeavesItsObjectsAndItsPlace) {
  counted_pool pool(by_hand);
  for (int i = 0; i < 50; ++i) {
    std::thread([&] { fill(pool, 10); }).join();
    pool.verify();
  }
  EXPECT_EQ(counted::made, 10u);
}

TEST_F(ObjectPool, NoObjectIsHandedOutTwice) {
  constexpr int threads = 4;
  counted_pool pool({.most_idle = 60, .period_ms = 1});
  std::vector<std::thread> all;
  std::atomic<bool> stop{false};
  for (int which = 0; which < threads; ++which) {
    all.emplace_back([&, which] {
      std::mt19937 random(static_cast<unsigned>(which));
      std::vector<counted_pool::handle> held;
      for (int turn = 0; turn < 10'000; ++turn) {
        if (held.size() < random() % 40) {
          held.push_back(pool.get());
          EXPECT_EQ(held.back()->holders.fetch_add(1), 0);
          ++held.back()->uses;  // a race, if two had it
        } else if (!held.empty()) {
          EXPECT_EQ(held.back()->holders.fetch_sub(1), 1);
          held.pop_back();
        }
      }
      for (counted_pool::handle& each : held) each->holders = 0;
    });
  }
  std::thread cycler([&] {
    while (!stop) {
      pool.cycle();
      pool.verify();
      EXPECT_LE(pool.statistics().idle, 60u);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  for (std::thread& each : all) each.join();
  stop = true;
  cycler.join();
  EXPECT_EQ(pool.statistics().in_use(), 0u);
  pool.verify();
}

TEST_F(ObjectPool, OneThreadMayTakeAndAnotherPutBack) {
  counted_pool pool(by_hand);
  constexpr int count = 20'000;
  std::mutex lock;
  std::vector<counted*> sent;
  std::thread consumer([&] {
    for (int got = 0; got < count;) {
      std::vector<counted*> arrived;
      {
        std::lock_guard inside(lock);
        arrived.swap(sent);
      }
      got += static_cast<int>(arrived.size());
      for (counted* each : arrived) pool.put(each);
      if (arrived.empty()) std::this_thread::yield();
    }
  });
  for (int i = 0; i < count;) {
    std::size_t waiting = 0;
    {
      std::lock_guard inside(lock);
      waiting = sent.size();
    }
    if (waiting > 100) {
      std::this_thread::yield();
      continue;
    }
    counted* one = pool.take();
    std::lock_guard inside(lock);
    sent.push_back(one);
    ++i;
  }
  consumer.join();
  EXPECT_LT(counted::made, 500u) << "what the consumer puts back, the producer finds";
}

TEST_F(ObjectPool, ThreadsAndPoolsEndInEitherOrder) {
  std::optional<counted_pool> pool;
  pool.emplace(by_hand);
  std::atomic<int> step{0};
  std::thread outlives([&] {
    fill(*pool, 20);
    step = 1;
    while (step != 2) std::this_thread::yield();
    counted_pool other(by_hand);  // in the place of one that is gone
    fill(other, 20);
    other.verify();
  });
  while (step != 1) std::this_thread::yield();
  pool.reset();
  EXPECT_EQ(counted::destroyed, 20u);
  pool.emplace(by_hand);  // at the same address
  fill(*pool, 20);
  step = 2;
  outlives.join();
}

// Uses the pool when the pool's own hook for the thread's end has run.
struct late_user {
  ~late_user() {
    counted_pool::handle one = pool->get();
    ++one->uses;
  }
  counted_pool* pool = nullptr;
};

TEST_F(ObjectPool, DestructorsOfAThreadMayUseIt) {
  counted_pool pool(by_hand);
  std::thread([&] {
    thread_local late_user late;
    late.pool = &pool;
    fill(pool, 3);
  }).join();
  pool.verify();
  EXPECT_EQ(pool.statistics().idle, 3u);
  EXPECT_EQ(pool.statistics().in_use(), 0u);
}

TEST_F(ObjectPool, IdleObjectsAreBounded) {
  for (std::size_t most : {0u, 1u, 2u, 15u, 17u, 40u}) {
    counted_pool pool({.most_idle = most, .period_ms = 0}, {}, &upstream_);
    for (int round = 0; round < 4; ++round) {
      fill(pool, 100);
      pool.verify();
      EXPECT_LE(pool.statistics().idle, most);
      EXPECT_GE(pool.statistics().idle, round == 0 ? most / 2 : 0);
      if (round % 2 == 1) pool.cycle();
    }
  }
}

TEST_F(ObjectPool, MorePoolsThanAThreadHasPlacesFor) {
  std::vector<std::unique_ptr<counted_pool>> pools;
  for (int i = 0; i < 100; ++i) pools.push_back(std::make_unique<counted_pool>(by_hand));
  for (int round = 0; round < 3; ++round) {
    for (auto& each : pools) fill(*each, 2);
  }
  EXPECT_EQ(counted::made, 200u);
  for (auto& each : pools) each->verify();
}

TEST_F(ObjectPool, TheClockMakesCycles) {
  counted_pool pool({.period_ms = 10});
  fill(pool, 100);
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(4);
  while (counted::destroyed < 99 && std::chrono::steady_clock::now() < end) fill(pool, 1);
  EXPECT_EQ(counted::destroyed, 99u);
  EXPECT_GE(pool.statistics().cycles, 2u);
}

TEST_F(ObjectPool, ExhaustionIsBadAllocOrEmptyAndHarmless) {
  counted_pool pool(by_hand, {}, &upstream_);
  std::size_t expected = 0;
  for (std::size_t left = 0; left < 5; ++left) {
    upstream_.left = left;
    std::vector<counted_pool::handle> held;
    while (counted_pool::handle one = pool.try_get()) held.push_back(std::move(one));
    EXPECT_EQ(held.size(), expected += left) << "those of the rounds before, and new ones";
    EXPECT_THROW(static_cast<void>(pool.get()), std::bad_alloc);
    pool.verify();
  }
  upstream_.left = SIZE_MAX;
}

TEST_F(ObjectPool, HandlesMove) {
  counted_pool pool(by_hand, {}, &upstream_);
  counted_pool::handle one = pool.get();
  counted_pool::handle other = std::move(one);
  EXPECT_FALSE(one);  // NOLINT(bugprone-use-after-move): what a move leaves
  one = pool.get();
  EXPECT_EQ(pool.statistics().in_use(), 2u);
  one = std::move(other);
  EXPECT_EQ(pool.statistics().in_use(), 1u);
  counted* alone = one.release();
  EXPECT_FALSE(one);
  EXPECT_EQ(pool.statistics().in_use(), 1u);
  pool.put(alone);
  counted_pool::handle().put_back();
}

struct text_hooks {
  std::string make() {
    if (fails) throw 7;
    return "new";
  }
  bool reset(std::string& one) noexcept {
    bool keep = one.capacity() < 1000;
    one.clear();
    return keep;
  }
  bool fails = false;
};

TEST_F(ObjectPool, HooksMakeCleanAndRefuse) {
  object_pool<std::string, text_hooks> pool(by_hand, {}, &upstream_);
  pooled<std::string, text_hooks> one = pool.get();
  EXPECT_EQ(*one, "new");
  one.put_back();
  one = pool.get();
  EXPECT_EQ(*one, "");
  one->assign(5000, 'x');
  one.put_back();
  EXPECT_EQ(pool.statistics().destroyed, 1u);
  pool.hooks().fails = true;
  EXPECT_THROW(static_cast<void>(pool.get()), int);
  EXPECT_THROW(static_cast<void>(pool.try_get()), int);
  EXPECT_EQ(upstream_.live_blocks(), 0u);
}

TEST_F(ObjectPool, AlignsObjects) {
  struct alignas(256) wide {
    char first = 1;
  };
  object_pool<wide> pool(by_hand, {}, &upstream_);
  object_pool<char> chars(by_hand, {}, &upstream_);
  std::vector<pooled<wide>> held;
  for (int i = 0; i < 30; ++i) {
    held.push_back(pool.get());
    EXPECT_EQ(detail::address_of(held.back().get()) % 256, 0u);
    EXPECT_EQ(*chars.get(), 0);
  }
}

// Its destructor puts another one back.
struct parent;
struct parent_hooks {
  parent make();
  bool reset(parent& /*one*/) noexcept { return true; }
};
struct parent {
  pooled<parent, parent_hooks> child;
};
parent parent_hooks::make() { return {}; }

TEST_F(ObjectPool, ADestructorMayPutBack) {
  object_pool<parent, parent_hooks> pool(by_hand, {}, &upstream_);
  for (int i = 0; i < 20; ++i) {
    pooled<parent, parent_hooks> one = pool.get();
    if (!one->child) one->child = pool.get();
    if (i % 5 == 4) pool.cycle();
  }
}

using ObjectPoolDeathTest = ObjectPool;

TEST_F(ObjectPoolDeathTest, WrongReturnsStop) {
  counted_pool pool(by_hand, {}, &upstream_);
  counted_pool other(by_hand, {}, &upstream_);
  counted* one = pool.take();
  EXPECT_DEATH(other.put(one), "strata: object_pool: invalid free: not a block of this resource");
  pool.put(one);
  EXPECT_DEATH(pool.put(one), "strata: object_pool: double free: address 0x");
  EXPECT_DEATH(
      {
        counted_pool left(by_hand);
        static_cast<void>(left.take());
      },
      "strata: object_pool: destroyed while blocks are live");
}

#if STRATA_UNDER_ASAN
TEST_F(ObjectPoolDeathTest, IdleObjectsArePoisoned) {
  counted_pool pool(by_hand);
  counted* one = pool.take();
  pool.put(one);
  EXPECT_DEATH(one->uses = 1, "use-after-poison");
}
#endif

}  // namespace
}  // namespace strata
