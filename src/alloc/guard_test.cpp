#include "alloc/guard.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "alloc/allocate.hpp"
#include "alloc/guard_pool.hpp"
#include "alloc/heap.hpp"
#include "alloc/paranoid.hpp"
#include "ground/account.hpp"
#include "os/fault_watch.hpp"
#include "os/memory.hpp"

namespace strata::alloc {
namespace {

// The next allocation of this thread is guarded.
template <typename Allocate>
unsigned char* guarded_by(Allocate make) {
  this_thread.guard_next = true;
  this_thread.tick = 0;
  return static_cast<unsigned char*>(make());
}
unsigned char* guarded(std::size_t size) {
  return guarded_by([size] { return allocate_slow(size); });
}

// Whether it stands at the end of its slot, or at the start; both when it fills it.
bool stands(bool right, const unsigned char* block, std::size_t size) {
  const guard::pool& pool = guard::the_pool;
  std::size_t index = (base::address_of(block) - pool.start) / pool.stride();
  std::uintptr_t start = pool.slot_start(index);
  std::uintptr_t end = base::address_of(block) + size;
  return right ? start + pool.slot_bytes() - end < 16 : start == base::address_of(block);
}

// One that stands where it is wanted.
unsigned char* guarded_at(bool right, std::size_t size) {
  for (;;) {
    unsigned char* block = guarded(size);
    if (stands(right, block, size)) return block;
    deallocate(block);
  }
}

class Guard : public testing::Test {
 protected:
  void SetUp() override {
    start();
    if (paranoid::on()) GTEST_SKIP() << "paranoid hardening guards nothing";
  }
  static constexpr std::size_t sizes[] = {0,   1,    7,    8,    12,   16,   17,   24,    31,   64,
                                          100, 1000, 1024, 1500, 4095, 4096, 4097, 20000, 32768};
};

TEST_F(Guard, BlocksHoldTheirSizeAndAreAligned) {
  for (std::size_t size : sizes) {
    for (int turn = 0; turn < 8; ++turn) {
      unsigned char* block = guarded(size);
      ASSERT_TRUE(guard::owns(block)) << size;
      EXPECT_TRUE(base::is_aligned(base::address_of(block), size < 16 ? 8 : 16)) << size;
      EXPECT_EQ(usable_size(block), size);
      EXPECT_EQ(std::count(block, block + size, 0), static_cast<std::ptrdiff_t>(size));
      std::memset(block, 0xff, size);
      deallocate(block);
    }
  }
}

TEST_F(Guard, StandsAtBothEnds) {
  unsigned char* left = guarded_at(false, 100);
  unsigned char* right = guarded_at(true, 100);
  EXPECT_EQ(base::address_of(left) % os::page_bytes(), 0u);
  EXPECT_LT(os::page_bytes() - base::address_of(right + 100) % os::page_bytes(), 16u);
  deallocate(left);
  deallocate(right);
}

TEST_F(Guard, KeepsAlignments) {
  for (std::size_t alignment = 16; alignment <= 64 * base::KiB; alignment *= 2) {
    for (std::size_t size : sizes) {
      for (int turn = 0; turn < 4; ++turn) {
        void* block = guarded_by([=] { return allocate_aligned_slow(alignment, size); });
        ASSERT_TRUE(base::is_aligned(base::address_of(block), alignment)) << size;
        std::memset(block, 1, size);
        deallocate_sized(block, size, alignment);
      }
    }
  }
}

TEST_F(Guard, LargeBlocksAndHeapsHaveNone) {
  void* large = guarded(most_medium + 1);
  EXPECT_FALSE(guard::owns(large));
  deallocate(large);
  heap* own = make_heap();
  EXPECT_FALSE(guard::owns(guarded_by([own] { return allocate_in(own, 1, 100, false); })));
  destroy_heap(own);
}

TEST_F(Guard, ZeroedBlocksAreZero) {
  void* block = guarded_by([] { return allocate_zeroed(1000); });
  auto* bytes = static_cast<unsigned char*>(block);
  EXPECT_EQ(std::count(bytes, bytes + 1000, 0), 1000);
  deallocate(block);
}

TEST_F(Guard, ReallocMovesOut) {
  unsigned char* block = guarded(100);
  std::memset(block, 7, 100);
  auto* longer = static_cast<unsigned char*>(reallocate(block, 200));
  EXPECT_NE(longer, block);
  EXPECT_EQ(std::count(longer, longer + 100, 7), 100);
  deallocate(longer);
  block = guarded(100);
  std::memset(block, 7, 100);
  auto* shorter = static_cast<unsigned char*>(reallocate(block, 60));
  EXPECT_NE(shorter, block);
  EXPECT_EQ(std::count(shorter, shorter + 60, 7), 60);
  deallocate(shorter);
}

TEST_F(Guard, SizedFreesMayTellWhatOrdinaryBlocksMay) {
  deallocate_sized(guarded(60), 60, 1);
  deallocate_sized(guarded(60), 64, 1);  // the same class
  deallocate_sized(guarded(60), 40, 1, told_size::perhaps_reallocated);
}

TEST_F(Guard, SlotsComeBackInTheOrderOfFrees) {
  // As far as there are slots that are not live.
  std::vector<const void*> freed;
  for (std::size_t i = 0; i < guard::slot_count; ++i) {
    unsigned char* block = guarded(64);
    ASSERT_TRUE(guard::owns(block));
    deallocate(block);
    freed.push_back(guard::the_pool.slot_at(base::address_of(block)));
  }
  unsigned char* next = guarded(64);
  EXPECT_EQ(guard::the_pool.slot_at(base::address_of(next)), freed.front());
  deallocate(next);
  std::sort(freed.begin(), freed.end());
  EXPECT_EQ(std::unique(freed.begin(), freed.end()), freed.end());
}

TEST_F(Guard, WithoutASlotBlocksAreOrdinary) {
  std::vector<void*> blocks;
  std::size_t owned = 0;
  for (std::size_t i = 0; i < guard::slot_count + 10; ++i) {
    blocks.push_back(guarded(48));
    owned += guard::owns(blocks.back()) ? 1 : 0;
  }
  EXPECT_EQ(owned, guard::slot_count);
  for (void* block : blocks) deallocate(block);
}

TEST_F(Guard, FreedSlotsHoldNoMemory) {
  std::size_t charged = ground::account::charged_bytes();
  std::size_t held = guard::held_bytes();
  unsigned char* block = guarded(20000);
  EXPECT_GE(guard::held_bytes(), held + 20000);
  EXPECT_GE(ground::account::charged_bytes(), charged + 20000);
  deallocate(block);
  EXPECT_EQ(guard::held_bytes(), held);
  EXPECT_EQ(ground::account::charged_bytes(), charged);
}

TEST_F(Guard, WalksMeetThem) {
  unsigned char* block = guarded(77);
  struct seen {
    void* wanted;
    std::size_t size;
  } look = {block, 0};
  walk(
      [](void* at, std::size_t size, void* context) {
        auto* one = static_cast<seen*>(context);
        if (at == one->wanted) one->size += size;
        return 0;
      },
      &look);
  EXPECT_EQ(look.size, 77u);
  deallocate(block);
}

TEST_F(Guard, RandomOperationsKeepContents) {
  std::mt19937 random(1);
  struct content {
    std::size_t size;
    unsigned char fill;
  };
  std::map<unsigned char*, content> live;
  auto add = [&](void* at, std::size_t size) {
    auto* block = static_cast<unsigned char*>(at);
    auto fill = static_cast<unsigned char>(random());
    std::memset(block, fill, size);
    ASSERT_TRUE(live.insert({block, {size, fill}}).second);
  };
  for (int step = 0; step < 8000; ++step) {
    std::size_t size = random() % (std::size_t{1} << random() % 16);
    if (live.size() < 200 && random() % 2 == 0) {
      ASSERT_NO_FATAL_FAILURE(add(guarded(size), size));
      continue;
    }
    if (live.empty()) continue;
    auto one = std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size()));
    auto [block, was] = *one;
    ASSERT_EQ(std::count(block, block + was.size, was.fill), static_cast<std::ptrdiff_t>(was.size));
    live.erase(one);
    if (random() % 4 != 0) {
      deallocate_sized(block, was.size, 1);
      continue;
    }
    void* moved = guarded_by([&, from = block] { return reallocate(from, size + 1); });
    ASSERT_NO_FATAL_FAILURE(add(moved, size + 1));
  }
  for (auto& [block, was] : live) deallocate(block);
}

