#include <strata/account.hpp>
#include <strata/bump.hpp>

#include <list>
#include <sstream>
#include <thread>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

// Blocks straight from an upstream, each a region of its own; for one thread.
class each_block {
 public:
  explicit each_block(std::pmr::memory_resource* upstream) : upstream_(upstream) {}
  void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    try {
      void* block = upstream_->allocate(bytes + (bytes == 0 ? 1 : 0), alignment);
      blocks_[block] = bytes + (bytes == 0 ? 1 : 0);
      held_ += blocks_[block];
      peak_ = std::max(peak_, held_);
      return block;
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    held_ -= blocks_[block];
    blocks_.erase(block);
    upstream_->deallocate(block, bytes + (bytes == 0 ? 1 : 0), alignment);
  }
  [[nodiscard]] resource_statistics statistics() const {
    return {held_, held_, peak_, blocks_.size()};
  }
  void verify() const {}
  template <class Visit>
  void each_region(Visit visit) const {
    for (auto [block, bytes] : blocks_) visit(region{block, bytes, region_kind::live});
  }

 private:
  std::pmr::memory_resource* upstream_;
  std::map<void*, std::size_t> blocks_;
  std::size_t held_ = 0;
  std::size_t peak_ = 0;
};

static_assert(resource<accounted<each_block>>);
static_assert(resource<accounted<bump>>);
template <class T>
concept knows_its_own = requires(T& one) {
  one.owns(nullptr);
};
static_assert(knows_its_own<accounted<bump>> && !knows_its_own<accounted<each_block>>);

TEST(Account, AgreesWithTheModel) {
  test_upstream upstream;
  account root("root");
  account leaf("leaf", {.parent = &root});
  accounted<each_block> memory(leaf, &upstream);
  run_model(memory, {.operations = 5000});
  run_containers(memory);
  expect_regions_add_up(memory);
  EXPECT_EQ(leaf.charged_bytes(), 0u);
  EXPECT_EQ(root.charged_bytes(), 0u);
  EXPECT_GT(leaf.peak_bytes(), 0u);
}

TEST(Account, ChargesWhatBlocksWereAskedWith) {
  test_upstream upstream;
  account root("root");
  account one("one", {.parent = &root});
  account two("two", {.parent = &root});
  accounted<each_block> of_one(one, &upstream);
  accounted<each_block> of_two(two, &upstream);
  void* first = of_one.try_allocate(100, 8);
  void* second = of_two.try_allocate(50, 8);
  EXPECT_EQ(one.charged_bytes(), 100u);
  EXPECT_EQ(root.charged_bytes(), 150u);
  of_one.deallocate(first, 100, 8);
  EXPECT_EQ(root.charged_bytes(), 50u);
  EXPECT_EQ(root.peak_bytes(), 150u);
  EXPECT_EQ(one.peak_bytes(), 100u);
  of_two.deallocate(second, 50, 8);
}

TEST(Account, AHardLimitIsTheLimit) {
  account root("root", {.hard_limit_bytes = 100});
  account leaf("leaf", {.parent = &root, .hard_limit_bytes = 80});
  EXPECT_TRUE(leaf.charge(80));
  EXPECT_FALSE(leaf.charge(1));
  EXPECT_TRUE(root.charge(20));
  EXPECT_FALSE(root.charge(1));
  leaf.relieve(50);
  EXPECT_TRUE(root.charge(50));
  EXPECT_FALSE(leaf.charge(1)) << "refused above";
  EXPECT_EQ(leaf.charged_bytes(), 30u) << "and taken back here";
  EXPECT_FALSE(leaf.charge(SIZE_MAX));
  EXPECT_EQ(root.charged_bytes(), 100u);
  EXPECT_EQ(root.peak_bytes(), 100u);
  EXPECT_EQ(root.figures().refused, 2u);
  EXPECT_EQ(leaf.figures().refused, 2u);
  root.set_hard_limit(account::no_limit);
  EXPECT_TRUE(leaf.charge(1));
  root.set_hard_limit(0);
  EXPECT_FALSE(leaf.charge(1));
  leaf.relieve(31);
  root.relieve(70);
}

