#include <strata/buffer_pool.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>

#include "os/memory.hpp"
#include "resource/resource_test.hpp"

namespace strata {
namespace {

using namespace std::chrono_literals;

static_assert(resource<buffer_pool>);

// Counts under a lock, and fails where it is told to.
class shared_upstream final : public std::pmr::memory_resource {
 public:
  ~shared_upstream() override { EXPECT_EQ(live_bytes(), 0u); }
  std::atomic<std::uint64_t> left = UINT64_MAX;
  std::atomic<std::uint64_t> taken = 0;
  [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }
  [[nodiscard]] std::uint64_t most_live_bytes() const { return most_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (left.load() == 0) throw std::bad_alloc();
    --left;
    ++taken;
    std::uint64_t now = live_bytes_ += bytes;
    std::uint64_t most = most_;
    while (now > most && !most_.compare_exchange_weak(most, now)) {
    }
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    live_bytes_ -= bytes;
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
  std::atomic<std::uint64_t> live_bytes_ = 0;
  std::atomic<std::uint64_t> most_ = 0;
};

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

// A coroutine that runs by itself.
struct detached {
  struct promise_type {
    detached get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};

class BufferPool : public testing::Test {
 protected:
  static constexpr std::size_t size = 1024;

  static std::uint64_t available(const buffer_pool& pool) {
    return pool.metrics().free_bytes + pool.metrics().pooled_bytes;
  }
  static void await_waiters(const buffer_pool& pool, std::uint64_t count) {
    while (pool.metrics().waiters != count) std::this_thread::yield();
  }