TEST_F(Guard, ThreadsShareTheSlots) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int step = 0; step < 2000; ++step) {
        unsigned char* block = guarded(step % 500);
        std::memset(block, step, step % 500);
        deallocate(block);
      }
    });
  }
  for (std::thread& one : threads) one.join();
}

TEST_F(Guard, ForkedChildrenGoOn) {
  unsigned char* block = guarded(100);
  pid_t child = fork();
  if (child == 0) {
    block[0] = 1;
    deallocate(block);
    for (int i = 0; i < 300; ++i) deallocate(guarded(100));
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  deallocate(block);
}

// ---- The clock's choice

TEST_F(Guard, SomeOfStaysInItsBounds) {
  bool seen[4] = {};
  for (int i = 0; i < 1000; ++i) {
    std::int32_t value = guard::some_of(3);
    ASSERT_TRUE(value >= 0 && value <= 3);
    seen[value] = true;
  }
  EXPECT_EQ(std::count(seen, seen + 4, true), 4);
}

// ---- What is found. Each runs at both ends, at many sizes.

void keep(const void* block) { asm volatile("" : : "r"(block) : "memory"); }

class GuardDeathTest : public Guard {
 protected:
  // A sanitizer that watches for faults comes first, and has other words for them.
  static bool faults_are_told() {
    deallocate(guarded(1));
    struct sigaction now = {};
    sigaction(SIGSEGV, nullptr, &now);
    auto* handler = now.sa_handler;
    os::hide_watch(now);
    return now.sa_handler != handler;
  }
  // The stacks that a message tells.
  static std::string told(const char* kind, std::initializer_list<const char*> stories) {
    std::string pattern = std::string("strata: ") + kind + ": address 0x";
    for (const char* story : stories) {
      pattern += std::string("(.|\n)*  ") + story + " by thread [0-9]+:\n    [^ ]+\\+0x[0-9a-f]+\n";
    }
    return pattern;
  }
};

TEST_F(GuardDeathTest, OverflowByOne) {
  if (!faults_are_told()) GTEST_SKIP();
  for (std::size_t size : {8, 16, 64, 4096, 32768}) {
    EXPECT_DEATH(guarded_at(true, size)[size] = 1,
                 told("access past the end of a block", {"accessed", "allocated"}))
        << size;
  }
}

TEST_F(GuardDeathTest, OverflowIntoSlackIsFoundAtFree) {
  for (bool right : {false, true}) {
    for (std::size_t size : {1, 5, 17, 100, 4001, 20001}) {
      EXPECT_DEATH(
          {
            unsigned char* block = guarded_at(right, size);
            block[size] = 0;
            deallocate(block);
          },
          told("write past the end of a block", {"found", "allocated"}))
          << size;
    }
  }
}

TEST_F(GuardDeathTest, UnderflowByOne) {
  if (!faults_are_told()) GTEST_SKIP();
  for (std::size_t size : {1, 16, 64, 1000, 32768}) {
    EXPECT_DEATH(guarded_at(false, size)[-1] = 1,
                 told("access before the start of a block", {"accessed", "allocated"}))
        << size;
    EXPECT_DEATH(
        {
          unsigned char* block = guarded_at(true, 100);
          block[-1] = 0;
          deallocate(block);
        },
        told("write before the start of a block", {"found", "allocated"}));
  }
}

TEST_F(GuardDeathTest, UsesAfterFree) {
  if (!faults_are_told()) GTEST_SKIP();
  for (std::size_t size : {1, 16, 100, 4096, 32768}) {
    unsigned char* block = guarded(size);
    deallocate(block);
    EXPECT_DEATH(block[size - 1] = 1, told("use after free", {"accessed", "allocated", "freed"}));
    EXPECT_DEATH(
        keep(reinterpret_cast<void*>(std::uintptr_t{*static_cast<volatile unsigned char*>(block)})),
        told("use after free", {"accessed", "allocated", "freed"}));
  }
}

TEST_F(GuardDeathTest, BadFrees) {
  for (std::size_t size : {1, 16, 100, 4096, 32768}) {
    unsigned char* block = guarded(size);
    if (size > 1) {
      EXPECT_DEATH(deallocate(block + size / 2),
                   told("invalid free: inside a block, not its start", {"found", "allocated"}));
    }
    EXPECT_DEATH(deallocate_sized(block, size * 4 + 100, 1),
                 told("sized free with a size that the block does not have", {"allocated"}));
    deallocate(block);
    const auto twice = told("double free", {"found", "allocated", "freed"});
    EXPECT_DEATH(deallocate(block), twice);
    EXPECT_DEATH(reallocate(block, 10), twice);
    EXPECT_DEATH(usable_size(block), twice);
    EXPECT_DEATH(deallocate_sized(block, size, 1), twice);
  }
}

TEST_F(GuardDeathTest, OtherThreadsAndChildren) {
  if (!faults_are_told()) GTEST_SKIP();
  unsigned char* block = guarded(64);
  std::thread([block] { deallocate(block); }).join();
  const auto late = told("use after free", {"accessed", "allocated", "freed"});
  EXPECT_DEATH(std::thread([block] { block[3] = 1; }).join(), late);
  EXPECT_DEATH(
      {
        pid_t child = fork();
        if (child == 0) block[3] = 1;
        int status = 0;
        waitpid(child, &status, 0);
        if (WIFSIGNALED(status)) raise(WTERMSIG(status));
      },
      late);
}

}  // namespace

