#include <strata/stack_pool.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <csetjmp>
#include <fstream>
#include <set>
#include <span>
#include <thread>

#include "base/config.hpp"
#include "os/memory.hpp"
#include "os/stack_guard.hpp"
#include "resource/resource_test.hpp"

namespace strata {
namespace {

static_assert(resource<stack_pool>);

constexpr std::size_t KiB = 1024;
constexpr bool sanitized = config::thread_sanitizer || STRATA_UNDER_ASAN != 0;

std::size_t page() { return os::page_bytes(); }

// As a fiber would that needs so much.
void use(fiber_stack stack, std::size_t bytes) {
  std::memset(static_cast<char*>(stack.top) - bytes, 0x5a, bytes);
}
std::size_t resident_in(fiber_stack stack) {
  std::size_t pages = 0;
  auto* at = static_cast<char*>(stack.bottom());
  for (std::size_t i = 0; i * page() < stack.bytes; ++i) {
    if (os::first_resident(at + i * page(), page()) == 0) ++pages;
  }
  return pages * page();
}
void release_all(stack_pool& from, std::span<const fiber_stack> stacks) {
  for (fiber_stack each : stacks) from.release(each);
}
std::size_t page_table_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "VmPTE:") break;
  }
  std::size_t kib = 0;
  status >> kib;
  return kib * KiB;
}

TEST(StackPool, AgreesWithTheModel) {
  stack_pool pool({.stack_bytes = 32 * KiB, .most_idle = 50});
  run_model(pool,
            {.operations = 6000, .most_bytes = pool.usable_bytes(), .most_alignment = 32 * KiB});
  run_containers(pool);
  expect_regions_add_up(pool);
  EXPECT_EQ(pool.try_allocate(pool.usable_bytes() + 1, 1), nullptr);
}

TEST(StackPool, AStackIsAlignedAndWholeAndOwned) {
  for (std::size_t bytes : {1 * KiB, 64 * KiB, 100 * KiB, 8192 * KiB}) {
    stack_pool pool({.stack_bytes = bytes});
    fiber_stack one = pool.acquire("one");
    EXPECT_EQ(detail::address_of(one.top) % 64, 0u);
    EXPECT_EQ(detail::address_of(one.bottom()) % page(), 0u);
    EXPECT_GE(one.bytes + 2 * page(), std::max(bytes, 4 * page()));
    EXPECT_GE(one.bytes, pool.usable_bytes());
    use(one, one.bytes);
    EXPECT_TRUE(pool.owns(one.bottom()));
    EXPECT_TRUE(pool.owns(static_cast<char*>(one.top) - 1));
    EXPECT_FALSE(pool.owns(static_cast<char*>(one.bottom()) - 1));
    EXPECT_FALSE(pool.owns(&pool));
    EXPECT_EQ(pool.stack_of(static_cast<char*>(one.bottom()) + one.bytes / 2), one);
    pool.verify();
    pool.release(one);
    EXPECT_EQ(pool.statistics().live_blocks, 0u);
  }
}

TEST(StackPool, TheLastReleasedIsTheFirstAcquired) {
  stack_pool pool;
  std::vector<fiber_stack> stacks;
  // More than a shelf has room for: the depot keeps the order.
  for (int i = 0; i < 1000; ++i) stacks.push_back(pool.acquire());
  release_all(pool, stacks);
  pool.verify();
  for (int i = 999; i >= 0; --i) {
    ASSERT_EQ(pool.acquire(), stacks[static_cast<std::size_t>(i)]) << i;
  }
  release_all(pool, stacks);
}

// A thread's first release goes to the depot by itself.
TEST(StackPool, SinglesGoIntoBatches) {
  stack_pool pool;
  std::vector<fiber_stack> stacks;
  for (int i = 0; i < 70; ++i) stacks.push_back(pool.acquire());
  for (fiber_stack each : stacks) {
    std::thread([&pool, each] { pool.release(each); }).join();
    pool.verify();
  }
  EXPECT_EQ(pool.figures().idle, stacks.size());
  for (std::size_t i = stacks.size(); i-- > 0;) {
    ASSERT_EQ(pool.acquire(), stacks[i]) << i;
    pool.verify();
  }
  release_all(pool, stacks);
}