TEST(Account, HugeChargesDoNotWrap) {
  account one("one");
  EXPECT_TRUE(one.charge(100));
  EXPECT_FALSE(one.charge(SIZE_MAX));
  EXPECT_FALSE(one.charge(SIZE_MAX - 50));
  EXPECT_EQ(one.charged_bytes(), 100u);
  EXPECT_EQ(one.peak_bytes(), 100u);
  one.relieve(100);
}

TEST(Account, ASoftLimitCallsOnceUntilItWasBelow) {
  int calls = 0;
  account one("one", {.soft_limit_bytes = 100, .at_soft_limit = [&](account& passed) {
                        EXPECT_EQ(passed.name(), "one");
                        ++calls;
                      }});
  EXPECT_TRUE(one.charge(100));
  EXPECT_EQ(calls, 0) << "at it is not above it";
  EXPECT_TRUE(one.charge(1));
  EXPECT_TRUE(one.charge(500));
  EXPECT_EQ(calls, 1);
  one.relieve(500);
  EXPECT_TRUE(one.charge(500));
  EXPECT_EQ(calls, 1) << "101 is still above";
  one.relieve(501);
  EXPECT_TRUE(one.charge(10));
  EXPECT_EQ(calls, 2);
  one.set_soft_limit(1000);
  one.set_soft_limit(50);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(one.figures().soft_passes, 3u);
  one.relieve(110);
}

TEST(Account, ASoftCallbackMayChargeAndRelieve) {
  account one("one", {.soft_limit_bytes = 100, .at_soft_limit = [](account& passed) {
                        EXPECT_TRUE(passed.charge(30));
                        passed.relieve(40);
                      }});
  EXPECT_TRUE(one.charge(105));
  EXPECT_EQ(one.charged_bytes(), 95u);
  EXPECT_EQ(one.figures().soft_passes, 1u);
  one.relieve(95);
}

TEST(Account, AReclaimerIsAskedFirst) {
  std::list<std::size_t> cache;
  std::vector<std::size_t> asked;
  account one("one",
              {.hard_limit_bytes = 100, .reclaimer = [&](account& from, std::size_t missing) {
                 asked.push_back(missing);
                 if (cache.empty()) return false;
                 from.relieve(cache.front());
                 cache.pop_front();
                 return true;
               }});
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(one.charge(10));
    cache.push_back(10);
  }
  EXPECT_TRUE(one.charge(25));
  EXPECT_EQ(asked, (std::vector<std::size_t>{25, 15, 5})) << "again while it frees";
  EXPECT_EQ(one.charged_bytes(), 95u);
  EXPECT_TRUE(one.charge(5));
  EXPECT_EQ(asked.size(), 3u);
  asked.clear();
  EXPECT_FALSE(one.charge(101)) << "never possible";
  EXPECT_TRUE(asked.empty());
  EXPECT_FALSE(one.charge(100));
  EXPECT_EQ(asked.back(), 30u) << "until it had nothing";
  one.relieve(30);
}

TEST(Account, ReclaimersAreAskedUpToTheLimit) {
  std::string order;
  auto asks = [&](char name, bool frees) {
    return [&order, name, frees](account& from, std::size_t missing) {
      order += name;
      if (frees) from.relieve(missing);
      return frees;
    };
  };
  account root("root", {.reclaimer = asks('r', true)});
  account middle("middle",
                 {.parent = &root, .hard_limit_bytes = 100, .reclaimer = asks('m', true)});
  account leaf("leaf", {.parent = &middle, .reclaimer = asks('l', false)});
  EXPECT_TRUE(middle.charge(100));
  EXPECT_TRUE(leaf.charge(30));
  EXPECT_EQ(order, "lm") << "the root has no limit that stands in the way";
  leaf.relieve(30);
  middle.relieve(70);
  EXPECT_EQ(root.charged_bytes(), 0u);
}

