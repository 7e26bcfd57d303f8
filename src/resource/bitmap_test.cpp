#include <strata/bitmap.hpp>

#include <array>
#include <random>
#include <vector>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

static_assert(resource<bitmap>);

class Bitmap : public testing::Test {
 protected:
  test_upstream upstream_;
  bitmap bitmap_{&upstream_};
};

TEST_F(Bitmap, AgreesWithTheModel) {
  run_model(bitmap_, {.most_alignment = 4096});
  for (std::size_t block_bytes : {1u, 8u, 16u, 1024u, 4096u}) {
    bitmap one(&upstream_, {.block_bytes = block_bytes, .first_region_bytes = 8192});
    run_model(one, {.operations = 4000, .most_live = 200, .seed = block_bytes});
    run_containers(one);
    expect_regions_add_up(one);
  }
}

TEST_F(Bitmap, WorksInABuffer) {
  alignas(64) std::array<std::byte, 1 << 16> buffer;
  bitmap one(buffer, {.block_bytes = 32});
  EXPECT_LE(one.statistics().held_bytes, buffer.size());
  run_model(one, {.operations = 5000});
  run_containers(one);
  std::size_t blocks = 0;
  while (void* block = one.try_allocate(32, 8)) {
    ASSERT_GE(block, buffer.data());
    ASSERT_LT(block, buffer.data() + buffer.size());
    ++blocks;
  }
  EXPECT_GT(blocks, buffer.size() / 32 * 97 / 100);
  expect_regions_add_up(one);
}

TEST_F(Bitmap, ABufferOfAnyLengthAndPlace) {
  alignas(64) std::array<std::byte, 700> buffer;
  for (std::size_t from = 0; from < 20; ++from) {
    for (std::size_t bytes = 0; bytes + from <= buffer.size(); bytes += 3) {
      bitmap one(std::span<std::byte>(buffer).subspan(from, bytes), {.block_bytes = 16});
      while (void* block = one.try_allocate(16, 16)) {
        ASSERT_GE(block, buffer.data() + from);
        ASSERT_LE(static_cast<std::byte*>(block) + 16, buffer.data() + from + bytes);
        std::memset(block, 0xff, 16);
      }
      one.verify();
      ASSERT_LE(one.statistics().held_bytes, bytes);
    }
  }
}

TEST_F(Bitmap, TakesTheFirstRunThatIsLongEnough) {
  std::array<void*, 300> blocks;
  for (void*& each : blocks) each = bitmap_.try_allocate(64, 8);
  auto free_run = [&](std::size_t from, std::size_t count) {
    for (std::size_t i = from; i < from + count; ++i) bitmap_.deallocate(blocks[i], 64, 8);
  };
  free_run(3, 1);
  free_run(60, 10);    // over the end of a word
  free_run(120, 140);  // more than two words
  EXPECT_EQ(bitmap_.try_allocate(2 * 64, 8), blocks[60]);
  EXPECT_EQ(bitmap_.try_allocate(64, 8), blocks[3]);
  EXPECT_EQ(bitmap_.try_allocate(9 * 64, 8), blocks[120]);
  EXPECT_EQ(bitmap_.try_allocate(8 * 64, 8), blocks[62]);
  EXPECT_EQ(bitmap_.try_allocate(131 * 64, 8), blocks[129]);
  bitmap_.verify();
}

// The same as a row of flags that is searched from its start, whatever hints say; runs of up to twice the highest
// level among them.
TEST_F(Bitmap, FindsWhatASearchFromTheStartFinds) {
  constexpr std::size_t blocks = 20000;
  bitmap one(&upstream_, {.block_bytes = 16, .first_region_bytes = blocks * 16});
  void* first = one.try_allocate(16, 16);
  one.deallocate(first, 16, 16);
  std::vector<bool> is_free(blocks, true);
  struct run {
    std::size_t first, blocks;
  };
  std::vector<run> live;
  auto set = [&](const run& of, bool to) {
    for (std::size_t at = of.first; at < of.first + of.blocks; ++at) is_free[at] = to;
  };
  auto first_fit = [&](std::size_t wanted, std::size_t step) {
    for (std::size_t at = 0, stretch = 0; at < blocks; ++at) {
      std::size_t start = at - stretch;
      if (stretch == 0 && (detail::address_of(first) / 16 + start) % step != 0) continue;
      stretch = is_free[at] ? stretch + 1 : 0;
      if (stretch == wanted) return start;
    }
    return blocks;
  };
  std::mt19937 random(1);
  for (int operation = 0; operation < 6000; ++operation) {
    if (random() % 8 < 3 && !live.empty()) {
      std::swap(live[random() % live.size()], live.back());
      run of = live.back();
      live.pop_back();
      one.deallocate(static_cast<std::byte*>(first) + of.first * 16, of.blocks * 16, 16);
      set(of, true);
      continue;
    }
    std::size_t longest = std::size_t{1} << random() % 14;
    run of{0, random() % longest + 1};
    std::size_t step = std::size_t{1} << random() % 4;
    of.first = first_fit(of.blocks, step);
    if (of.first == blocks) continue;
    ASSERT_EQ(one.try_allocate(of.blocks * 16, step * 16),
              static_cast<std::byte*>(first) + of.first * 16);
    set(of, false);
    live.push_back(of);
    if (operation % 100 == 0) one.verify();
  }
  for (const run& of : live)
    one.deallocate(static_cast<std::byte*>(first) + of.first * 16, of.blocks * 16, 16);
}