  shared_upstream upstream_;
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

// ---- Coroutines

detached take_and_note(buffer_pool& pool, std::size_t bytes, acquire_status& into,
                       std::stop_token stop = {}) {
  into = (co_await pool.async_acquire(bytes, std::move(stop))).status();
}

TEST_F(BufferPool, ACoroutineThatFitsGoesOn) {
  buffer_pool pool({.total_bytes = size, .poolable_bytes = size}, &upstream_);
  acquire_status status{};
  take_and_note(pool, size, status);
  EXPECT_EQ(status, acquire_status::granted);
  EXPECT_EQ(available(pool), size);
  take_and_note(pool, size + 1, status);
  EXPECT_EQ(status, acquire_status::too_large);
  EXPECT_EQ(pool.metrics().wait_count, 0u);
  upstream_.left = 0;
  take_and_note(pool, size - 1, status);
  EXPECT_EQ(status, acquire_status::no_memory);
  EXPECT_EQ(available(pool), size);
  pool.close();
  take_and_note(pool, size, status);
  EXPECT_EQ(status, acquire_status::closed);
}

TEST_F(BufferPool, ACoroutineIsResumedWhereRoomIsMadeOutsideOfTheLock) {
  buffer_pool pool({.total_bytes = size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(size);
  std::thread::id resumed_on;
  auto waiting = [&]() -> detached {
    pooled_buffer mine = co_await pool.async_acquire(size);
    resumed_on = std::this_thread::get_id();
    pool.verify();  // takes the lock
    EXPECT_EQ(pool.metrics().lent_bytes, size);
  };
  waiting();
  EXPECT_EQ(pool.metrics().waiters, 1u);
  std::thread freeing([&] { held.reset(); });
  std::thread::id freed_on = freeing.get_id();
  freeing.join();
  EXPECT_EQ(resumed_on, freed_on);
  EXPECT_EQ(pool.metrics().wait_count, 1u);
  EXPECT_EQ(available(pool), size);
}

TEST_F(BufferPool, AnExecutorResumesCoroutines) {
  std::vector<std::coroutine_handle<>> ready;
  buffer_pool pool({.total_bytes = size,
                    .poolable_bytes = size,
                    .resume = [&](std::coroutine_handle<> one) { ready.push_back(one); }},
                   &upstream_);
  pooled_buffer held = pool.acquire(size);
  acquire_status status = acquire_status::timeout;
  take_and_note(pool, size, status);
  held.reset();
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_EQ(status, acquire_status::timeout) << "not yet";
  EXPECT_EQ(pool.metrics().lent_bytes, size) << "but granted";
  ready[0].resume();
  EXPECT_EQ(status, acquire_status::granted);
}

TEST_F(BufferPool, AStopTakesACoroutineOutOfTheLine) {
  buffer_pool pool({.total_bytes = 4 * size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(2 * size);
  acquire_status large = acquire_status::timeout;
  acquire_status small = acquire_status::timeout;
  std::stop_source stop;
  take_and_note(pool, 4 * size, large, stop.get_token());
  take_and_note(pool, size, small, stop.get_token());
  take_and_note(pool, size, small);
  EXPECT_EQ(pool.metrics().waiters, 3u);
  stop.request_stop();
  EXPECT_EQ(large, acquire_status::cancelled);
  EXPECT_EQ(small, acquire_status::granted) << "the next is served";
  EXPECT_EQ(pool.metrics().waiters, 0u);
  take_and_note(pool, size, large, stop.get_token());
  EXPECT_EQ(large, acquire_status::cancelled) << "before it began";
  pool.verify();
}

TEST_F(BufferPool, CloseEndsCoroutines) {
  buffer_pool pool({.total_bytes = size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(size);
  std::array<acquire_status, 3> status{};
  std::stop_source stop;
  for (acquire_status& each : status) take_and_note(pool, 1, each, stop.get_token());
  pool.close();
  for (acquire_status each : status) EXPECT_EQ(each, acquire_status::closed);
  stop.request_stop();
}

TEST_F(BufferPool, ADestroyedCoroutineLeavesTheLine) {
  buffer_pool pool({.total_bytes = size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(1);
  std::stop_source stop;
  auto waiting = [&]() -> detached {
    pooled_buffer mine = co_await pool.async_acquire(size, stop.get_token());
    ADD_FAILURE() << "never resumed";
  };
  acquire_status behind = acquire_status::timeout;
  detached one = waiting();
  take_and_note(pool, 1, behind);
  EXPECT_EQ(pool.metrics().waiters, 2u);
  one.handle.destroy();
  EXPECT_EQ(behind, acquire_status::granted);
  EXPECT_EQ(pool.metrics().waiters, 0u);
  stop.request_stop();
}

TEST_F(BufferPool, AGrantThatIsDestroyedBeforeItsResumptionIsRefunded) {
  buffer_pool pool({.total_bytes = size,
                    .poolable_bytes = size,
                    .resume = [](std::coroutine_handle<> one) { one.destroy(); }},
                   &upstream_);
  pooled_buffer held = pool.acquire(size);
  acquire_status status = acquire_status::timeout;
  take_and_note(pool, size, status);
  held.reset();
  EXPECT_EQ(available(pool), size);
  EXPECT_EQ(status, acquire_status::timeout);
  pool.verify();
}

TEST_F(BufferPool, AChainOfCoroutinesTakesNoStack) {
  buffer_pool pool({.total_bytes = size, .poolable_bytes = size}, &upstream_);
  pooled_buffer held = pool.acquire(size);
  std::vector<int> order;
  auto waiting = [&](int number) -> detached {
    pooled_buffer mine = co_await pool.async_acquire(size);
    order.push_back(number);
  };
  constexpr int count = 50'000;
  for (int i = 0; i < count; ++i) waiting(i);
  held.reset();
  ASSERT_EQ(order.size(), static_cast<std::size_t>(count));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(BufferPool, WeightsShareWhatComesBack) {
  std::array<std::uint32_t, 3> weights = {3, 1, 2};
  buffer_pool pool({.total_bytes = 6 * size, .poolable_bytes = size, .weights = weights},
                   &upstream_);
  pooled_buffer held = pool.acquire(6 * size);
  std::array<std::uint64_t, 3> served{};
  // The second tenant asks for much at a time, and gets its share of bytes all the same.
  std::array<std::size_t, 3> sizes = {size, 6 * size, size};
  std::vector<std::array<std::uint64_t, 3>> history;
  auto waiting = [&](std::size_t tenant) -> detached {
    pooled_buffer mine = co_await pool.async_acquire(sizes[tenant], {}, tenant);
    served[tenant] += sizes[tenant];
    history.push_back(served);
  };
  for (std::size_t tenant = 0; tenant < 3; ++tenant) {
    for (std::size_t i = 0; i < 3600 * size / sizes[tenant] / (tenant == 1 ? 10 : 1); ++i)
      waiting(tenant);
  }
  held.reset();
  ASSERT_EQ(served[0], 3600 * size);
  for (const auto& now : history) {
    if (now[1] >= 360 * size) break;  // while all three wait
    EXPECT_NEAR(static_cast<double>(now[0]) / 3, static_cast<double>(now[1]), 7 * size);
    EXPECT_NEAR(static_cast<double>(now[2]) / 2, static_cast<double>(now[1]), 7 * size);
  }
  EXPECT_EQ(pool.acquire(1, 0ns, 2).status(), acquire_status::granted);
  pool.verify();
}

TEST_F(BufferPool, CoroutinesCancelledAndGrantedAtOnce) {
  buffer_pool pool({.total_bytes = 2 * size, .poolable_bytes = size}, &upstream_);
  std::atomic<int> granted = 0;
  std::atomic<int> cancelled = 0;
  auto waiting = [&](std::stop_token stop) -> detached {
    pooled_buffer mine = co_await pool.async_acquire(2 * size, std::move(stop));
    ++(mine ? granted : cancelled);
    EXPECT_EQ(mine.status(), mine ? acquire_status::granted : acquire_status::cancelled);
  };
  constexpr int rounds = 2000;
  std::atomic<int> at = -1;
  std::vector<std::stop_source> stops(rounds);
  std::thread stopping([&] {
    for (int i = 0; i < rounds; ++i) {
      while (at < i) std::this_thread::yield();
      stops[static_cast<std::size_t>(i)].request_stop();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    pooled_buffer held = pool.acquire(size);
    if (i % 2 == 0) at = i;
    waiting(stops[static_cast<std::size_t>(i)].get_token());
    if (i % 2 != 0) at = i;
    held.reset();
  }
  stopping.join();
  EXPECT_EQ(granted + cancelled, rounds);
  EXPECT_EQ(available(pool), 2 * size);
  pool.verify();
}

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