// ---- Who is blamed

namespace guard {
namespace {

class Blame : public testing::Test {
 protected:
  void SetUp() override {
    made_.start = std::uintptr_t{1} << 40;
    made_.page = 4096;
    made_.bytes = slot_count * made_.stride() + made_.page;
    made_.slots = slots_.data();
  }
  void put(std::size_t index, std::size_t offset, std::size_t size) {
    slots_[index].start = made_.slot_start(index) + offset;
    slots_[index].size = size;
    slots_[index].state = slot_state::live;
  }

  std::vector<slot> slots_ = std::vector<slot>(slot_count);
  pool made_;
};

TEST_F(Blame, NobodyWhereNothingEverWas) {
  EXPECT_EQ(made_.slot_at(made_.start), nullptr);
  EXPECT_EQ(made_.slot_at(made_.slot_start(3)), nullptr);
  EXPECT_EQ(made_.slot_at(made_.start + made_.bytes - 1), nullptr);
}

TEST_F(Blame, TheSlotThatTheAddressIsIn) {
  put(3, 0, 100);
  EXPECT_EQ(made_.slot_at(made_.slot_start(3) + 32767), &slots_[3]);
  EXPECT_EQ(made_.slot_at(made_.slot_start(4)), nullptr);
}

TEST_F(Blame, BetweenTwoTheNearer) {
  put(3, 32768 - 64, 64);
  put(4, 0, 64);
  std::uintptr_t page = made_.slot_start(4) - made_.page;
  EXPECT_EQ(made_.slot_at(page), &slots_[3]);
  EXPECT_EQ(made_.slot_at(page + 4095), &slots_[4]);
}

TEST_F(Blame, AtTheEndsTheOnlyOne) {
  put(0, 0, 64);
  put(slot_count - 1, 32768 - 64, 64);
  EXPECT_EQ(made_.slot_at(made_.start), &slots_[0]);
  EXPECT_EQ(made_.slot_at(made_.start + made_.bytes - 1), &slots_[slot_count - 1]);
}

}  // namespace
}  // namespace guard
}  // namespace strata::alloc
