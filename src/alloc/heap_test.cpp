#include "alloc/heap.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "alloc/allocate.hpp"
#include "alloc/clock.hpp"
#include "ground/metadata.hpp"

namespace strata::alloc {
namespace {

class Heap : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(start());
    reclaim();
    used_ = ground::page_heap::used_bytes();
    large_ = large_total().bytes;
  }
  // A heap that is destroyed leaves nothing behind.
  void TearDown() override {
    reclaim();
    EXPECT_EQ(ground::page_heap::used_bytes(), used_);
    EXPECT_EQ(large_total().bytes, large_);
    ground::page_heap::verify();
  }

  static std::size_t random_size(std::mt19937& random) {
    return 1 + random() % (std::size_t{1} << (random() % 20));
  }

  std::size_t used_ = 0;
  std::size_t large_ = 0;
};

TEST_F(Heap, DestroyFreesEveryBlock) {
  heap* one = make_heap();
  ASSERT_NE(one, nullptr);
  std::mt19937 random(1);
  std::map<char*, std::size_t> blocks;
  for (int i = 0; i < 2000; ++i) {
    std::size_t size = random_size(random);
    auto* block = static_cast<char*>(allocate_in(one, 1, size, false));
    ASSERT_NE(block, nullptr);
    ASSERT_GE(usable_size(block), size);
    std::memset(block, 0x5a, size);
    blocks[block] = size;
  }
  const char* end = nullptr;
  for (auto [block, size] : blocks) {
    ASSERT_GE(block, end);
    end = block + size;
  }
  destroy_heap(one);
  for (auto [block, size] : blocks) ASSERT_EQ(ground::mark_of(block), ground::mark_none);
}

TEST_F(Heap, BlocksMayBeFreedAlone) {
  heap* one = make_heap();
  for (std::size_t size :
       {std::size_t{1}, std::size_t{100}, std::size_t{5000}, 40 * base::KiB, 64 * base::MiB}) {
    void* block = allocate_in(one, 1, size, false);
    ASSERT_NE(block, nullptr);
    deallocate(block);
  }
  for (std::size_t number = 1; number < ground::class_count; ++number) {
    bin_usage usage = one->bins[number].usage();
    EXPECT_EQ(usage.blocks, usage.free_slots);
  }
  destroy_heap(one);
}

TEST_F(Heap, ZeroedAlignedAndResizedBlocks) {
  heap* one = make_heap();
  std::mt19937 random(2);
  for (int i = 0; i < 500; ++i) {
    std::size_t size = random_size(random);
    std::size_t alignment = std::size_t{1} << (random() % 17);
    auto* block = static_cast<char*>(allocate_in(one, alignment, size, true));
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(base::is_aligned(base::address_of(block), alignment));
    for (std::size_t at = 0; at < size; ++at) ASSERT_EQ(block[at], 0);
    std::memset(block, 0x77, size);
    std::size_t wanted = random_size(random);
    auto* moved = static_cast<char*>(i % 2 == 0 ? reallocate_in(one, block, wanted)
                                                : reallocate(block, wanted));
    ASSERT_NE(moved, nullptr);
    for (std::size_t at = 0; at < std::min(size, wanted); ++at) ASSERT_EQ(moved[at], 0x77);
    if (random() % 3 == 0) deallocate(moved);
  }
  destroy_heap(one);  // TearDown sees whether realloc left a block outside of the heap
}

TEST_F(Heap, HeapsDoNotShareSpans) {
  heap* first = make_heap();
  heap* second = make_heap();
  void* kept = allocate_in(second, 1, 64, false);
  std::memset(kept, 0x33, 64);
  for (int i = 0; i < 1000; ++i) std::memset(allocate_in(first, 1, 64, false), 0x44, 64);
  EXPECT_EQ(heaps_usage(4).blocks - heaps_usage(4).free_slots, 1001u);
  destroy_heap(first);
  EXPECT_EQ(heaps_usage(4).blocks - heaps_usage(4).free_slots, 1u);
  for (int i = 0; i < 64; ++i) ASSERT_EQ(static_cast<char*>(kept)[i], 0x33);
  destroy_heap(second);
}

TEST_F(Heap, ThreadsShareOne) {
  heap* one = make_heap();
  std::vector<std::thread> threads;
  for (unsigned id = 0; id < 4; ++id) {
    threads.emplace_back([one, id] {
      std::mt19937 random(id);
      for (int round = 0; round < 2000; ++round) {
        std::size_t size = 8 + random_size(random) % 60'000;
        auto* block = static_cast<std::uint64_t*>(allocate_in(one, 1, size, false));
        ASSERT_NE(block, nullptr);
        *block = base::address_of(block) + id;
        if (round % 4 == 0) continue;
        ASSERT_EQ(*block, base::address_of(block) + id);
        deallocate(block);
      }
      thread_registry::leave();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (bin& each : one->bins) each.verify();
  destroy_heap(one);
}

using HeapDeathTest = Heap;

TEST_F(HeapDeathTest, ADoubleFreeStopsTheProcess) {
  heap* one = make_heap();
  void* block = allocate_in(one, 1, 100, false);
  EXPECT_DEATH(
      {
        deallocate(block);
        deallocate(block);
      },
      "strata: double free: address 0x.*, block of 112 bytes");
  destroy_heap(one);
}

}  // namespace
}  // namespace strata::alloc
