#include <gtest/gtest.h>

#include <ucontext.h>

#include <thread>

#include "base/config.hpp"
#include "resource/c_test.hpp"

namespace strata {
namespace {

TEST(CStackPool, LendsStacks) {
  strata_stack_pool_options options = {};
  options.most_stacks = 2;
  strata_stack_pool* pool = strata_stack_pool_create(&options);
  strata_fiber_stack one = strata_stack_acquire(pool, "one");
  strata_fiber_stack two = strata_stack_acquire(pool, nullptr);
  ASSERT_NE(one.top, nullptr);
  ASSERT_NE(two.top, nullptr);
  EXPECT_EQ(detail::address_of(one.top) % 64, 0u);
  EXPECT_GT(one.bytes, 32u << 10);
  errno = 0;
  EXPECT_EQ(strata_stack_acquire(pool, nullptr).top, nullptr);
  EXPECT_EQ(errno, ENOMEM);

  auto* bottom = static_cast<char*>(one.top) - one.bytes;
  std::memset(bottom, 1, one.bytes);
  EXPECT_GE(strata_stack_watermark(pool, one) + 4096, one.bytes);
  EXPECT_LT(strata_stack_watermark(pool, two), one.bytes / 2);
  EXPECT_EQ(strata_stack_at(pool, bottom + 10).top, one.top);
  EXPECT_EQ(strata_stack_at(pool, &options).top, nullptr);
  EXPECT_NE(strata_stack_number(pool, one), strata_stack_number(pool, two));
  EXPECT_GE(strata_stack_guard_of(pool, one), STRATA_GUARD_MARKERS);
  strata_stack_rename(pool, one, "another");

  strata_stack_pool_figures now = strata_stack_pool_get_figures(pool);
  EXPECT_EQ(now.live, 2u);
  strata_stack_release(pool, one);
  std::thread([&] { strata_stack_release(pool, two); }).join();
  strata_stack_release(pool, {nullptr, 0});
  now = strata_stack_pool_get_figures(pool);
  EXPECT_EQ(now.live, 0u);
  EXPECT_EQ(now.idle, 2u);
  EXPECT_EQ(now.trimmed, 1u);
  EXPECT_GE(now.deepest_bytes + 4096, one.bytes);
  EXPECT_GT(strata_stack_pool_trim(pool), 0u);
  EXPECT_EQ(strata_stack_pool_get_figures(pool).idle, 0u);
  EXPECT_EQ(strata_stack_watch_this_thread(), 0);
  strata_stack_pool_destroy(pool);
  strata_stack_pool_destroy(nullptr);
}

TEST(CStackPool, IsAResource) {
  strata_stack_pool* pool = strata_stack_pool_create(nullptr);
  strata_resource* stacks = strata_stack_pool_resource(pool);
  void* block = strata_resource_allocate(stacks, 10'000, 16);
  EXPECT_EQ(strata_resource_owns(stacks, block), 1);
  EXPECT_EQ(strata_resource_statistics(stacks).live_blocks, 1u);
  strata_resource_deallocate(stacks, block, 10'000, 16);
  EXPECT_EQ(strata_resource_trim(stacks), 0);
  EXPECT_EQ(strata_resource_statistics(stacks).held_bytes, 0u);
  strata_stack_pool_destroy(pool);
}

TEST(CStackPool, RefusesOptionsThatCannotBe) {
  strata_stack_pool_options options[2] = {};
  options[0].guard = 3;
  options[1].stack_bytes = SIZE_MAX;
  for (const strata_stack_pool_options& each : options) {
    EXPECT_EQ(strata_stack_pool_create(&each), nullptr);
    EXPECT_EQ(errno, EINVAL);
  }
}

TEST(CStackPoolDeathTest, StopsOnMisuse) {
  strata_stack_pool* pool = strata_stack_pool_create(nullptr);
  strata_fiber_stack one = strata_stack_acquire(pool, "one");
  EXPECT_DEATH(strata_stack_pool_destroy(pool), "strata: stack_pool: ");
  strata_stack_release(pool, one);
  EXPECT_DEATH(strata_stack_release(pool, one), "strata: stack_pool: double free");
  strata_stack_pool_destroy(pool);
}

// ---- A fiber that comes to the end of its stack

ucontext_t scheduler;
ucontext_t fiber;
volatile int endless = 1;

__attribute__((noinline)) int dig(int depth) {
  volatile char room[300];
  room[depth % 300] = static_cast<char>(depth);
  return endless != 0 ? dig(depth + 1) + room[depth % 300] : 0;
}
void dig_forever() { dig(0); }

void run_on(strata_fiber_stack stack) {
  getcontext(&fiber);
  fiber.uc_stack.ss_sp = static_cast<char*>(stack.top) - stack.bytes;
  fiber.uc_stack.ss_size = stack.bytes;
  makecontext(&fiber, dig_forever, 0);
  swapcontext(&scheduler, &fiber);
}

struct seen {
  std::string name;
  std::uint64_t number = 0;
  bool was_below = false;
  int restarts = 0;
};
void leave(void* argument) {
  ++static_cast<seen*>(argument)->restarts;
  setcontext(&scheduler);
}

class CStackOverflow : public testing::Test {
 protected:
  void SetUp() override {
    if (config::thread_sanitizer) GTEST_SKIP() << "no switches of stacks under ThreadSanitizer";
  }
};
using CStackOverflowDeathTest = CStackOverflow;

TEST_F(CStackOverflow, IsToldAndTheFiberEnds) {
  seen last;
  strata_stack_pool_options options = {};
  options.guard = STRATA_GUARD_PROTECTION;
  options.context = &last;
  options.on_overflow = [](strata_stack_overflow* overflow, void* context) {
    auto* into = static_cast<seen*>(context);
    into->name = overflow->name;
    into->number = overflow->number;
    into->was_below = detail::address_of(overflow->address) <
                      detail::address_of(overflow->stack.top) - overflow->stack.bytes;
    overflow->restart = leave;
    overflow->restart_argument = into;
  };
  strata_stack_pool* pool = strata_stack_pool_create(&options);
  for (int i = 1; i <= 3; ++i) {
    strata_fiber_stack one = strata_stack_acquire(pool, "digger");
    run_on(one);
    EXPECT_EQ(last.name, "digger");
    EXPECT_EQ(last.number, strata_stack_number(pool, one));
    EXPECT_TRUE(last.was_below);
    EXPECT_EQ(last.restarts, i);
    strata_stack_release(pool, one);
  }
  strata_stack_pool_destroy(pool);
}

TEST_F(CStackOverflowDeathTest, IsReportedWhereTheCallbackReturns) {
  strata_stack_pool_options options = {};
  options.on_overflow = [](strata_stack_overflow*, void*) {};
  strata_stack_pool* pool = strata_stack_pool_create(&options);
  strata_fiber_stack one = strata_stack_acquire(pool, "stubborn");
  EXPECT_DEATH(run_on(one), "strata: stack overflow: fiber 'stubborn'");
  strata_stack_release(pool, one);
  strata_stack_pool_destroy(pool);
}

}  // namespace
}  // namespace strata
