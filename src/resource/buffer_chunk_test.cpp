#include "resource/buffer_chunk.hpp"

#include <set>

#include "resource/resource_test.hpp"

namespace strata::detail {
namespace {

constexpr std::uint8_t some_tag = buffer_cached_classes;  // 32 KiB: a run

struct aligned_memory {
  explicit aligned_memory(std::size_t length)
      : bytes(length), start(std::pmr::new_delete_resource()->allocate(length, length)) {}
  aligned_memory(const aligned_memory&) = delete;
  aligned_memory& operator=(const aligned_memory&) = delete;
  ~aligned_memory() {
    unpoison(start, bytes);
    std::pmr::new_delete_resource()->deallocate(start, bytes, bytes);
  }
  std::size_t bytes;
  void* start;
};

class BufferChunk : public testing::Test {
 protected:
  aligned_memory memory_{std::size_t{4} << 20};
  buffer_chunk& chunk_ = *buffer_chunk::make(memory_.start, memory_.bytes, nullptr);

  std::size_t take(std::size_t pages) {
    std::size_t first = chunk_.take_run(pages, some_tag);
    chunk_.verify();
    return first;
  }
  void free(std::size_t first) {
    chunk_.free_run(first);
    chunk_.verify();
  }
};

TEST(BufferClass, FourToADoubling) {
  std::vector<std::size_t> first;
  for (std::size_t number = 0; number < 13; ++number) first.push_back(buffer_class_bytes(number));
  EXPECT_EQ(first,
            (std::vector<std::size_t>{16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}));
  for (std::size_t bytes = 1; bytes < 100'000; ++bytes) {
    std::size_t room = buffer_class_bytes(buffer_class_of(bytes));
    ASSERT_GE(room, bytes);
    ASSERT_LT(room - bytes, std::max<std::size_t>(16, bytes / 4));
  }
  for (std::size_t alignment = 16; alignment <= buffer_page_bytes; alignment *= 2) {
    for (std::size_t bytes = 1; bytes < 40'000; bytes += 97) {
      std::size_t room = buffer_class_bytes(buffer_aligned_class_of(bytes, alignment));
      ASSERT_GE(room, bytes);
      ASSERT_EQ(room % alignment, 0u);
    }
  }
}

TEST_F(BufferChunk, RunsComeFromTheLowestAddressAndTheTailStays) {
  std::size_t start = chunk_.head_pages();
  EXPECT_EQ(take(4), start);
  EXPECT_EQ(take(2), start + 4);
  EXPECT_EQ(take(4), start + 6);
  EXPECT_EQ(take(2), start + 10);
  EXPECT_EQ(take(1), start + 12);
  free(start + 10);
  free(start + 4);
  EXPECT_EQ(take(2), start + 4) << "of two that fit as well, the lower";
  EXPECT_EQ(take(2), start + 10);
}

TEST_F(BufferChunk, TheShortestRunThatFitsIsCut) {
  std::size_t a = take(8);
  static_cast<void>(take(1));
  std::size_t b = take(3);
  static_cast<void>(take(1));
  free(a);
  free(b);
  EXPECT_EQ(take(2), b) << "3 pages waste less than 8";
  EXPECT_EQ(take(1), b + 2);
  EXPECT_EQ(take(1), a);
}

// What was freed in any order becomes one run again: before, behind, both sides.
TEST_F(BufferChunk, Collapse) {
  for (const auto& order :
       {std::array{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}) {
    std::array<std::size_t, 3> runs = {take(3), take(5), take(7)};
    for (int which : order) free(runs[static_cast<std::size_t>(which)]);
    EXPECT_TRUE(chunk_.empty());
    std::size_t all = take(448);
    EXPECT_EQ(all, chunk_.head_pages());
    free(all);
  }
}

TEST_F(BufferChunk, FillsUpAndSaysSo) {
  std::size_t count = 0;
  while (take(1) != 0) ++count;
  EXPECT_EQ(count, chunk_.usable_pages());
  EXPECT_FALSE(chunk_.fits(1));
  EXPECT_EQ(chunk_.free_pages(), 0u);
  for (std::size_t first = chunk_.head_pages(); first < chunk_.pages(); first += 2) {
    chunk_.free_run(first);
  }
  EXPECT_TRUE(chunk_.fits(1));
  EXPECT_FALSE(chunk_.fits(2));
  EXPECT_EQ(take(2), 0u);
}

TEST_F(BufferChunk, RunsGrowIntoFreePagesBehindThem) {
  std::size_t run = take(4);
  std::size_t next = take(4);
  EXPECT_FALSE(chunk_.resize_run(run, 5, some_tag));
  EXPECT_EQ(chunk_.run_pages(run), 4u);
  free(next);
  EXPECT_TRUE(chunk_.resize_run(run, 8, some_tag));
  chunk_.verify();
  EXPECT_EQ(take(1), run + 8);
  EXPECT_FALSE(chunk_.resize_run(run, 10, some_tag));
  EXPECT_TRUE(chunk_.resize_run(run, 2, some_tag));
  chunk_.verify();
  EXPECT_EQ(take(6), run + 2);
}

TEST_F(BufferChunk, EveryClassOfElementsFillsItsRun) {
  for (std::size_t number = 0; number < buffer_cached_classes; ++number) {
    if (buffer_class_is_run(number)) continue;
    buffer_subpage* one = chunk_.make_subpage(number);
    ASSERT_NE(one, nullptr);
    std::set<std::uintptr_t> found;
    while (void* block = one->take(chunk_.base())) {
      std::size_t element = 0;
      ASSERT_EQ(chunk_.subpage_of(address_of(block), element), one);
      ASSERT_EQ(element, found.size()) << "the lowest first";
      ASSERT_EQ(chunk_.tag(chunk_.page_of(address_of(block))), number + 1);
      ASSERT_EQ(chunk_.subpage_of(address_of(block) + 1, element), nullptr);
      ASSERT_TRUE(found.insert(address_of(block)).second);
    }
    EXPECT_EQ(found.size() * buffer_class_bytes(number), buffer_run_pages(number) * 8192);
    chunk_.verify();
    chunk_.free_subpage(one);
    EXPECT_TRUE(chunk_.empty());
  }
}

TEST_F(BufferChunk, AgreesWithAMapOfPages) {
  for (std::size_t bytes :
       {buffer_chunk::least_bytes, std::size_t{1} << 20, buffer_chunk::most_bytes}) {
    aligned_memory memory(bytes);
    buffer_chunk& chunk = *buffer_chunk::make(memory.start, bytes, nullptr);
    std::mt19937 random{7};
    std::vector<std::size_t> runs;
    std::vector<bool> used(chunk.pages());
    for (int turn = 0; turn < 3000; ++turn) {
      if (random() % 5 < 3) {
        std::size_t pages = buffer_class_bytes(random() % 12) / buffer_quantum;
        std::size_t first = chunk.take_run(pages, some_tag);
        if (first == 0) continue;
        for (std::size_t i = 0; i < pages; ++i) {
          ASSERT_FALSE(used[first + i]);
          used[first + i] = true;
        }
        runs.push_back(first);
      } else if (!runs.empty()) {
        std::size_t which = random() % runs.size();
        std::size_t first = runs[which];
        for (std::size_t i = 0; i < chunk.run_pages(first); ++i) used[first + i] = false;
        chunk.free_run(first);
        runs[which] = runs.back();
        runs.pop_back();
      }
      if (turn % 100 == 0) chunk.verify();
    }
    for (std::size_t first : runs) chunk.free_run(first);
    chunk.verify();
    EXPECT_TRUE(chunk.empty());
  }
}

}  // namespace
}  // namespace strata::detail