// A part of a batch goes to the depot, the rest becomes cold.
TEST(StackPool, ABatchIsCutWhereTheDepotIsFull) {
  stack_pool pool({.most_idle = 10});
  std::vector<fiber_stack> stacks;
  for (int i = 0; i < 200; ++i) stacks.push_back(pool.acquire());
  release_all(pool, stacks);
  pool.verify();
  EXPECT_EQ(pool.figures().live, 0u);
  EXPECT_EQ(pool.figures().idle + pool.figures().cold, 200u);
  EXPECT_LE(pool.figures().idle, 10u + 64u) << "the depot's, and a shelf's";
  std::set<void*> tops;
  for (fiber_stack& each : stacks) {
    each = pool.acquire();
    EXPECT_TRUE(tops.insert(each.top).second);
  }
  pool.verify();
  release_all(pool, stacks);
  pool.trim();
  EXPECT_EQ(pool.figures().idle, 0u);
  pool.verify();
}

// The kernel refuses to write to a guard: an error, where a program would have a signal.
bool may_be_written(void* address) {
  int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  bool done = syscall(SYS_read, zeros, address, 1) == 1;
  close(zeros);
  return done;
}

TEST(StackPool, EachHasItsGuardWhereverItIsInABatch) {
  for (std::size_t guard_bytes : {0 * KiB, 16 * KiB}) {
    stack_pool pool({.guard_bytes = guard_bytes});
    std::vector<fiber_stack> stacks;
    for (int i = 0; i < 300; ++i) {
      stacks.push_back(pool.acquire());
      auto* bottom = static_cast<char*>(stacks.back().bottom());
      ASSERT_FALSE(may_be_written(bottom - 1)) << i;
      ASSERT_FALSE(may_be_written(bottom - std::max(guard_bytes, page()))) << i;
      ASSERT_TRUE(may_be_written(bottom)) << i;
    }
    // Nor has any taken another's place.
    for (fiber_stack each : stacks) ASSERT_TRUE(may_be_written(each.bottom()));
    release_all(pool, stacks);
  }
}

TEST(StackPool, TopsBeginAtSixteenPlaces) {
  stack_pool pool;
  std::vector<fiber_stack> stacks;
  std::set<std::size_t> places;
  for (int i = 0; i < 32; ++i) {
    stacks.push_back(pool.acquire());
    places.insert(detail::address_of(stacks.back().top) % page());
  }
  EXPECT_EQ(places.size(), 16u);
  release_all(pool, stacks);
}

TEST(StackPool, TwentyThousandTakeAPageEach) {
  constexpr std::size_t count = config::thread_sanitizer ? 4'000 : 20'000;
  stack_pool pool;
  std::vector<fiber_stack> stacks(count);
  std::size_t resident = os::resident_bytes();
  std::size_t tables = page_table_bytes();
  for (fiber_stack& each : stacks) {
    each = pool.acquire();
    use(each, KiB);
  }
  EXPECT_EQ(pool.figures().live, count);
  EXPECT_LT(pool.figures().slabs, 30u);
  if (!sanitized) {
    resident = os::resident_bytes() - resident;
    tables = page_table_bytes() - tables;
    RecordProperty("resident_bytes_each", static_cast<int>(resident / count));
    EXPECT_LT(resident / count, page() + 100);
    EXPECT_LT(tables / count, 200u);
  }
  release_all(pool, stacks);
  EXPECT_EQ(pool.figures().measured, 0u) << "no system calls for those that were not deep";
  EXPECT_EQ(pool.figures().by_depth[0], count);
}

