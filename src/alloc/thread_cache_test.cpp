#include "alloc/thread_cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "alloc/allocate.hpp"
#include "alloc/bin.hpp"
#include "alloc/clock.hpp"
#include "os/memory.hpp"

// Defined in programs built with ThreadSanitizer.
extern "C" void __tsan_init() __attribute__((weak));

namespace strata::alloc {
namespace {

constexpr std::size_t block_bytes = 50;

// Taken out of spans: in caches, in depots, or in somebody's hands.
std::size_t out_of_spans(std::size_t number) {
  bin_usage usage = bin_of(number).usage();
  return usage.blocks - usage.free_slots;
}

std::size_t out_of_all_spans() {
  std::size_t total = 0;
  for (std::size_t number = 1; number < ground::number_count; ++number)
    total += out_of_spans(number);
  return total;
}

bool can_lift() {
  void* from = os::map(os::page_bytes(), os::page_bytes());
  void* to = os::reserve(os::page_bytes(), os::page_bytes(), os::reserved_as::inaccessible);
  bool can = os::lift_pages(from, to, os::page_bytes());
  os::release(from, os::page_bytes());
  os::release(to, os::page_bytes());
  return can;
}

class ThreadCache : public testing::Test {
 protected:
  static constexpr std::size_t number = class_for(block_bytes);

  void SetUp() override {
    ASSERT_TRUE(start());
    thread_registry::lift_idle(UINT64_MAX);  // of threads of tests before this one
    reclaim();
    lost_ = out_of_all_spans();
    lost_of_class_ = out_of_spans(number);
  }
  // Nothing more may be stranded in a cache or a depot.
  void TearDown() override {
    reclaim();
    EXPECT_EQ(out_of_all_spans(), lost_);
    for (std::size_t each = 1; each < ground::number_count; ++each) bin_of(each).verify();
  }

  static std::vector<void*> take(std::size_t count) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) {
      blocks.push_back(thread_cache::current()->allocate(number));
      EXPECT_NE(blocks.back(), nullptr);
    }
    return blocks;
  }
  static void give(const std::vector<void*>& blocks) {
    for (void* block : blocks) thread_cache::current()->deallocate(block, number);
  }
  // Of the class, by this test.
  [[nodiscard]] std::size_t outside() const { return out_of_spans(number) - lost_of_class_; }

  std::size_t lost_ = 0;  // by tests before this one in the process
  std::size_t lost_of_class_ = 0;
};

TEST_F(ThreadCache, MagazinesFitTheirWords) {
  for (std::size_t each = 1; each < ground::number_count; ++each) {
    EXPECT_GE(magazine_capacity(each), 4u);
    EXPECT_LT(magazine_capacity(each), magazine_words);
    EXPECT_LE(batch_of(each), magazine_capacity(each));
  }
}

TEST_F(ThreadCache, EveryBlockIsHandedOutOnce) {
  std::vector<void*> blocks = take(5000);
  EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), blocks.size());
  give(blocks);
}

TEST_F(ThreadCache, TheLastFreedIsTheNextAllocated) {
  std::vector<void*> blocks = take(10);
  give({blocks[3]});
  EXPECT_EQ(take(1)[0], blocks[3]);
  give(blocks);
}

TEST_F(ThreadCache, HoldsLittleOfWhatIsOnlyFreed) {
  constexpr std::size_t first_of_stash = 16 * base::KiB;
  std::size_t most = magazine_capacity(number) + first_of_stash / ground::class_bytes(number);
  std::vector<void*> blocks = take(1000);
  // What tests before this one have taught it is forgotten.
  for (int i = 0; i < 100; ++i) thread_cache::current()->trim();
  for (void* block : blocks) {
    thread_cache::current()->deallocate(block, number);
    ASSERT_LE(thread_cache::current()->cached(number), most);
  }
}