TEST(Account, AReclaimerThatLiesOrAllocatesComesToAnEnd) {
  int calls = 0;
  account one("one", {.hard_limit_bytes = 100, .reclaimer = [&](account& from, std::size_t) {
                        ++calls;
                        EXPECT_FALSE(from.charge(50)) << "refused without asking";
                        return true;
                      }});
  EXPECT_TRUE(one.charge(80));
  EXPECT_FALSE(one.charge(50));
  EXPECT_EQ(calls, 1);
  one.relieve(80);
}

TEST(Account, ExhaustionLeavesNoCharge) {
  test_upstream upstream;
  account one("one", {.hard_limit_bytes = 1000});
  accounted<each_block> direct(one, &upstream);
  account_memory memory(one, &upstream);
  for (std::size_t left = 0; left < 4; ++left) {
    upstream.left = left;
    std::vector<void*> blocks;
    while (void* block = direct.try_allocate(10, 8)) blocks.push_back(block);
    EXPECT_EQ(blocks.size(), left);
    EXPECT_THROW(static_cast<void>(memory.allocate(10)), std::bad_alloc);
    EXPECT_EQ(one.charged_bytes(), left * 10);
    for (void* block : blocks) direct.deallocate(block, 10, 8);
  }
  upstream.left = SIZE_MAX;
  EXPECT_EQ(direct.try_allocate(1001, 8), nullptr);
  EXPECT_THROW(static_cast<void>(memory.allocate(1001)), std::bad_alloc);
  EXPECT_EQ(upstream.live_blocks(), 0u);
}

TEST(Account, WhatAResourceFreesByItselfIsRelievedAtOnce) {
  account one("one");
  {
    accounted<bump> memory(one);
    for (int i = 0; i < 10; ++i) ASSERT_NE(memory.try_allocate(100, 8), nullptr);
    EXPECT_EQ(one.charged_bytes(), 1000u);
    EXPECT_TRUE(memory.owns(memory.try_allocate(24, 8)));
    memory->reset();
    memory.relieve_all();
    EXPECT_EQ(one.charged_bytes(), 0u);
    ASSERT_NE(memory.try_allocate(100, 8), nullptr);
  }
  EXPECT_EQ(one.charged_bytes(), 0u) << "and by its end";
}

TEST(Account, ServesPmrContainersAndUpstreams) {
  test_upstream upstream;
  account one("one");
  account_memory memory(one, &upstream);
  {
    std::pmr::vector<std::pmr::string> texts(&memory);
    for (int i = 0; i < 100; ++i) texts.emplace_back("a string that is too long to stand in place");
    bump on_top(&memory);
    ASSERT_NE(on_top.try_allocate(10, 8), nullptr);
    EXPECT_EQ(one.charged_bytes(), upstream.live_bytes());
  }
  EXPECT_EQ(one.charged_bytes(), 0u);
  EXPECT_TRUE(memory.is_equal(account_memory(one, &upstream)));
  account other("other");
  EXPECT_FALSE(memory.is_equal(account_memory(other, &upstream)));
  EXPECT_FALSE(memory.is_equal(account_memory(one)));
}