TEST(StackPool, LongStacksShareAPageTablePageWithTheGuardOfTheNext) {
  if (sanitized) GTEST_SKIP() << "their tables grow, too";
  constexpr std::size_t count = 1000;
  stack_pool pool({.stack_bytes = 8192 * KiB});
  std::vector<fiber_stack> stacks(count);
  std::size_t tables = page_table_bytes();
  for (fiber_stack& each : stacks) use(each = pool.acquire(), KiB);
  EXPECT_LT((page_table_bytes() - tables) / count, 5000u);
  release_all(pool, stacks);
}

TEST(StackPool, ADeepFibersPagesGoBackAtRelease) {
  stack_pool pool({.stack_bytes = 256 * KiB, .keep_bytes = 16 * KiB});
  fiber_stack stack = pool.acquire();
  use(stack, 200 * KiB);
  EXPECT_GE(resident_in(stack), 200 * KiB);
  pool.release(stack);
  EXPECT_EQ(resident_in(stack), 16 * KiB);
  EXPECT_EQ(pool.figures().trimmed, 1u);
  // Within keep_bytes nothing goes back, and after the first time nobody asks.
  std::uint64_t measured = 0;
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(pool.acquire(), stack);
    use(stack, 10 * KiB);
    pool.release(stack);
    if (i == 0) measured = pool.figures().measured;
  }
  EXPECT_EQ(pool.figures().measured, measured);
  EXPECT_EQ(resident_in(stack), 16 * KiB);
  EXPECT_EQ(pool.figures().trimmed, 1u);
  EXPECT_EQ(pool.acquire(), stack);
  use(stack, 100 * KiB);
  pool.release(stack);
  EXPECT_EQ(pool.figures().trimmed, 2u);
  EXPECT_EQ(resident_in(stack), 16 * KiB);
}