// Who frees before it has allocated frees another's blocks: it is not handed them again.
TEST_F(ThreadCache, AThreadDoesNotBeginWithWhatOthersAllocated) {
  std::vector<void*> blocks = take(2);
  std::thread([&blocks] {
    std::size_t before = out_of_spans(number);
    give(blocks);
    EXPECT_EQ(out_of_spans(number), before - 2) << "they are in their spans again";
    EXPECT_EQ(thread_cache::current()->cached(number), 0u);
    thread_registry::leave();
  }).join();
}

TEST_F(ThreadCache, AConsumersMagazineOpens) {
  std::vector<void*> blocks = take(20);
  std::thread([&blocks] {
    give(blocks);
    EXPECT_GT(thread_cache::current()->cached(number), blocks.size() / 2);
    thread_registry::leave();
  }).join();
}

// However they were freed: a program goes through its blocks in the order in which it got them.
TEST_F(ThreadCache, AWaveComesBackInTheOrderOfItsAddresses) {
  std::vector<void*> blocks = take(20'000);
  std::mt19937_64 random{7};
  std::shuffle(blocks.begin(), blocks.end(), random);
  give(blocks);
  blocks = take(20'000);
  std::size_t neighbours = 0;
  for (std::size_t i = 1; i < blocks.size(); ++i) {
    std::uintptr_t before = base::address_of(blocks[i - 1]);
    neighbours += before + ground::class_bytes(number) == base::address_of(blocks[i]) ? 1 : 0;
  }
  EXPECT_GT(neighbours, blocks.size() * 9 / 10);
  give(blocks);
}

TEST_F(ThreadCache, TrimHalvesAndDrainEmpties) {
  give(take(40));
  std::size_t before = thread_cache::current()->cached(number);
  ASSERT_GT(before, 10u);
  thread_cache::current()->trim();
  thread_cache::current()->trim();  // what came into the stash since the trim before stays for one
  EXPECT_LE(thread_cache::current()->cached(number), before / 2);
  thread_cache::current()->drain();
  EXPECT_EQ(thread_cache::current()->cached(number), 0u);
}

TEST_F(ThreadCache, IdleUseShrinksToNothing) {
  give(take(1));
  for (int i = 0; i < 10; ++i) thread_cache::current()->trim();
  EXPECT_EQ(thread_cache::current()->cached(number), 0u);
}

TEST_F(ThreadCache, AThreadsEndStrandsNothing) {
  std::size_t caches = 0;
  std::vector<void*> handed_over;
  std::thread other([&] {
    give(take(100));
    handed_over = take(1);
    caches = thread_registry::size();
    thread_registry::leave();
    EXPECT_EQ(thread_cache::current(), nullptr) << "a thread that has left gets no cache again";
    // Still served, from the bins.
    void* block = allocate(block_bytes);
    ASSERT_NE(block, nullptr);
    deallocate(block);
  });
  other.join();
  EXPECT_EQ(thread_registry::size(), caches - 1);
  give(handed_over);  // a block of a thread that has ended
}

TEST_F(ThreadCache, CachesOfEndedThreadsServeNewOnes) {
  thread_cache* first = nullptr;
  thread_cache* second = nullptr;
  std::thread([&] {
    first = thread_cache::current();
    thread_registry::leave();
  }).join();
  std::thread([&] {
    second = thread_cache::current();
    give(take(100));
    thread_registry::leave();
  }).join();
  EXPECT_EQ(first, second);
}

// ---- Lifting

// A thread that has filled its magazines and waits.
class sleeper {
 public:
  sleeper() : thread_([this] { run(); }) {
    while (phase_ != asleep) std::this_thread::yield();
  }
  // Lets it take its blocks out again; they must all be there, each once.
  void wake() {
    phase_ = awake;
    thread_.join();
  }

 private:
  enum phase { filling, asleep, awake };
  void run() {
    std::vector<void*> blocks;
    for (int i = 0; i < 200; ++i) blocks.push_back(allocate(block_bytes));
    for (void* block : blocks) deallocate(block);
    phase_ = asleep;
    while (phase_ != awake) std::this_thread::yield();
    std::set<void*> seen;
    for (int i = 0; i < 200; ++i) seen.insert(allocate(block_bytes));
    EXPECT_EQ(seen.size(), 200u);
    EXPECT_EQ(seen.count(nullptr), 0u);
    for (void* block : seen) deallocate(block);
    thread_registry::leave();
  }
  std::atomic<phase> phase_{filling};
  std::thread thread_;
};

TEST_F(ThreadCache, AnIdleThreadsBlocksAreLiftedButOne) {
  if (&__tsan_init != nullptr) GTEST_SKIP() << "lifting reads another thread's plain words";
  if (!can_lift()) GTEST_SKIP() << "the kernel does not lift (Linux before 5.7)";
  sleeper other;
  reclaim();
  std::size_t before = outside();
  EXPECT_GT(before, 10u);
  thread_registry::lift_idle(0);
  EXPECT_EQ(outside(), before) << "it was active after that";
  thread_registry::lift_idle(UINT64_MAX);
  EXPECT_EQ(outside(), 1u) << "the one at the head is left to its owner";
  other.wake();
}

TEST_F(ThreadCache, LiftingTwiceIsHarmless) {
  if (&__tsan_init != nullptr) GTEST_SKIP() << "lifting reads another thread's plain words";
  sleeper other;
  thread_registry::lift_idle(UINT64_MAX);
  thread_registry::lift_idle(UINT64_MAX);
  other.wake();
}

// Threads that allocate and free at full speed while another one lifts them all the time: no block
// may be in two hands. A magazine whose owner moved at the wrong moment may be lost, no more.
class runner {
 public:
  static constexpr std::size_t rounds = 1'000'000;
  static constexpr std::size_t classes = 3;
  static constexpr std::size_t wanted_lifts = 200;

  explicit runner(unsigned seed) : random_(seed) {}

  // Goes on until it has been lifted often enough.
  void run(const std::atomic<std::size_t>& lifts) {
    for (std::size_t round = 0; round < rounds || lifts < wanted_lifts; ++round) {
      std::size_t at = random_() % std::size(held_);
      if (held_[at].block == nullptr)
        take(held_[at]);
      else
        give(held_[at]);
    }
    for (slot& one : held_) {
      if (one.block != nullptr) give(one);
    }
    thread_registry::leave();
  }

 private:
  static constexpr std::uint64_t in_use = 0x5ca1ab1e0ddba115;

  struct slot {
    std::uint64_t* block = nullptr;
    std::uint64_t seed = 0;
  };

  void take(slot& into) {
    into.block = static_cast<std::uint64_t*>(allocate(48 + random_() % classes * 16));
    if (into.block == nullptr) FAIL() << "no memory";
    // Free blocks keep what their last owner wrote, or read zero.
    if (into.block[0] == in_use) FAIL() << "handed out twice";
    into.block[0] = in_use;
    into.block[1] = into.seed = random_();
  }
  static void give(slot& from) {
    if (from.block[0] != in_use || from.block[1] != from.seed)
      FAIL() << "somebody else wrote there";
    from.block[0] = 0;
    deallocate(from.block);
    from.block = nullptr;
  }

  slot held_[300];
  std::mt19937_64 random_;
};

TEST_F(ThreadCache, LiftingRunningThreadsHandsNoBlockOutTwice) {
  if (&__tsan_init != nullptr) GTEST_SKIP() << "lifting reads another thread's plain words";
  if (!can_lift()) GTEST_SKIP() << "the kernel does not lift (Linux before 5.7)";
  std::atomic<int> running{2};
  std::atomic<std::size_t> lifts{0};
  std::vector<std::thread> owners;
  for (unsigned seed = 1; seed <= 2; ++seed) {
    owners.emplace_back([&running, &lifts, seed] {
      runner(seed).run(lifts);
      --running;
    });
  }
  while (running != 0) {
    thread_registry::each([&lifts](thread_cache& one) { lifts += one.lifted ? 0 : 1; });
    thread_registry::lift_idle(UINT64_MAX);
  }
  for (std::thread& one : owners) one.join();
  reclaim();
  std::size_t lost_now = out_of_all_spans() - lost_;
  EXPECT_LE(lost_now, lifts * runner::classes * 4);
  lost_ += lost_now;
}

}  // namespace
}  // namespace strata::alloc
