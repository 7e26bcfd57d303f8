#include "alloc/allocate.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "alloc/bin.hpp"
#include "alloc/clock.hpp"
#include "alloc/large.hpp"
#include "os/memory.hpp"

namespace strata::alloc {
namespace {

// Live blocks by address, each filled with a pattern of its own.
class model {
 public:
  explicit model(unsigned seed) : random_(seed) {}

  // A block of the allocator's: holds size bytes, touches no other.
  void add(void* block, std::size_t size, std::size_t alignment) {
    ASSERT_NE(block, nullptr) << size;
    auto* at = static_cast<unsigned char*>(block);
    ASSERT_TRUE(base::is_aligned(base::address_of(at), alignment));
    std::size_t usable = usable_size(block);
    ASSERT_GE(usable, size);
    auto next = live_.lower_bound(at);
    ASSERT_TRUE(next == live_.end() || at + usable <= next->first);
    ASSERT_TRUE(next == live_.begin() ||
                std::prev(next)->first + std::prev(next)->second.size <= at);
    live_[at] = {size, static_cast<unsigned char>(random_() | 1)};
    std::memset(at, live_[at].fill, size);
  }

  struct content {
    std::size_t size;
    unsigned char fill;
  };
  using position = std::map<unsigned char*, content>::iterator;

  position any() {
    return std::next(live_.begin(), static_cast<std::ptrdiff_t>(random_() % live_.size()));
  }

  // Checks the first `bytes` bytes of a block that was `before`.
  static void expect(const unsigned char* at, content before, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; i += i < 4096 || i + 4096 > bytes ? 1 : 509) {
      ASSERT_EQ(at[i], before.fill) << "byte " << i << " of " << before.size;
    }
  }

  void remove(position one) {
    expect(one->first, one->second, one->second.size);
    live_.erase(one);
  }

  std::size_t size() {
    // Mostly small, some of all sizes, a few mappings.
    std::size_t dice = random_() % 1000;
    if (dice < 2) return base::MiB + random_() % (40 * base::MiB);
    return random_() % (std::size_t{1} << (dice < 700 ? 11 : 20));
  }
  std::size_t below(std::size_t bound) { return random_() % bound; }
  [[nodiscard]] std::size_t count() const { return live_.size(); }
  [[nodiscard]] bool knows(void* block) const {
    return live_.count(static_cast<unsigned char*>(block)) != 0;
  }

 private:
  std::map<unsigned char*, content> live_;
  std::mt19937_64 random_;
};

class Allocate : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(start()); }
  void TearDown() override {
    ground::page_heap::verify();
    for (std::size_t number = 1; number < ground::number_count; ++number) bin_of(number).verify();
  }
};

void allocate_one(model& blocks) {
  std::size_t size = blocks.size();
  switch (blocks.below(4)) {
    case 0: {
      std::size_t alignment = std::size_t{1} << blocks.below(22);
      blocks.add(allocate_aligned(alignment, size), size, alignment);
      break;
    }
    case 1: {
      auto* block = static_cast<char*>(allocate_zeroed(size));
      ASSERT_NE(block, nullptr);
      for (std::size_t i = 0; i < size; ++i)
        ASSERT_EQ(block[i], 0) << "byte " << i << " of " << size;
      blocks.add(block, size, ground::granule_bytes);
      break;
    }
    default:
      blocks.add(allocate(size), size, ground::granule_bytes);
  }
}

void free_one(model& blocks) {
  auto one = blocks.any();
  void* block = one->first;
  blocks.remove(one);
  deallocate(block);
}

void resize_one(model& blocks) {
  auto one = blocks.any();
  auto [at, before] = *one;
  std::size_t size = 1 + blocks.size();
  blocks.remove(one);
  auto* moved = static_cast<unsigned char*>(reallocate(at, size));
  ASSERT_NE(moved, nullptr);
  model::expect(moved, before, std::min(before.size, size));
  blocks.add(moved, size, ground::granule_bytes);
}

void run_model(unsigned seed, int rounds, std::size_t most) {
  model blocks(seed);
  for (int round = 0; round < rounds && !testing::Test::HasFatalFailure(); ++round) {
    std::size_t dice = blocks.below(10);
    if (blocks.count() == 0 || (dice < 4 && blocks.count() < most))
      allocate_one(blocks);
    else if (dice < 7)
      free_one(blocks);
    else
      resize_one(blocks);
  }
  while (blocks.count() != 0 && !testing::Test::HasFatalFailure()) free_one(blocks);
}