TEST_F(Bitmap, AlignsWithinARegion) {
  void* small = bitmap_.try_allocate(64, 8);
  void* page = bitmap_.try_allocate(100, 4096);
  ASSERT_NE(small, nullptr);
  EXPECT_EQ(detail::address_of(page) % 4096, 0u);
  void* far = bitmap_.try_allocate(100, std::size_t{1} << 21);
  EXPECT_EQ(detail::address_of(far) % (std::size_t{1} << 21), 0u);
  bitmap_.verify();
}

// The tables lie elsewhere: garbage in all of a block and some of the next leaves the heap whole.
TEST_F(Bitmap, OneDamagedBlockDoesNotBreakTheHeap) {
  alignas(64) std::array<std::byte, 1 << 14> buffer;
  bitmap fixed(buffer, {.block_bytes = 32});
  for (bitmap* one : {&bitmap_, &fixed}) {
    std::vector<void*> blocks;
    for (int i = 0; i < 100; ++i) blocks.push_back(one->try_allocate(one->block_bytes(), 8));
    // Every byte of what it ever handed out, live and free.
    std::memset(blocks[0], 0xa5, 100 * one->block_bytes());
    for (std::size_t i = 0; i < 100; i += 2) one->deallocate(blocks[i], one->block_bytes(), 8);
    one->verify();
    EXPECT_EQ(one->try_allocate(one->block_bytes(), 8), blocks[0]);
    EXPECT_EQ(one->statistics().live_blocks, 51u);
    one->deallocate(blocks[0], one->block_bytes(), 8);
    for (std::size_t i = 1; i < 100; i += 2) one->deallocate(blocks[i], one->block_bytes(), 8);
    run_model(*one, {.operations = 2000, .most_live = 60});
  }
}

TEST_F(Bitmap, RegionsDoubleAndGoWhenEmpty) {
  bitmap one(&upstream_, {.block_bytes = 64, .first_region_bytes = 4096});
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(one.try_allocate(64, 8));
  EXPECT_EQ(upstream_.taken(), 2 * 5u) << "4, 8, 16, 32 and 64 KiB, each with its tables";
  std::shuffle(blocks.begin(), blocks.end(), std::mt19937{4});
  for (void* block : blocks) one.deallocate(block, 64, 8);
  EXPECT_EQ(upstream_.live_blocks(), 2u);
  one.verify();
  void* large = one.try_allocate(1'000'000, 8);
  ASSERT_NE(large, nullptr);
  EXPECT_LT(upstream_.live_bytes(), 1'200'000u);
  one.deallocate(large, 1'000'000, 8);
}

TEST_F(Bitmap, OwnsWhatIsLive) {
  auto* block = static_cast<char*>(bitmap_.try_allocate(100, 8));
  EXPECT_TRUE(bitmap_.owns(block));
  EXPECT_TRUE(bitmap_.owns(block + 99));
  EXPECT_FALSE(bitmap_.owns(block + 128));
  EXPECT_FALSE(bitmap_.owns(this));
}

TEST_F(Bitmap, ExhaustionIsNullAndHarmless) {
  for (std::size_t left = 0; left < 8; ++left) {
    bitmap one(&upstream_, {.block_bytes = 64, .first_region_bytes = 1024});
    upstream_.left = left;
    std::size_t blocks = 0;
    while (one.try_allocate(100, 8) != nullptr) ++blocks;
    EXPECT_EQ(blocks == 0, left < 2);
    EXPECT_EQ(one.try_allocate(SIZE_MAX - 8, 8), nullptr);
    one.verify();
    expect_regions_add_up(one);
  }
  upstream_.left = SIZE_MAX;
}

using BitmapDeathTest = Bitmap;

TEST_F(BitmapDeathTest, EachWrongFreeStopsAtOnce) {
  auto* block = static_cast<char*>(bitmap_.try_allocate(200, 8));
  void* next = bitmap_.try_allocate(64, 8);
  bitmap other(&upstream_);
  void* foreign = other.try_allocate(64, 8);
  EXPECT_DEATH(bitmap_.deallocate(block + 64, 64, 8), "strata: bitmap: invalid free: inside");
  EXPECT_DEATH(bitmap_.deallocate(block + 8, 200, 8), "strata: bitmap: invalid free: inside");
  EXPECT_DEATH(bitmap_.deallocate(block, 100, 8), "strata: bitmap: free with a size");
  EXPECT_DEATH(bitmap_.deallocate(block, 300, 8), "strata: bitmap: free with a size");
  EXPECT_DEATH(bitmap_.deallocate(foreign, 64, 8), "strata: bitmap: invalid free: not a block");
  bitmap_.deallocate(block, 200, 8);
  EXPECT_DEATH(bitmap_.deallocate(block, 200, 8), "strata: bitmap: double free: address 0x");
  bitmap_.deallocate(next, 64, 8);
  EXPECT_DEATH(bitmap(&upstream_, {.block_bytes = 48}), "strata: bitmap: call that is not allowed");
}

#if STRATA_UNDER_ASAN
TEST_F(BitmapDeathTest, FreedMemoryIsPoisoned) {
  auto* block = static_cast<char*>(bitmap_.try_allocate(64, 8));
  bitmap_.deallocate(block, 64, 8);
  EXPECT_DEATH(block[5] = 1, "use-after-poison");
}
#endif

}  // namespace
}  // namespace strata
