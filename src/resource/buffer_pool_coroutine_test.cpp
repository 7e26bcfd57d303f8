// Coroutines that wait for buffers.
#include <memory>
#include <mutex>
#include <random>
#include <vector>

#include "resource/buffer_pool_test.hpp"

namespace strata {
namespace {

using namespace std::chrono_literals;

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

}  // namespace
}  // namespace strata