TEST_F(Allocate, RandomOperationsAgreeWithAModel) { run_model(1, 15'000, 300); }

TEST_F(Allocate, ThreadsDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  for (unsigned seed = 2; seed < 5; ++seed) {
    threads.emplace_back([seed] {
      run_model(seed, 3000, 50);
      thread_registry::leave();
    });
  }
  for (std::thread& one : threads) one.join();
}

TEST_F(Allocate, BlocksOfOneThreadAreFreedByAnother) {
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 3000; ++i) {
    blocks.push_back(allocate(1 + i * 37 % 50'000));
    std::memset(blocks.back(), 1, 1 + i * 37 % 50'000);
  }
  std::thread([&blocks] {
    for (void* block : blocks) deallocate(block);
    thread_registry::leave();
  }).join();
}

TEST_F(Allocate, NothingAsksForADistinctBlock) {
  void* first = allocate(0);
  void* second = allocate(0);
  EXPECT_TRUE(first != nullptr && second != nullptr && first != second);
  deallocate(first);
  deallocate(second);
  deallocate(nullptr);
  EXPECT_EQ(usable_size(nullptr), 0u);
}

TEST_F(Allocate, RefusesTheImpossible) {
  for (std::size_t size :
       {SIZE_MAX, SIZE_MAX - 4096, most_bytes + 1, most_bytes, std::size_t{1} << 60}) {
    EXPECT_EQ(allocate(size), nullptr) << size;
    EXPECT_EQ(allocate_zeroed(size), nullptr) << size;
    EXPECT_EQ(allocate_aligned(4096, size), nullptr) << size;
    void* block = allocate(100);
    EXPECT_EQ(reallocate(block, size), nullptr) << size;
    deallocate(block);
  }
  EXPECT_EQ(allocate_aligned(std::size_t{1} << 63, 1), nullptr);
}

TEST_F(Allocate, UsableSizeIsTheClasssButForTheCanary) {
  for (std::size_t size = 0; size <= most_medium; size += 13) {
    void* block = allocate(size);
    EXPECT_EQ(usable_size(block), ground::class_bytes(class_for(size)) - canary::bytes);
    deallocate_sized(block, size, 1);
  }
}

TEST_F(Allocate, BatchesAreOfSeparateBlocks) {
  for (std::size_t size : {std::size_t{24}, std::size_t{3000}, 40 * base::KiB}) {
    void* batch[200];
    ASSERT_EQ(allocate_batch(size, std::size(batch), batch), std::size(batch));
    model blocks(6);
    for (void* block : batch) ASSERT_NO_FATAL_FAILURE(blocks.add(block, size, 16));
    batch[7] = nullptr;
    deallocate_batch(batch, std::size(batch));
  }
}

TEST_F(Allocate, ReallocKeepsWhatFitsInPlace) {
  void* block = allocate(1000);
  EXPECT_EQ(reallocate(block, 1000), block);
  EXPECT_EQ(reallocate(block, 600), block);
  EXPECT_NE(reallocate(block, 2000), block);
}

// Stamps of small blocks stay behind in memory that comes to be used otherwise.
TEST_F(Allocate, OldStampsMeanNothing) {
  constexpr std::size_t count = 4096;
  std::vector<void*> blocks(count);
  for (std::size_t size : {std::size_t{200}, std::size_t{1500}, std::size_t{3000}}) {
    for (void*& one : blocks) one = allocate(200);
    for (void* one : blocks) deallocate(one);
    reclaim();
    for (void*& one : blocks) one = allocate(size);
    for (void*& one : blocks) {
      EXPECT_GE(usable_size(one), size);
      one = reallocate(one, 2 * size);
    }
    for (void* one : blocks) deallocate(one);
    reclaim();
  }
}

// ---- Walk

struct walked {
  model* blocks;
  std::size_t met = 0;
  std::size_t stop_after = SIZE_MAX;
};

int visit(void* block, std::size_t size, void* context) {
  auto* seen = static_cast<walked*>(context);
  EXPECT_EQ(usable_size(block), size);
  if (seen->blocks->knows(block)) ++seen->met;
  return seen->met == seen->stop_after ? 7 : 0;
}

TEST_F(Allocate, WalkMeetsEveryLiveBlockOnce) {
  model blocks(8);
  for (int i = 0; i < 300; ++i) allocate_one(blocks);
  void* mapping = allocate(64 * base::MiB);
  blocks.add(mapping, 64 * base::MiB, 4096);
  walked seen{&blocks};
  EXPECT_EQ(walk(visit, &seen), 0);
  EXPECT_EQ(seen.met, blocks.count());
  walked some{&blocks, 0, 10};
  EXPECT_EQ(walk(visit, &some), 7);
  EXPECT_EQ(some.met, 10u);
  while (blocks.count() != 0) free_one(blocks);
}

// ---- Misuse

class MisuseDeathTest : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override { ASSERT_TRUE(start()); }
  void TearDown() override { deallocate(block_); }

  [[nodiscard]] bool small() const { return GetParam() <= most_medium; }
  [[nodiscard]] bool mapping() const { return GetParam() > ground::page_heap::largest_run_bytes(); }
  [[nodiscard]] static std::string at(const void* address) {
    std::ostringstream text;
    text << "address " << address << ".*, process [0-9]+\n";
    return text.str();
  }

  // Through volatile, so that the compiler does not see what is wrong.
  char* volatile block_ = static_cast<char*>(allocate(GetParam()));
};

TEST_P(MisuseDeathTest, DoubleFree) {
  // Of a mapping nothing is left to tell that there was one.
  std::string what =
      mapping() ? "strata: invalid free: not a block of this heap: " : "strata: double free: ";
  EXPECT_DEATH(
      {
        deallocate(block_);
        deallocate(block_);
      },
      what + at(block_));
}

TEST_P(MisuseDeathTest, DoubleFreeAfterOthers) {
  EXPECT_DEATH(
      {
        deallocate(block_);
        for (int i = 0; i < 500; ++i) deallocate(allocate(32));
        reclaim();
        deallocate(block_);
      },
      "strata: (double free|invalid free).*");
}

TEST_P(MisuseDeathTest, FreeOfTheInside) {
  std::size_t granules = usable_size(block_) / ground::granule_bytes;
  if (granules < 2) GTEST_SKIP() << "a block of one granule has no other";
  for (std::size_t granule : {std::size_t{1}, granules / 2, granules - 1}) {
    char* inside = block_ + granule * ground::granule_bytes;
    std::string what = mapping() ? "not a block of this heap: " : "inside a block, not its start: ";
    EXPECT_DEATH(deallocate(inside), "strata: invalid free: " + what + at(inside));
  }
}

TEST_P(MisuseDeathTest, FreeOfAMisalignedAddress) {
  for (std::size_t offset : {1, 4, 8, 15}) {
    EXPECT_DEATH(deallocate(block_ + offset),
                 "strata: invalid free: misaligned address: " + at(block_ + offset));
  }
}

TEST_P(MisuseDeathTest, ReallocOfAFreedBlock) {
  EXPECT_DEATH(
      {
        deallocate(block_);
        reallocate(block_, 10 * GetParam());
      },
      "strata: (double free|invalid free)");
}

TEST_P(MisuseDeathTest, SizedFreeWithAnotherSize) {
  std::string what = "strata: sized free with a size that the block does not have: " + at(block_);
  std::size_t usable = usable_size(block_);
  EXPECT_DEATH(deallocate_sized(block_, usable + 1, 1), what);
  EXPECT_DEATH(deallocate_sized(block_, 4 * GetParam(), 1), what);
  if (GetParam() > ground::granule_bytes) {
    EXPECT_DEATH(deallocate_sized(block_, GetParam() / 2, 1), what);
    EXPECT_DEATH(deallocate_sized(block_, GetParam() / 4, 1), what);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, MisuseDeathTest,
                         testing::Values(8, 256, 4096, 40 * base::KiB, 256 * base::KiB,
                                         64 * base::MiB));

alignas(16) char a_global[64];

TEST(ForeignDeathTest, FreeOfWhatWasNeverAllocated) {
  ASSERT_TRUE(start());
  alignas(16) char local[64] = {};
  auto of_libc = std::make_unique<char[]>(100);
  const std::string what = "strata: invalid free: not a block of this heap: address 0x";
  for (char* address : {local, a_global, of_libc.get(), base::pointer_to<char>(16),
                        base::pointer_to<char>(std::uintptr_t{1} << 47),
                        base::pointer_to<char>(UINTPTR_MAX - 15)}) {
    EXPECT_DEATH(deallocate(address), what);
    EXPECT_DEATH(deallocate_batch(reinterpret_cast<void**>(&address), 1), what);
    EXPECT_DEATH(reallocate(address, 100), what);
    EXPECT_DEATH(usable_size(address), what);
  }
}

// A page of ours in which no block starts, and that no run holds any more.
TEST(ForeignDeathTest, FreeInAPageThatWentBack) {
  ASSERT_TRUE(start());
  char* block = static_cast<char*>(allocate(40 * base::KiB));
  deallocate(block);
  EXPECT_DEATH(deallocate(block + 4096), "strata: invalid free: inside a block");
}

}  // namespace
}  // namespace strata::alloc
