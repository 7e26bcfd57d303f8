#include <memory>
#include <mutex>
#include <numeric>

#include "os/memory.hpp"
#include "resource/buffer_pool_test.hpp"
#include "resource/resource_test.hpp"

namespace strata {
namespace {

using namespace std::chrono_literals;

static_assert(resource<buffer_pool>);

// Addresses with next to nothing behind them.
class no_memory_upstream final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t /*alignment*/) override {
    void* start = os::reserve(bytes, os::page_bytes(), os::reserved_as::inaccessible);
    if (start == nullptr || !os::commit(start, os::page_bytes())) throw std::bad_alloc();
    return start;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t /*alignment*/) override {
    EXPECT_TRUE(os::release(block, bytes));
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

// ---- What Kafka's pool does

TEST_F(BufferPool, Simple) {
  buffer_pool pool({.total_bytes = 64 * size, .poolable_bytes = size}, &upstream_);
  pooled_buffer buffer = pool.acquire(size, 10ms);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(buffer.size(), size);
  EXPECT_EQ(buffer.status(), acquire_status::granted);
  EXPECT_EQ(pool.metrics().free_bytes, 63 * size);
  EXPECT_EQ(pool.metrics().lent_bytes, size);
  std::fill(buffer.span().begin(), buffer.span().end(), std::byte{1});
  std::byte* start = buffer.data();
  buffer.reset();
  EXPECT_FALSE(buffer);
  EXPECT_EQ(pool.metrics().pooled_bytes, size);
  EXPECT_EQ(available(pool), 64 * size);

  buffer = pool.acquire(size, 10ms);
  EXPECT_EQ(buffer.data(), start) << "the ready one";
  EXPECT_EQ(available(pool), 63 * size);
  buffer.reset();

  buffer = pool.acquire(2 * size, 10ms);
  EXPECT_EQ(pool.metrics().pooled_bytes, size);
  EXPECT_EQ(available(pool), 62 * size);
  buffer.reset();
  EXPECT_EQ(pool.metrics().pooled_bytes, size) << "of the poolable size only";
  EXPECT_EQ(available(pool), 64 * size);
  EXPECT_EQ(upstream_.live_bytes(), size);
}

TEST_F(BufferPool, CannotExceedTotal) {
  buffer_pool pool({.total_bytes = 1024, .poolable_bytes = 512}, &upstream_);
  EXPECT_TRUE(pool.acquire(1024, 10ms));
  EXPECT_EQ(pool.acquire(1025).status(), acquire_status::too_large) << "at once";
  EXPECT_EQ(pool.acquire(SIZE_MAX).status(), acquire_status::too_large);
  std::array<std::size_t, 2> sizes = {SIZE_MAX, 512};
  std::array<pooled_buffer, 2> into;
  EXPECT_EQ(pool.acquire_all(sizes, into), acquire_status::too_large)
      << "and not their sum modulo 2^64";
}

TEST_F(BufferPool, DelayedAllocation) {
  buffer_pool pool({.total_bytes = 5 * size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(size);
  pooled_buffer all;
  std::thread waiting([&] { all = pool.acquire(5 * size); });
  await_waiters(pool, 1);
  EXPECT_EQ(pool.metrics().reserved_bytes, 4 * size);
  held.reset();
  waiting.join();
  EXPECT_EQ(all.size(), 5 * size);
  EXPECT_EQ(pool.metrics().reserved_bytes, 0u);
}

TEST_F(BufferPool, Exhausted) {
  buffer_pool pool({.total_bytes = 2, .poolable_bytes = 0}, &upstream_);
  pooled_buffer held = pool.acquire(1, 10ms);
  EXPECT_EQ(pool.acquire(2, 5ms).status(), acquire_status::timeout);
  EXPECT_EQ(pool.try_acquire(2).status(), acquire_status::timeout);
  EXPECT_EQ(pool.acquire(2, std::chrono::steady_clock::now() - 1h).status(),
            acquire_status::timeout);
  EXPECT_EQ(pool.metrics().exhausted_count, 3u);
  EXPECT_EQ(pool.metrics().wait_count, 1u) << "the others did not wait";
  EXPECT_TRUE(pool.try_acquire(1));
}

TEST_F(BufferPool, TimeoutBounds) {
  // One limit for the whole call: room that comes back and isn't enough does not begin it anew.
  buffer_pool pool({.total_bytes = 100, .poolable_bytes = 0}, &upstream_);
  pooled_buffer kept = pool.acquire(1);
  std::vector<pooled_buffer> held;
  for (int i = 0; i < 99; ++i) held.push_back(pool.acquire(1));
  std::atomic<bool> over = false;
  std::thread freeing([&] {
    await_waiters(pool, 1);
    while (!over && !held.empty()) {
      held.pop_back();
      std::this_thread::sleep_for(1ms);
    }
  });
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(pool.acquire(100, 20ms).status(), acquire_status::timeout);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
  over = true;
  freeing.join();
  EXPECT_GE(pool.metrics().wait_ns, 20'000'000u);
  auto deadline = std::chrono::steady_clock::now() + 5ms;
  EXPECT_EQ(pool.acquire(100, deadline).status(), acquire_status::timeout);
  EXPECT_GE(std::chrono::steady_clock::now(), deadline);
  EXPECT_TRUE(pool.acquire(1, std::chrono::hours::max())) << "for ever, without overflow";
  EXPECT_TRUE(pool.acquire(1, std::chrono::steady_clock::time_point::max()));
}

TEST_F(BufferPool, WaiterCleanUpOnTimeout) {
  buffer_pool pool({.total_bytes = 4 * size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(2 * size);
  pooled_buffer small;
  std::thread large(
      [&] { EXPECT_EQ(pool.acquire(4 * size, 30ms).status(), acquire_status::timeout); });
  await_waiters(pool, 1);
  std::thread behind([&] { small = pool.acquire(size); });
  large.join();
  behind.join();  // the head left: what was reserved for it serves the next
  EXPECT_TRUE(small);
  EXPECT_EQ(pool.metrics().waiters, 0u);
  EXPECT_EQ(available(pool), size);
  pool.verify();
}

TEST_F(BufferPool, WaiterCleanUpOnFailure) {
  buffer_pool pool({.total_bytes = 2 * size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(2 * size);
  pooled_buffer second;
  std::thread first([&] {
    EXPECT_EQ(pool.acquire(2 * size - 1).status(), acquire_status::no_memory);
    upstream_.left = UINT64_MAX;
  });
  await_waiters(pool, 1);
  std::atomic<int> failures = 0;
  std::thread next([&] {
    // Woken by the failure; may come before upstream has recovered.
    do {
      second = pool.acquire(2 * size);
    } while (second.status() == acquire_status::no_memory && ++failures < 1'000'000);
  });
  await_waiters(pool, 2);
  upstream_.left = 0;
  held.reset();
  first.join();
  next.join();
  EXPECT_TRUE(second);
  pool.verify();
}

TEST_F(BufferPool, StressfulSituation) {
  constexpr int threads = 10;
  constexpr int rounds = 50'000;
  constexpr std::uint64_t total = threads / 2 * size;
  // Slow machines and sanitizers do what they can in the time.
  auto end = std::chrono::steady_clock::now() + 1500ms;
  {
    buffer_pool pool({.total_bytes = total, .poolable_bytes = size}, &upstream_);
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
      all.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(t));
        for (int i = 0; i < rounds && std::chrono::steady_clock::now() < end; ++i) {
          std::size_t bytes = random() % 2 == 0 ? size : 1 + random() % total;
          pooled_buffer buffer = pool.acquire(bytes);
          ASSERT_TRUE(buffer);
          buffer.span().front() = buffer.span().back() = static_cast<std::byte>(t);
          ASSERT_EQ(buffer.span().front(), static_cast<std::byte>(t));
        }
      });
    }
    for (std::thread& each : all) each.join();
    EXPECT_EQ(available(pool), total);
    EXPECT_EQ(pool.statistics().live_blocks, 0u);
    pool.verify();
  }
  EXPECT_LE(upstream_.most_live_bytes(), total + threads * size);
}

TEST_F(BufferPool, LargeAvailableMemory) {
  constexpr std::uint64_t total = 20'000'000'000;
  constexpr std::size_t large = 2'000'000'512;
  no_memory_upstream upstream;
  buffer_pool pool({.total_bytes = total, .poolable_bytes = large}, &upstream);
  pooled_buffer first = pool.acquire(large, 0ns);
  EXPECT_EQ(available(pool), total - large);
  pooled_buffer second = pool.acquire(large, 0ns);
  EXPECT_EQ(available(pool), total - 2 * large);
  first.reset();
  EXPECT_EQ(available(pool), total - large);
  second.reset();
  EXPECT_EQ(available(pool), total);
  EXPECT_EQ(pool.metrics().pooled_bytes, 2 * large);
  EXPECT_EQ(pool.try_acquire(total + 1).status(), acquire_status::too_large);
}

TEST_F(BufferPool, OutOfMemory) {
  buffer_pool pool({.total_bytes = 4 * size, .poolable_bytes = size}, &upstream_);
  upstream_.left = 0;
  EXPECT_EQ(pool.acquire(size).status(), acquire_status::no_memory);
  EXPECT_EQ(pool.acquire(3).status(), acquire_status::no_memory);
  EXPECT_EQ(pool.try_allocate(3, 1), nullptr);
  EXPECT_EQ(available(pool), 4 * size);
  pool.verify();
  upstream_.left = UINT64_MAX;
  EXPECT_TRUE(pool.acquire(4 * size));
}

TEST_F(BufferPool, Close) {
  buffer_pool pool({.total_bytes = 10 * size, .poolable_bytes = size}, &upstream_);
  pooled_buffer whole = pool.acquire(size);
  pooled_buffer odd = pool.acquire(7);
  pool.acquire(size).reset();
  pool.close();
  EXPECT_EQ(upstream_.live_bytes(), size + 7) << "nothing is kept ready";
  EXPECT_EQ(pool.acquire(size).status(), acquire_status::closed);
  EXPECT_EQ(pool.try_acquire(7).status(), acquire_status::closed);
  whole.reset();
  odd.reset();
  EXPECT_EQ(available(pool), 10 * size);
  EXPECT_EQ(upstream_.live_bytes(), 0u);
  pool.close();
  pool.verify();
}

TEST_F(BufferPool, CloseWakesAll) {
  buffer_pool pool({.total_bytes = size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(size);
  std::vector<std::thread> waiting;
  for (std::size_t i = 0; i < 6; ++i) {
    waiting.emplace_back([&, i] {
      EXPECT_EQ(pool.acquire(size - i % 2, i % 3 == 0 ? time_limit() : time_limit(1h)).status(),
                acquire_status::closed);
    });
  }
  await_waiters(pool, 6);
  pool.close();
  for (std::thread& each : waiting) each.join();
  EXPECT_EQ(pool.metrics().wait_count, 6u);
  EXPECT_EQ(pool.metrics().exhausted_count, 0u);
}

// ---- Order

TEST_F(BufferPool, FirstInFirstOut) {
  constexpr std::size_t count = 8;
  buffer_pool pool({.total_bytes = count * size, .poolable_bytes = size}, &upstream_);
  pooled_buffer all = pool.acquire(count * size);
  std::mutex lock;
  std::vector<std::size_t> order;
  std::vector<std::thread> waiting;
  for (std::size_t i = 0; i < count; ++i) {
    waiting.emplace_back([&, i] {
      // Each needs all, so that one is served at a time.
      pooled_buffer mine = pool.acquire(count * size - i);
      std::lock_guard held(lock);
      order.push_back(i);
    });
    await_waiters(pool, i + 1);
  }
  all.reset();
  for (std::thread& each : waiting) each.join();
  std::vector<std::size_t> expected(count);
  std::iota(expected.begin(), expected.end(), 0u);
  EXPECT_EQ(order, expected);
}

TEST_F(BufferPool, NobodyPassesAWaiter) {
  buffer_pool pool({.total_bytes = 4 * size, .poolable_bytes = size}, &upstream_);
  std::array<pooled_buffer, 3> held;
  for (pooled_buffer& each : held) each = pool.acquire(size);
  held[0].reset();
  EXPECT_EQ(pool.metrics().pooled_bytes, size);
  pooled_buffer large;
  std::thread waiting([&] { large = pool.acquire(3 * size + 1); });
  await_waiters(pool, 1);
  EXPECT_EQ(pool.try_acquire(size).status(), acquire_status::timeout)
      << "one is ready, and not for us";
  EXPECT_EQ(pool.try_acquire(1).status(), acquire_status::timeout);
  EXPECT_EQ(pool.acquire(1, 1ms).status(), acquire_status::timeout);
  held[1].reset();
  EXPECT_EQ(pool.metrics().reserved_bytes, 3 * size);
  held[2].reset();
  waiting.join();
  EXPECT_EQ(large.size(), 3 * size + 1);
  EXPECT_TRUE(pool.try_acquire(1));
}

// ---- Several at once

TEST_F(BufferPool, SeveralAtOnceAreAllOrNone) {
  buffer_pool pool({.total_bytes = 8 * size, .poolable_bytes = size}, &upstream_);
  pool.acquire(size).reset();
  std::array<std::size_t, 4> sizes = {size, 100, size, 3 * size};
  std::array<pooled_buffer, 4> into;
  ASSERT_EQ(pool.acquire_all(sizes, into), acquire_status::granted);
  EXPECT_EQ(upstream_.taken, 4u) << "one was ready";
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(into[i].size(), sizes[i]);
  EXPECT_EQ(available(pool), 3 * size - 100);
  EXPECT_EQ(pool.statistics().live_blocks, 4u);

  std::array<pooled_buffer, 4> more;
  EXPECT_EQ(pool.acquire_all(sizes, more, 0ns), acquire_status::timeout);
  EXPECT_EQ(pool.acquire_all(sizes, more, 5ms), acquire_status::timeout);
  EXPECT_EQ(available(pool), 3 * size - 100) << "a timeout leaves nothing reserved";
  EXPECT_FALSE(more[0]);
  EXPECT_EQ(pool.acquire_all(sizes, into, 0ns), acquire_status::granted) << "its own go back first";
  EXPECT_EQ(pool.acquire_all({}, {}), acquire_status::granted);
}

TEST_F(BufferPool, SeveralAtOnceSurviveEachFailureOfUpstream) {
  std::array<std::size_t, 5> sizes = {size, 100, size, 0, size};
  for (std::uint64_t left = 0; left < 4; ++left) {
    buffer_pool pool({.total_bytes = 8 * size, .poolable_bytes = size}, &upstream_);
    pool.acquire(size).reset();
    std::array<pooled_buffer, 5> into;
    upstream_.left = left;
    EXPECT_EQ(pool.acquire_all(sizes, into), acquire_status::no_memory);
    for (const pooled_buffer& each : into) EXPECT_FALSE(each);
    EXPECT_EQ(available(pool), 8 * size);
    pool.verify();
    upstream_.left = UINT64_MAX;
    EXPECT_EQ(pool.acquire_all(sizes, into), acquire_status::granted);
  }
}

// ---- Shares and races

TEST_F(BufferPool, ThreadsTimeOutCloseAndAreGrantedAtOnce) {
  for (int round = 0; round < 20; ++round) {
    buffer_pool pool({.total_bytes = 3 * size, .poolable_bytes = size}, &upstream_);
    std::vector<std::thread> all;
    for (int t = 0; t < 8; ++t) {
      all.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(t * 100 + round));
        while (true) {
          pooled_buffer one = pool.acquire(1 + random() % (3 * size), 50us);
          if (one.status() == acquire_status::closed) return;
          std::array<std::size_t, 2> sizes = {size, 10};
          std::array<pooled_buffer, 2> into;
          one.reset();
          if (pool.acquire_all(sizes, into, 20us) == acquire_status::closed) return;
        }
      });
    }
    std::this_thread::sleep_for(2ms);
    pool.close();
    for (std::thread& each : all) each.join();
    EXPECT_EQ(available(pool), 3 * size);
    pool.verify();
  }
}

// ---- As a resource

TEST_F(BufferPool, AgreesWithTheModel) {
  test_upstream upstream;
  buffer_pool pool({.total_bytes = 300'000, .poolable_bytes = 512, .alignment = 256}, &upstream);
  run_model(pool, {.operations = 5000});
  run_containers(pool);
  expect_regions_add_up(pool);
  EXPECT_EQ(pool.try_allocate(1, 512), nullptr) << "above the pool's alignment";
  as_pmr<buffer_pool> memory;
  std::pmr::vector<int> numbers(1000, 7, &memory);
  EXPECT_EQ(memory->statistics().used_bytes, 4000u);
}

TEST_F(BufferPool, ExhaustionIsNullAndHarmless) {
  for (std::uint64_t left = 0; left < 6; ++left) {
    buffer_pool pool({.total_bytes = 4 * size, .poolable_bytes = size}, &upstream_);
    upstream_.left = left;
    std::vector<void*> blocks;
    while (void* block = pool.try_allocate(size, 8)) blocks.push_back(block);
    EXPECT_EQ(blocks.size(), std::min<std::uint64_t>(left, 4));
    pool.verify();
    for (void* block : blocks) pool.deallocate(block, size, 8);
    upstream_.left = UINT64_MAX;
    EXPECT_TRUE(pool.try_acquire(4 * size)) << "ready ones make room";
  }
}

TEST_F(BufferPool, ReadyBuffersMakeRoomAndOnlyAsManyAsAreNeeded) {
  buffer_pool pool({.total_bytes = 4 * size, .poolable_bytes = size}, &upstream_);
  {
    std::array<pooled_buffer, 4> all;
    for (pooled_buffer& each : all) each = pool.acquire(size);
  }
  EXPECT_EQ(pool.metrics().pooled_bytes, 4 * size);
  pooled_buffer odd = pool.acquire(size + 1);
  EXPECT_EQ(pool.metrics().pooled_bytes, 2 * size);
  EXPECT_EQ(pool.metrics().free_bytes, size - 1);
  EXPECT_EQ(upstream_.live_bytes(), 3 * size + 1);
}

TEST_F(BufferPool, HandlesMoveAndLetGo) {
  buffer_pool pool({.total_bytes = 4 * size, .poolable_bytes = size}, &upstream_);
  pooled_buffer one = pool.acquire(0);
  EXPECT_EQ(one.size(), 1u);
  pooled_buffer other = std::move(one);
  EXPECT_FALSE(one);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(one.size(), 0u);
  other = pool.acquire(size);
  EXPECT_EQ(pool.statistics().live_blocks, 1u) << "assignment gives the old one back";
  std::byte* start = other.detach();
  EXPECT_FALSE(other);
  EXPECT_EQ(pool.statistics().live_blocks, 1u);
  pool.release(start, size);
  raw_buffer raw = pool.acquire_raw(0);
  EXPECT_EQ(raw.status, acquire_status::granted);
  pool.release(raw.start, 0);
  EXPECT_EQ(available(pool), 4 * size);
}

TEST_F(BufferPool, WaitsAreCountedByTheirLength) {
  buffer_pool pool({.total_bytes = size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(size);
  EXPECT_FALSE(pool.acquire(size, 3ms));
  buffer_pool_metrics now = pool.metrics();
  EXPECT_EQ(std::accumulate(now.waits.begin(), now.waits.end(), std::uint64_t{0}), 1u);
  std::size_t bucket = static_cast<std::size_t>(std::find(now.waits.begin(), now.waits.end(), 1u) -
                                                now.waits.begin());
  EXPECT_GE(std::uint64_t{1} << bucket, now.wait_ns);
  EXPECT_LE(std::uint64_t{1} << bucket >> 1, now.wait_ns);
  EXPECT_EQ(now.wait_count, 1u);
  EXPECT_EQ(now.exhausted_count, 1u);
}

using BufferPoolDeathTest = BufferPool;

TEST_F(BufferPoolDeathTest, MisuseStops) {
  buffer_pool pool({.total_bytes = 4 * size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(size);
  EXPECT_DEATH(
      {
        std::byte* start = held.detach();
        pooled_buffer other = pool.acquire(size);
        pool.release(start, size);
        pool.release(start, size);
      },
      "strata: buffer_pool: double free: address 0x");
  char foreign[2 * size];
  EXPECT_DEATH(
      {
        held.reset();
        pool.release(foreign, size);
      },
      "strata: buffer_pool: invalid free");
  EXPECT_DEATH((void)pool.acquire(size, 0ns, 1), "strata: buffer_pool: call that is not allowed");
  std::array<std::size_t, 1> sizes = {1};
  EXPECT_DEATH((void)pool.acquire_all(sizes, {}), "strata: buffer_pool: call that is not allowed");
  EXPECT_DEATH(buffer_pool({.poolable_bytes = 3}), "strata: buffer_pool: call that is not allowed");
  EXPECT_DEATH(buffer_pool({.alignment = 24}), "strata: buffer_pool: call that is not allowed");
  std::array<std::uint32_t, 2> weights = {1, 0};
  EXPECT_DEATH(buffer_pool({.weights = weights}), "strata: buffer_pool: call that is not allowed");
}

TEST_F(BufferPoolDeathTest, ItsBuffersAreBackWhenItEnds) {
  // All of it in the child: what came there by fork may have buffers that nobody can return.
  EXPECT_DEATH(
      {
        auto pool = std::make_unique<buffer_pool>(buffer_pool_options{}, &upstream_);
        pooled_buffer held = pool->acquire(10);
        pool.reset();
      },
      "strata: buffer_pool: destroyed while blocks are live");
}

#if STRATA_UNDER_ASAN
TEST_F(BufferPoolDeathTest, ReadyBuffersArePoisoned) {
  buffer_pool pool({.total_bytes = 4 * size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(size);
  std::byte* start = held.data();
  held.reset();
  EXPECT_DEATH(start[100] = std::byte{1}, "use-after-poison");
}
#endif

}  // namespace
}  // namespace strata