TEST(Account, ThreadsChargeExactlyAndNeverPassTheLimit) {
  constexpr std::size_t limit = 5000;
  account root("root", {.soft_limit_bytes = limit / 2, .hard_limit_bytes = limit});
  account one("one", {.parent = &root});
  account two("two", {.parent = &root, .hard_limit_bytes = limit / 2});
  std::vector<std::thread> all;
  for (unsigned which = 0; which < 4; ++which) {
    all.emplace_back([&, which] {
      account& own = which % 2 == 0 ? one : two;
      std::mt19937 random(which);
      std::vector<std::size_t> charged;
      for (int turn = 0; turn < 10'000; ++turn) {
        std::size_t bytes = random() % 300;
        if (random() % 2 == 0 && own.charge(bytes)) {
          charged.push_back(bytes);
        } else if (!charged.empty()) {
          own.relieve(charged.back());
          charged.pop_back();
        }
        EXPECT_LE(root.charged_bytes(), limit);
      }
      for (std::size_t bytes : charged) own.relieve(bytes);
    });
  }
  for (std::thread& each : all) each.join();
  for (account* each : {&root, &one, &two}) EXPECT_EQ(each->charged_bytes(), 0u);
  EXPECT_LE(root.peak_bytes(), limit);
  EXPECT_LE(two.peak_bytes(), limit / 2);
  EXPECT_GT(root.figures().soft_passes, 0u);
  EXPECT_TRUE(root.charge(limit / 2 + 1));
  EXPECT_TRUE(root.charge(1));
  std::size_t passes = root.figures().soft_passes;
  root.relieve(limit / 2 + 2);
  EXPECT_TRUE(root.charge(limit / 2 + 1));
  EXPECT_EQ(root.figures().soft_passes, passes + 1) << "the threads left the flag right";
  root.relieve(limit / 2 + 1);
}

TEST(Account, ThreadsReclaimOneAtATime) {
  std::mutex lock;
  std::size_t cached = 0;
  std::atomic<int> inside{0};
  account one("one", {.hard_limit_bytes = 1000, .reclaimer = [&](account& from, std::size_t) {
                        EXPECT_EQ(inside.fetch_add(1), 0);
                        std::lock_guard guard(lock);
                        std::size_t freed = std::exchange(cached, 0);
                        from.relieve(freed);
                        inside.fetch_sub(1);
                        return freed != 0;
                      }});
  std::vector<std::thread> all;
  for (int which = 0; which < 4; ++which) {
    all.emplace_back([&] {
      for (int turn = 0; turn < 2000; ++turn) {
        if (!one.charge(90)) continue;
        std::lock_guard guard(lock);
        cached += 90;
      }
    });
  }
  for (std::thread& each : all) each.join();
  EXPECT_EQ(one.charged_bytes(), cached);
  EXPECT_GT(one.figures().reclaims, 100u);
  one.relieve(cached);
}

TEST(Account, ReportsAllOfThem) {
  account root("the \"root\"\n", {.hard_limit_bytes = 500});
  EXPECT_TRUE(root.charge(7));
  {
    account gone("gone");
    account leaf("leaf", {.parent = &root, .soft_limit_bytes = 3});
    EXPECT_TRUE(leaf.charge(5));
    std::vector<account_figures> found = accounts();
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[1].name, "gone");
    EXPECT_EQ(found[2].parent, found[0].number);
    EXPECT_EQ(found[0].charged_bytes, 12u);
    leaf.relieve(5);
  }
  std::ostringstream out;
  write_accounts(out);
  std::string number = std::to_string(root.figures().number);
  EXPECT_EQ(out.str(), "{\"accounts\":[\n{\"number\":" + number +
                           ",\"parent\":null,\"name\":\"the \\\"root\\\"\\u000a\","
                           "\"charged_bytes\":7,\"peak_bytes\":12,\"soft_limit_bytes\":null,"
                           "\"hard_limit_bytes\":500,\"refused\":0,\"reclaims\":0,"
                           "\"soft_passes\":0}\n]}\n");
  root.relieve(7);
}

TEST(AccountDeathTest, WrongUseStops) {
  account root("root");
  EXPECT_DEATH(root.relieve(1), "strata: account: call that is not allowed");
  EXPECT_DEATH(
      {
        account charged("charged");
        static_cast<void>(charged.charge(1));
      },
      "strata: account: destroyed while blocks are live");
  EXPECT_DEATH(
      {
        account* leaf = nullptr;
        account above("above");
        leaf = new account("leaf", {.parent = &above});
        static_cast<void>(leaf);
      },
      "strata: account: destroyed while blocks are live");
}

}  // namespace
}  // namespace strata