TEST(StackPool, AFiberThatStepsOverThePatternIsFoundOutInTime) {
  stack_pool pool({.stack_bytes = 256 * KiB});
  fiber_stack stack = pool.acquire();
  static_cast<char*>(stack.top)[-100'000] = 1;
  for (int i = 0; i < 64; ++i) {
    pool.release(stack);
    ASSERT_EQ(pool.acquire(), stack);
  }
  EXPECT_LE(resident_in(stack), 16 * KiB);
  EXPECT_EQ(pool.figures().trimmed, 1u);
  pool.release(stack);
}

TEST(StackPool, TheWatermarkIsRightWithinAPage) {
  stack_pool pool({.stack_bytes = 256 * KiB, .keep_bytes = 1});
  for (std::size_t deep : {1 * KiB, 5 * KiB, 40 * KiB, 64 * KiB, 180 * KiB, 3 * KiB}) {
    fiber_stack stack = pool.acquire();
    use(stack, deep);
    EXPECT_GE(pool.watermark(stack), deep);
    EXPECT_LE(pool.watermark(stack), deep + page() + KiB);
    pool.release(stack);
  }
  stack_pool_figures figures = pool.figures();
  EXPECT_EQ(figures.deepest_bytes / page(), (180 * KiB) / page() + 1);
  EXPECT_EQ(figures.by_depth[0], 2u);
  EXPECT_EQ(figures.by_depth[1], 1u);  // 5 KiB: at most two pages
  EXPECT_EQ(figures.by_depth[4], 1u);  // 40 KiB: at most 16
  EXPECT_EQ(figures.by_depth[5], 1u);  // 64 KiB and what the header takes: at most 32
  EXPECT_EQ(figures.by_depth[6], 1u);
}

TEST(StackPool, TrimGivesAllIdlePagesAndSlabsBack) {
  stack_pool pool;
  std::vector<fiber_stack> stacks;
  for (int i = 0; i < 3000; ++i) use(stacks.emplace_back(pool.acquire()), 6 * KiB);
  fiber_stack stays = stacks.back();
  stacks.pop_back();
  release_all(pool, stacks);
  std::size_t before = os::resident_bytes();
  std::size_t held = pool.statistics().held_bytes;
  EXPECT_GE(pool.trim(), stacks.size() * page());
  pool.verify();
  if (!sanitized) {
    EXPECT_LT(os::resident_bytes() + 2500 * 2 * page(), before);
  }
  EXPECT_LT(pool.statistics().held_bytes, held);
  EXPECT_EQ(pool.figures().idle, 0u);
  EXPECT_EQ(pool.figures().live, 1u);
  // Cold stacks serve again, with nothing on them, and guarded as before.
  for (fiber_stack& each : stacks) {
    each = pool.acquire();
    EXPECT_EQ(static_cast<char*>(each.top)[-5000], 0);
    EXPECT_EQ(pool.guard_of(each), pool.guard_of(stays));
  }
  pool.verify();
  release_all(pool, stacks);
  pool.release(stays);
  pool.trim();
  EXPECT_EQ(pool.statistics().held_bytes, 0u);
  pool.release(pool.acquire());
}

TEST(StackPool, NoMoreThanMostIdleStayWarm) {
  stack_pool pool({.most_idle = 100});
  std::vector<fiber_stack> stacks;
  for (int i = 0; i < 1000; ++i) stacks.push_back(pool.acquire());
  release_all(pool, stacks);
  EXPECT_LE(pool.figures().idle, 100u + 64u);
  EXPECT_GE(pool.figures().cold, 1000u - 164u);
  pool.verify();
  expect_regions_add_up(pool);
  for (fiber_stack& each : stacks) each = pool.acquire();
  EXPECT_EQ(pool.figures().cold, 0u);
  release_all(pool, stacks);
}

TEST(StackPool, GuardsFallBackWhenMappingsRunOut) {
  stack_pool pool({.guard = stack_guard::protection, .most_guard_mappings = 20});
  std::vector<fiber_stack> stacks;
  for (int i = 0; i < 30; ++i) stacks.push_back(pool.acquire());
  EXPECT_EQ(pool.guard_of(stacks[0]), stack_guard::protection);
  EXPECT_EQ(pool.guard_of(stacks[9]), stack_guard::protection);
  EXPECT_EQ(pool.guard_of(stacks[10]), stack_guard::canary);
  EXPECT_EQ(pool.figures().made_by_guard[static_cast<std::size_t>(stack_guard::canary)], 20u);
  // Each release of those without a guard looks.
  release_all(pool, stacks);
  EXPECT_EQ(pool.figures().measured, 20u);
  pool.trim();
  fiber_stack again = pool.acquire();
  EXPECT_EQ(pool.guard_of(again), stack_guard::protection) << "the budget came back with the slab";
  pool.release(again);
}

TEST(StackPool, ExhaustionIsNullAndHarmless) {
  stack_pool pool({.most_stacks = 100});
  std::vector<fiber_stack> stacks;
  while (fiber_stack one = pool.try_acquire()) stacks.push_back(one);
  EXPECT_EQ(stacks.size(), 100u);
  EXPECT_THROW((void)pool.acquire(), std::bad_alloc);
  pool.release(stacks.back());
  EXPECT_EQ(pool.acquire(), stacks.back());
  pool.verify();
  release_all(pool, stacks);
  stack_pool impossible({.stack_bytes = std::size_t{1} << 50});
  EXPECT_FALSE(impossible.try_acquire());
  impossible.verify();
  EXPECT_EQ(impossible.statistics().held_bytes, 0u);
}

TEST(StackPool, ThreadsAcquireAndReleaseEachOthersStacks) {
  constexpr int threads = 6;
  stack_pool pool({.stack_bytes = 32 * KiB, .most_idle = 64});
  std::mutex lock;
  std::vector<fiber_stack> shared;
  std::barrier start(threads);
  auto work = [&](unsigned seed) {
    std::mt19937 random{seed};
    std::vector<fiber_stack> own;
    start.arrive_and_wait();
    for (int i = 0; i < 2000; ++i) {
      if (own.empty() || random() % 2 == 0) {
        use(own.emplace_back(pool.acquire()), 64 + random() % (20 * KiB));
      } else if (random() % 4 == 0) {
        std::lock_guard section(lock);
        std::swap(shared, own);
      } else {
        pool.release(own.back());
        own.pop_back();
      }
      if (i % 500 == 0 && seed == 0) pool.trim();
      if (i % 100 == 0) (void)pool.figures();
    }
    release_all(pool, own);
  };
  std::vector<std::jthread> all;
  for (unsigned i = 0; i < threads; ++i) all.emplace_back(work, i);
  all.clear();
  release_all(pool, shared);
  pool.verify();
  EXPECT_EQ(pool.statistics().live_blocks, 0u);
}

TEST(StackPool, BoostsAllocatorsInterface) {
  struct context {
    std::size_t size = 0;
    void* sp = nullptr;
  };
  stack_pool pool;
  boost_stack<context> stacks(pool, "worker");
  boost_stack<context> same = stacks;
  context one = stacks.allocate();
  EXPECT_EQ(pool.stack_of(static_cast<char*>(one.sp) - one.size), (fiber_stack{one.sp, one.size}));
  same.deallocate(one);
  EXPECT_EQ(pool.statistics().live_blocks, 0u);
}

using StackPoolDeathTest = testing::Test;

TEST(StackPoolDeathTest, WrongReleasesStop) {
  stack_pool pool;
  stack_pool other;
  fiber_stack mine = pool.acquire();
  fiber_stack theirs = other.acquire();
  EXPECT_DEATH(pool.release(theirs),
               "strata: stack_pool: invalid free: not a block of this resource");
  EXPECT_DEATH((pool.release(mine), pool.release(mine)),
               "strata: stack_pool: double free: address 0x");
  EXPECT_DEATH(stack_pool{}.release(mine), "strata: stack_pool: invalid free");
  EXPECT_DEATH(
      {
        stack_pool left;
        (void)left.acquire();
      },
      "strata: stack_pool: destroyed while blocks are live");
  pool.release(mine);
  other.release(theirs);
}

// With little address space left a pool gets shorter slabs, then none.
TEST(StackPoolDeathTest, OutOfAddressSpace) {
  if (sanitized) GTEST_SKIP() << "the limit hits the sanitizer first";
  auto in_child = [] {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit{};
    limit.rlim_cur = limit.rlim_max = pages * page() + 40'000 * KiB;
    setrlimit(RLIMIT_AS, &limit);
    bool fine = false;
    {
      stack_pool pool;
      std::array<fiber_stack, 1000> stacks;
      std::size_t count = 0;
      while (fiber_stack one = pool.try_acquire()) stacks[count++] = one;
      pool.verify();
      fine = count > 400 && count < 640;
      release_all(pool, std::span(stacks).first(count));
    }
    _exit(fine ? 7 : 1);
  };
  EXPECT_EXIT(in_child(), testing::ExitedWithCode(7), "");
}

// The kernel's limit itself: no mapping is left, and stacks still come.
TEST(StackPoolDeathTest, OutOfMappings) {
  if (sanitized || os::most_mappings() > 100'000) GTEST_SKIP() << "takes too long";
  auto in_child = [] {
    stack_pool pool({.stack_bytes = 16 * KiB,
                     .guard = stack_guard::protection,
                     .most_guard_mappings = SIZE_MAX});
    std::size_t count = 0;
    while (pool.guard_of(pool.acquire()) == stack_guard::protection) ++count;
    bool fine = count > 30'000 && count < os::most_mappings();
    for (int i = 0; i < 100; ++i) fine &= pool.guard_of(pool.acquire()) == stack_guard::canary;
    _exit(fine ? 7 : 1);
  };
  EXPECT_EXIT(in_child(), testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace strata
