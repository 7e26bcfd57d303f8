#include <strata/direct_buffer.hpp>

#include <chrono>
#include <thread>

#include "os/memory.hpp"
#include "resource/resource_test.hpp"

namespace strata {
namespace {

static_assert(resource<direct_budget>);

const std::size_t page = os::page_bytes();
constexpr std::size_t plenty = std::size_t{1} << 30;

class DirectBuffer : public testing::Test {
 protected:
  test_upstream upstream_;
  direct_budget budget_{64 * page, {.waits = 0}, &upstream_};
};

TEST_F(DirectBuffer, AgreesWithTheModel) {
  for (guard_pages guards : {guard_pages::none, guard_pages::around}) {
    direct_budget budget(plenty, {.guards = guards}, &upstream_);
    run_model(budget, {.operations = 2000,
                       .most_live = 100,
                       .most_bytes = 3 * page,
                       .most_alignment = std::size_t{1} << 16});
    expect_regions_add_up(budget);
    EXPECT_EQ(budget.figures().reserved_bytes, 0u);
    run_containers(budget);
    EXPECT_EQ(upstream_.live_blocks(), 0u);
  }
}

TEST_F(DirectBuffer, IsZeroedAndPageAligned) {
  for (int round = 0; round < 3; ++round) {
    direct_buffer one(budget_, 3 * page + 5);
    EXPECT_EQ(detail::address_of(one.data()) % page, 0u);
    EXPECT_EQ(one.size(), 3 * page + 5);
    for (std::byte& each : one.bytes()) {
      ASSERT_EQ(each, std::byte{0});
      each = std::byte{255};
    }
    EXPECT_TRUE(budget_.owns(one.data() + 3 * page));
    EXPECT_FALSE(budget_.owns(&one));
  }
}

TEST_F(DirectBuffer, TheBudgetCountsPages) {
  direct_buffer one(budget_, 10);
  direct_buffer two(budget_, page + 1);
  direct_figures now = budget_.figures();
  EXPECT_EQ(now.reserved_bytes, 3 * page);
  EXPECT_EQ(now.used_bytes, page + 11);
  EXPECT_EQ(now.blocks, 2u);
  EXPECT_EQ(now.max_bytes, 64 * page);
  two = direct_buffer();
  EXPECT_EQ(budget_.figures().reserved_bytes, page);
  EXPECT_EQ(budget_.figures().peak_reserved_bytes, 3 * page);
  direct_buffer empty(budget_, 0);
  EXPECT_TRUE(empty);
  EXPECT_EQ(empty.size(), 0u);
  budget_.verify();
}

TEST_F(DirectBuffer, ExhaustionIsTypedOrEmpty) {
  direct_buffer most(budget_, 60 * page);
  EXPECT_FALSE(direct_buffer::try_make(budget_, 5 * page));
  try {
    direct_buffer one(budget_, 5 * page);
    ADD_FAILURE() << "there is no room";
  } catch (const direct_exhausted& why) {
    EXPECT_EQ(why.wanted_bytes(), 5 * page);
    EXPECT_EQ(why.budget().reserved_bytes, 60 * page);
    EXPECT_EQ(why.budget().max_bytes, 64 * page);
    EXPECT_STREQ(why.what(), "strata: direct_budget: no room for a direct buffer");
  }
  EXPECT_TRUE(direct_buffer::try_make(budget_, 4 * page));
  EXPECT_EQ(budget_.figures().refused, 2u);
  for (std::size_t bytes : {SIZE_MAX, SIZE_MAX - page, SIZE_MAX / 2}) {
    EXPECT_FALSE(direct_buffer::try_make(budget_, bytes));
    direct_budget endless(SIZE_MAX);
    EXPECT_FALSE(direct_buffer::try_make(endless, bytes)) << "the system refuses";
    EXPECT_EQ(endless.figures().reserved_bytes, 0u);
  }
}

TEST_F(DirectBuffer, ItsTablesMayFindNoMemory) {
  for (std::size_t left = 0; left < 4; ++left) {
    upstream_.left = left;
    std::vector<direct_buffer> held;
    while (direct_buffer one = direct_buffer::try_make(budget_, 1)) held.push_back(std::move(one));
    EXPECT_EQ(held.size(), left);
    budget_.verify();
    EXPECT_EQ(budget_.figures().reserved_bytes, left * page);
  }
  upstream_.left = SIZE_MAX;
}

TEST_F(DirectBuffer, TheReclaimerIsAskedAndTriedAgain) {
  std::vector<direct_buffer> cache;
  std::vector<std::size_t> asked;
  direct_budget* self = nullptr;
  direct_budget budget(10 * page, {.reclaimer =
                                       [&](std::size_t missing) {
                                         asked.push_back(missing);
                                         EXPECT_FALSE(direct_buffer::try_make(*self, 9 * page));
                                         if (!cache.empty()) cache.pop_back();
                                       },
                                   .waits = 3});
  self = &budget;
  for (int i = 0; i < 10; ++i) cache.emplace_back(budget, page);
  EXPECT_TRUE(asked.empty());
  direct_buffer one(budget, 3 * page);
  EXPECT_EQ(asked, (std::vector<std::size_t>{3 * page, 2 * page, page}));
  asked.clear();
  EXPECT_FALSE(direct_buffer::try_make(budget, 11 * page));
  EXPECT_TRUE(asked.empty()) << "never possible";
  cache.clear();
  EXPECT_FALSE(direct_buffer::try_make(budget, 8 * page));
  EXPECT_EQ(asked.size(), 4u) << "before each wait and after the last";
}

TEST_F(DirectBuffer, WaitsForOthersToFree) {
  direct_budget budget(4 * page, {.waits = 9});
  direct_buffer held(budget, 4 * page);
  std::thread other([&] {
    while (budget.figures().waited == 0) std::this_thread::yield();
    held.free();
  });
  EXPECT_TRUE(direct_buffer::try_make(budget, page));
  other.join();
  EXPECT_EQ(budget.figures().refused, 0u);
}

TEST_F(DirectBuffer, ACleanerRunsOnce) {
  int cleaned = 0;
  auto clean = [&](std::span<std::byte> bytes) {
    ++cleaned;
    EXPECT_EQ(bytes.size(), 100u);
    bytes[99] = std::byte{1};  // still there
  };
  { direct_buffer one(budget_, 100, clean); }
  EXPECT_EQ(cleaned, 1) << "by the end of the scope";
  {
    direct_buffer one(budget_, 100, clean);
    EXPECT_TRUE(one.free());
    EXPECT_EQ(cleaned, 2) << "by free()";
    EXPECT_FALSE(one.free());
    EXPECT_EQ(budget_.figures().blocks, 0u);
  }
  {
    direct_buffer one(budget_, 100, clean);
    direct_buffer part = one.slice(10, 20);
    one = direct_buffer(budget_, 5);
    EXPECT_EQ(cleaned, 2) << "a slice keeps it alive";
    part = {};
    EXPECT_EQ(cleaned, 3);
  }
  EXPECT_EQ(cleaned, 3);
}

TEST_F(DirectBuffer, SlicesShareTheBytes) {
  direct_buffer one(budget_, 1000);
  direct_buffer part = one.slice(100, 50);
  direct_buffer inner = part.slice(10, 10);
  EXPECT_EQ(inner.data(), one.data() + 110);
  inner.bytes()[0] = std::byte{7};
  EXPECT_EQ(one.data()[110], std::byte{7});
  direct_buffer moved = std::move(one);
  EXPECT_FALSE(one);  // NOLINT(bugprone-use-after-move): what a move leaves
  EXPECT_TRUE(inner.free()) << "through any handle";
  EXPECT_FALSE(moved);
  EXPECT_EQ(part.data(), nullptr);
  EXPECT_EQ(part.size(), 0u);
  EXPECT_FALSE(part.slice(0, 5));
  EXPECT_FALSE(direct_buffer().free());
}

TEST_F(DirectBuffer, ThreadsShareABudgetAndFreeOnce) {
  direct_budget budget(10 * page, {.waits = 14});
  std::atomic<int> cleaned{0};
  std::vector<std::thread> all;
  for (unsigned which = 0; which < 4; ++which) {
    all.emplace_back([&, which] {
      std::mt19937 random(which);
      for (int turn = 0; turn < 200; ++turn) {
        direct_buffer one(budget, 1 + random() % (4 * page), [&](auto) { ++cleaned; });
        one.bytes().back() = std::byte{1};
        direct_buffer part = one.slice(0, 1);
        EXPECT_LE(budget.figures().reserved_bytes, 10 * page);
      }
    });
  }
  for (std::thread& each : all) each.join();
  EXPECT_EQ(cleaned, 800);
  EXPECT_EQ(budget.figures().reserved_bytes, 0u);

  for (int round = 0; round < 200; ++round) {
    direct_buffer one(budget, 1, [&](auto) { ++cleaned; });
    direct_buffer part = one.slice(0, 1);
    std::atomic<int> freed{0};
    std::thread other([&] { freed += part.free() ? 1 : 0; });
    freed += one.free() ? 1 : 0;
    other.join();
    EXPECT_EQ(freed, 1);
  }
  EXPECT_EQ(cleaned, 1000);
}

using DirectBufferDeathTest = DirectBuffer;

TEST_F(DirectBufferDeathTest, GuardsStopStrayAccess) {
  direct_budget guarded(plenty, {.guards = guard_pages::around});
  direct_buffer one(guarded, 2 * page);
  volatile std::byte* start = one.data();
  EXPECT_DEATH(start[2 * page] = std::byte{1}, "");
  EXPECT_DEATH(start[-1] = std::byte{1}, "");
  start[0] = std::byte{1};
  start[2 * page - 1] = std::byte{1};
  EXPECT_EQ(guarded.figures().reserved_bytes, 2 * page) << "guards have no memory";
}

TEST_F(DirectBufferDeathTest, AFreedBuffersPagesAreGone) {
  direct_buffer one(budget_, page);
  volatile std::byte* stale = one.data();
  EXPECT_DEATH(
      {
        one.free();
        stale[0] = std::byte{1};
      },
      "");
}

TEST_F(DirectBufferDeathTest, WrongReturnsStop) {
  void* block = budget_.try_allocate(100, 8);
  ASSERT_NE(block, nullptr);
  auto* inside = static_cast<std::byte*>(block) + 16;
  EXPECT_DEATH(budget_.deallocate(&block, 100, 8), "strata: direct_budget: invalid free: not a b");
  EXPECT_DEATH(budget_.deallocate(inside, 100, 8), "strata: direct_budget: invalid free: inside");
  EXPECT_DEATH(budget_.deallocate(block, 90, 8), "strata: direct_budget: free with a size");
  budget_.deallocate(block, 100, 8);
  EXPECT_DEATH(budget_.deallocate(block, 100, 8), "strata: direct_budget: invalid free: not a b");
  direct_buffer one(budget_, 100);
  EXPECT_DEATH(static_cast<void>(one.slice(90, 11)), "strata: direct_buffer: call that is not all");
  EXPECT_DEATH(static_cast<void>(one.slice(101, 0)), "strata: direct_buffer: call that is not all");
  EXPECT_DEATH(
      {
        direct_budget left(plenty);
        static_cast<void>(left.try_allocate(1, 1));
      },
      "strata: direct_budget: destroyed while blocks are live");
}

}  // namespace
}  // namespace strata
