#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "resource/c_test.hpp"

namespace strata {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::uint64_t at_once = 0;

// ---- Buffer pool

strata_buffer_pool_options four_buffers() {
  strata_buffer_pool_options options = {};
  options.total_bytes = 4 * kib;
  options.poolable_bytes = kib;
  return options;
}

TEST(CBufferPool, LendsUpToItsBound) {
  c_upstream upstream;
  strata_buffer_pool_options options = four_buffers();
  strata_buffer_pool* pool = strata_buffer_pool_create(upstream, &options);
  std::vector<void*> buffers(4);
  for (void*& each : buffers) {
    each = strata_buffer_pool_acquire(pool, kib, STRATA_FOREVER, 0);
    ASSERT_NE(each, nullptr);
    std::memset(each, 1, kib);
  }
  auto refused = [&](std::size_t bytes, std::uint64_t limit_ns, std::size_t tenant) {
    errno = 0;
    EXPECT_EQ(strata_buffer_pool_acquire(pool, bytes, limit_ns, tenant), nullptr);
    return errno;
  };
  EXPECT_EQ(refused(kib, at_once, 0), ETIMEDOUT);
  EXPECT_EQ(refused(0, 1'000'000, 0), ETIMEDOUT);
  EXPECT_EQ(refused(5 * kib, at_once, 0), EMSGSIZE);
  EXPECT_EQ(refused(kib, at_once, 1), EINVAL);
  strata_buffer_pool_metrics now = {};
  strata_buffer_pool_get_metrics(pool, &now);
  EXPECT_EQ(now.lent_bytes, 4 * kib);
  EXPECT_EQ(now.exhausted_count, 2u);
  for (void* each : buffers) strata_buffer_pool_release(pool, each, kib);
  strata_buffer_pool_get_metrics(pool, &now);
  EXPECT_EQ(now.pooled_bytes, 4 * kib);
  void* odd = strata_buffer_pool_acquire(pool, 0, at_once, 0);
  EXPECT_NE(odd, nullptr);
  strata_buffer_pool_release(pool, odd, 0);
  strata_buffer_pool_release(pool, nullptr, 5);
  upstream->left = 0;
  EXPECT_EQ(refused(2 * kib, at_once, 0), ENOMEM);
  strata_buffer_pool_close(pool);
  EXPECT_EQ(refused(kib, STRATA_FOREVER, 0), ESHUTDOWN);
  strata_buffer_pool_destroy(pool);
  strata_buffer_pool_destroy(nullptr);
}

TEST(CBufferPool, WakesWhoWaits) {
  strata_buffer_pool_options options = four_buffers();
  strata_buffer_pool* pool = strata_buffer_pool_create(nullptr, &options);
  void* all = strata_buffer_pool_acquire(pool, 4 * kib, at_once, 0);
  std::thread waiter([&] {
    void* buffer = strata_buffer_pool_acquire(pool, kib, STRATA_FOREVER, 0);
    EXPECT_NE(buffer, nullptr);
    strata_buffer_pool_release(pool, buffer, kib);
  });
  strata_buffer_pool_metrics now = {};
  while (now.waiters == 0) strata_buffer_pool_get_metrics(pool, &now);
  strata_buffer_pool_release(pool, all, 4 * kib);
  waiter.join();
  strata_buffer_pool_get_metrics(pool, &now);
  EXPECT_EQ(now.wait_count, 1u);
  EXPECT_EQ(now.lent_bytes, 0u);
  strata_buffer_pool_destroy(pool);
}

TEST(CBufferPool, ReservesAllOrNone) {
  strata_buffer_pool_options options = four_buffers();
  const std::uint32_t weights[] = {1, 3};
  options.weights = weights;
  options.tenants = 2;
  strata_buffer_pool* pool = strata_buffer_pool_create(nullptr, &options);
  const std::size_t sizes[] = {kib, 0, 500};
  void* buffers[3] = {};
  EXPECT_EQ(strata_buffer_pool_acquire_all(pool, sizes, 3, buffers, at_once, 1), 0);
  for (void* each : buffers) EXPECT_NE(each, nullptr);
  const std::size_t more[] = {2 * kib, kib};
  void* none[2] = {};
  errno = 0;
  EXPECT_EQ(strata_buffer_pool_acquire_all(pool, more, 2, none, at_once, 0), -1);
  EXPECT_EQ(errno, ETIMEDOUT);
  EXPECT_EQ(none[0], nullptr);
  EXPECT_EQ(strata_buffer_pool_acquire_all(pool, more, 2, none, at_once, 2), -1);
  EXPECT_EQ(errno, EINVAL);
  for (int i = 0; i < 3; ++i) strata_buffer_pool_release(pool, buffers[i], sizes[i]);
  strata_buffer_pool_destroy(pool);
}

TEST(CBufferPool, IsAResource) {
  strata_buffer_pool_options options = four_buffers();
  strata_buffer_pool* pool = strata_buffer_pool_create(nullptr, &options);
  strata_resource* one = strata_buffer_pool_resource(pool);
  void* block = strata_resource_allocate(one, kib, 8);
  EXPECT_NE(block, nullptr);
  EXPECT_EQ(strata_resource_statistics(one).used_bytes, kib);
  EXPECT_EQ(strata_resource_owns(one, block), -1);
  strata_resource_deallocate(one, block, kib, 8);
  strata_resource_verify(one);
  strata_buffer_pool_destroy(pool);
}

TEST(CBufferPool, RefusesOptionsThatCannotBe) {
  const std::uint32_t weights[] = {1, 0};
  strata_buffer_pool_options options[4] = {};
  options[0].poolable_bytes = 4;
  options[1].alignment = 24;
  options[2].weights = weights;
  options[2].tenants = 2;
  options[3].tenants = 1;
  for (const strata_buffer_pool_options& each : options) {
    errno = 0;
    EXPECT_EQ(strata_buffer_pool_create(nullptr, &each), nullptr);
    EXPECT_EQ(errno, EINVAL);
  }
}

TEST(CBuffersDeathTest, StopsOnMisuse) {
  strata_buffer_pool* pool = strata_buffer_pool_create(nullptr, nullptr);
  EXPECT_DEATH(strata_resource_destroy(strata_buffer_pool_resource(pool)), "strata: resource: ");
  void* buffer = strata_buffer_pool_acquire(pool, 100, at_once, 0);
  EXPECT_DEATH(strata_buffer_pool_destroy(pool), "strata: buffer_pool: ");
  strata_buffer_pool_release(pool, buffer, 100);
  strata_buffer_pool_destroy(pool);

  strata_buffer_arena* arena = strata_buffer_arena_create(nullptr, nullptr);
  strata_buffer one = strata_buffer_make(arena, 100, STRATA_HERE);
  EXPECT_DEATH(strata_buffer_slice(&one, 50, 51), "strata: buffer: ");
  strata_buffer copy = one;
  strata_buffer_release(&one);
  // Under AddressSanitizer the count is poisoned, and it is the first to tell.
  EXPECT_DEATH(strata_buffer_release(&copy), "strata: buffer: double free|use-after-poison");
  strata_buffer_arena_destroy(arena);
}

// ---- Buffer arena

TEST(CBufferArena, SharesAndSlices) {
  c_upstream upstream;
  strata_buffer_arena* arena = strata_buffer_arena_create(upstream, nullptr);
  strata_buffer whole = strata_buffer_make(arena, 1000, STRATA_HERE);
  ASSERT_NE(whole.block, nullptr);
  EXPECT_EQ(whole.size, 1000u);
  EXPECT_EQ(strata_buffer_owners(&whole), 1u);
  std::memset(whole.data, 'x', 1000);
  strata_buffer part = strata_buffer_slice(&whole, 100, 50);
  strata_buffer same = strata_buffer_share(&part);
  EXPECT_EQ(strata_buffer_owners(&whole), 3u);
  EXPECT_EQ(part.data, static_cast<char*>(whole.data) + 100);
  EXPECT_EQ(same.data, part.data);
  EXPECT_EQ(same.size, 50u);
  EXPECT_GE(strata_buffer_capacity(&part), 900u);
  strata_buffer head = strata_buffer_split(&same, 20);
  EXPECT_EQ(head.size, 20u);
  EXPECT_EQ(same.size, 30u);
  EXPECT_EQ(same.data, static_cast<char*>(head.data) + 20);
  EXPECT_EQ(strata_buffer_resize(&head, 30), 0) << "others share it";
  EXPECT_EQ(strata_buffer_resize(&head, 10), 1);
  EXPECT_EQ(head.size, 10u);
  strata_buffer_release(&whole);
  EXPECT_EQ(whole.block, nullptr);
  strata_buffer_release(&whole);  // empty
  strata_buffer_release(&part);
  strata_buffer_release(&same);
  EXPECT_EQ(strata_buffer_owners(&head), 1u);
  EXPECT_EQ(*static_cast<char*>(head.data), 'x');
  EXPECT_EQ(strata_buffer_resize(&head, 400), 1);
  EXPECT_EQ(head.size, 400u);
  strata_buffer_release(&head);
  EXPECT_EQ(strata_buffer_owners(&head), 0u);
  strata_buffer_arena_metrics now = {};
  strata_buffer_arena_get_metrics(arena, &now);
  EXPECT_EQ(now.live_bytes, 0u);
  EXPECT_EQ(now.threads, 1u);
  EXPECT_GT(now.cached_bytes, 0u);
  strata_buffer_arena_trim(arena);
  strata_buffer_arena_get_metrics(arena, &now);
  EXPECT_EQ(now.cached_bytes, 0u);
  strata_buffer_arena_destroy(arena);
}

TEST(CBufferArena, HandlesMayBelongToManyThreads) {
  strata_buffer_arena* arena = strata_buffer_arena_create(nullptr, nullptr);
  strata_buffer whole = strata_buffer_make(arena, 300, STRATA_HERE);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 3; ++i) {
    threads.emplace_back([i, own = strata_buffer_slice(&whole, i * 100, 100)]() mutable {
      std::memset(own.data, 'a' + static_cast<int>(i), own.size);
      strata_buffer_release(&own);
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(static_cast<char*>(whole.data)[150], 'b');
  EXPECT_EQ(strata_buffer_owners(&whole), 1u);
  strata_buffer_release(&whole);
  strata_buffer_arena_destroy(arena);
}

TEST(CBufferArena, TellsOfLeaks) {
  static std::vector<strata_buffer_leak> leaks;
  leaks.clear();
  strata_buffer_arena_options options = {};
  options.leaks = STRATA_LEAKS_PARANOID;
  options.on_leak = [](const strata_buffer_leak* leak, void* context) {
    static_cast<std::vector<strata_buffer_leak>*>(context)->push_back(*leak);
  };
  options.context = &leaks;
  strata_buffer_arena* arena = strata_buffer_arena_create(nullptr, &options);
  strata_buffer kept = strata_buffer_make(arena, 10, "kept.c", 1);
  strata_buffer lost = strata_buffer_make(arena, 77, "lost.c", 42);
  strata_buffer_touch(&lost, "parsed", "parse.c", 7);
  for (int i = 0; i < 3000; ++i) strata_buffer_touch(&lost, "again", "loop.c", 8);
  strata_buffer_release(&kept);
  strata_buffer_arena_destroy(arena);
  ASSERT_EQ(leaks.size(), 1u);
  EXPECT_EQ(leaks[0].bytes, 77u);
  EXPECT_EQ(leaks[0].touches, 3001u);
  ASSERT_GE(leaks[0].access_count, 3u);
  EXPECT_STREQ(leaks[0].accesses[0].file, "lost.c");
  EXPECT_EQ(leaks[0].accesses[0].line, 42u);
  EXPECT_STREQ(leaks[0].accesses[1].hint, "parsed");
  EXPECT_STREQ(leaks[0].accesses[leaks[0].access_count - 1].hint, "again");
}

TEST(CBufferArena, RefusesAndRunsOut) {
  strata_buffer_arena_options options[2] = {};
  options[0].chunk_bytes = 100'000;
  options[1].leaks = 4;
  for (const strata_buffer_arena_options& each : options) {
    EXPECT_EQ(strata_buffer_arena_create(nullptr, &each), nullptr);
    EXPECT_EQ(errno, EINVAL);
  }
  c_upstream upstream;
  upstream->left = 0;
  EXPECT_EQ(strata_buffer_arena_create(upstream, nullptr), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  upstream->left = SIZE_MAX;
  strata_buffer_arena* arena = strata_buffer_arena_create(upstream, nullptr);
  upstream->left = 0;
  errno = 0;
  strata_buffer none = strata_buffer_make(arena, 100, STRATA_HERE);
  EXPECT_EQ(none.block, nullptr);
  EXPECT_EQ(none.data, nullptr);
  EXPECT_EQ(errno, ENOMEM);
  strata_buffer_arena_destroy(arena);
  strata_buffer_arena_destroy(nullptr);
}

TEST(CBufferArena, IsAResource) {
  strata_buffer_arena* arena = strata_buffer_arena_create(nullptr, nullptr);
  strata_resource* one = strata_buffer_arena_resource(arena);
  in_c in(one);
  run_model(in, {.operations = 2000});
  void* block = strata_resource_allocate(one, 8 * kib * 8, 8);
  int grown = strata_resource_resize(one, block, 8 * kib * 8, 16 * kib * 8, 8);
  EXPECT_EQ(grown, 1);
  strata_resource_deallocate(one, block, 16 * kib * 8, 8);
  EXPECT_EQ(strata_resource_trim(one), 0);
  strata_buffer_arena_destroy(arena);
}

// ---- Direct buffers

TEST(CDirectBuffer, IsCleanedOnce) {
  static std::atomic<int> cleaned;
  cleaned = 0;
  strata_direct_options options = {};
  options.guard_pages = 1;
  strata_direct_budget* budget = strata_direct_budget_create(64 * kib, &options);
  auto clean = [](void* data, std::size_t bytes, void* context) {
    EXPECT_EQ(static_cast<char*>(data)[9], 'x');
    EXPECT_EQ(bytes, 10u);
    ++*static_cast<std::atomic<int>*>(context);
  };
  strata_direct_buffer* whole = strata_direct_buffer_make(budget, 10, clean, &cleaned);
  auto* data = static_cast<char*>(strata_direct_buffer_data(whole));
  EXPECT_EQ(data[9], 0);
  data[9] = 'x';
  strata_direct_buffer* part = strata_direct_buffer_slice(whole, 5, 5);
  EXPECT_EQ(strata_direct_buffer_data(part), data + 5);
  EXPECT_EQ(strata_direct_buffer_bytes(part), 5u);
  errno = 0;
  EXPECT_EQ(strata_direct_buffer_slice(part, 3, 3), nullptr);
  EXPECT_EQ(errno, EINVAL);
  strata_direct_buffer_drop(whole);
  EXPECT_EQ(cleaned, 0);
  strata_direct_figures now = strata_direct_budget_figures(budget);
  EXPECT_EQ(now.used_bytes, 10u);
  EXPECT_EQ(now.blocks, 1u);
  EXPECT_EQ(strata_direct_buffer_free(part), 1);
  EXPECT_EQ(cleaned, 1);
  EXPECT_EQ(strata_direct_buffer_free(part), 0);
  EXPECT_EQ(strata_direct_buffer_data(part), nullptr);
  EXPECT_EQ(strata_direct_buffer_slice(part, 0, 0), nullptr);
  strata_direct_buffer_drop(part);
  strata_direct_buffer_drop(nullptr);
  EXPECT_EQ(cleaned, 1);
  strata_direct_budget_destroy(budget);
  strata_direct_budget_destroy(nullptr);
}

struct one_buffer {
  strata_direct_buffer* held = nullptr;
  std::size_t missing = 0;
};

TEST(CDirectBuffer, BudgetAsksBeforeItRefuses) {
  one_buffer cache;
  strata_direct_options options = {};
  options.waits = STRATA_NONE;
  options.context = &cache;
  options.reclaim = [](std::size_t missing, void* context) {
    auto* of = static_cast<one_buffer*>(context);
    of->missing = missing;
    strata_direct_buffer_drop(std::exchange(of->held, nullptr));
  };
  strata_direct_budget* budget = strata_direct_budget_create(16 * kib, &options);
  cache.held = strata_direct_buffer_make(budget, 12 * kib, nullptr, nullptr);
  EXPECT_NE(cache.held, nullptr);
  strata_direct_buffer* second = strata_direct_buffer_make(budget, 16 * kib, nullptr, nullptr);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(cache.held, nullptr);
  EXPECT_EQ(cache.missing, 12 * kib);
  errno = 0;
  EXPECT_EQ(strata_direct_buffer_make(budget, 1, nullptr, nullptr), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(strata_direct_budget_figures(budget).refused, 1u);
  strata_direct_buffer_drop(second);
  strata_resource* pages = strata_direct_budget_resource(budget);
  void* block = strata_resource_allocate(pages, 100, 8);
  EXPECT_EQ(strata_resource_owns(pages, block), 1);
  EXPECT_EQ(detail::address_of(block) % 4096, 0u);
  strata_resource_deallocate(pages, block, 100, 8);
  strata_direct_budget_destroy(budget);
}

}  // namespace
}  // namespace strata
