#include <strata/detail/chunk_source.hpp>

#include <set>

#include "base/config.hpp"
#include "resource/resource_test.hpp"

namespace strata::detail {
namespace {

constexpr std::size_t aligned = std::size_t{16} << 10;
constexpr std::size_t bytes = aligned - chunk_source::room_behind;
constexpr std::size_t span_bytes = std::size_t{128} << 10;
constexpr std::size_t spare_bytes = std::size_t{64} << 10;

class ChunkSource : public testing::Test {
 protected:
  void take(chunk_source& from, std::size_t count) {
    for (; count != 0; --count) {
      void* chunk = from.allocate(bytes, aligned);
      ASSERT_EQ(address_of(chunk) % aligned, 0u);
      std::memset(chunk, 0x5a, bytes);
      chunks_.push_back(chunk);
    }
  }
  void give(chunk_source& to, std::size_t count) {
    for (; count != 0; --count) {
      to.deallocate(chunks_.back(), bytes, aligned);
      chunks_.pop_back();
    }
  }
  void shuffle() { std::shuffle(chunks_.begin(), chunks_.end(), random_); }
  // Regions of the source, and the chunks that are out, are all that came from upstream, each once.
  void expect_all_is_told(const chunk_source& one) {
    std::map<std::uintptr_t, std::size_t> found;
    std::size_t own = 0;
    one.each_region([&](const region& each) {
      bool first = each.bytes == 0 || found.emplace(address_of(each.start), each.bytes).second;
      EXPECT_TRUE(first);
      own += each.bytes;
    });
    for (void* each : chunks_) EXPECT_TRUE(found.emplace(address_of(each), bytes).second);
    std::uintptr_t end = 0;
    for (auto [start, length] : found) {
      EXPECT_GE(start, end);
      end = start + length;
    }
    EXPECT_EQ(own, one.own_bytes());
    EXPECT_EQ(own + chunks_.size() * bytes, upstream_.live_bytes());
  }

  test_upstream upstream_;
  std::vector<void*> chunks_;
  std::mt19937 random_{7};
};

TEST_F(ChunkSource, SpansGrowWithWhatThereIs) {
  if (config::thread_sanitizer) GTEST_SKIP() << "its allocator chooses where spans begin";
  chunk_source one(&upstream_, span_bytes, 0);
  take(one, 100);
  std::vector<std::size_t> sizes = upstream_.sizes();
  for (std::size_t i = 1; i < sizes.size(); ++i) EXPECT_GE(sizes[i], sizes[i - 1]);
  EXPECT_LT(sizes.front(), aligned);
  EXPECT_LT(sizes.back(), span_bytes);
  EXPECT_LT(sizes.size(), 25u);
  EXPECT_LT(one.own_bytes(), 100 * aligned / 2);
  expect_all_is_told(one);
  shuffle();
  give(one, 100);
}

// Seven chunks from what has eight times their alignment.
TEST_F(ChunkSource, AnAlignedSpanLosesOneChunk) {
  class aligned_upstream final : public std::pmr::memory_resource {
   public:
    std::size_t spans = 0;

   private:
    void* do_allocate(std::size_t wanted, std::size_t alignment) override {
      if (wanted > span_bytes / 2) ++spans;
      return ::operator new (wanted, std::align_val_t{std::max(alignment, aligned)});
    }
    void do_deallocate(void* block, std::size_t wanted, std::size_t alignment) override {
      ::operator delete (block, wanted, std::align_val_t{std::max(alignment, aligned)});
    }
    bool do_is_equal(const memory_resource& other) const noexcept override {
      return this == &other;
    }
  } upstream;
  chunk_source one(&upstream, span_bytes, 0);
  while (upstream.spans == 0) take(one, 1);
  take(one, 6);
  EXPECT_EQ(upstream.spans, 1u);
  take(one, 1);
  EXPECT_EQ(upstream.spans, 2u);
  give(one, chunks_.size());
}

TEST_F(ChunkSource, SpansGoWhenAllOfOneIsIdle) {
  chunk_source one(&upstream_, span_bytes, 0);
  for (int round = 0; round < 20; ++round) {
    take(one, 1 + random_() % 60);
    shuffle();
    give(one, random_() % chunks_.size());
    expect_all_is_told(one);
  }
  give(one, chunks_.size());
  EXPECT_EQ(upstream_.live_blocks(), 0u);
  EXPECT_EQ(one.own_bytes(), 0u);
}

TEST_F(ChunkSource, SparesServeAgainAndTrimGivesThemBack) {
  chunk_source one(&upstream_, span_bytes, spare_bytes);
  take(one, 3);
  std::size_t taken = upstream_.taken();
  for (int i = 0; i < 10; ++i) {
    give(one, 3);
    take(one, 3);
  }
  EXPECT_EQ(upstream_.taken(), taken);
  give(one, 3);
  EXPECT_EQ(upstream_.taken(), taken);
  EXPECT_NE(upstream_.live_blocks(), 0u);
  one.trim();
  EXPECT_EQ(upstream_.live_blocks(), 0u);
}

TEST_F(ChunkSource, OnePeakIsGivenBackAndWavesAreKeptForUntilTheyEnd) {
  if (config::thread_sanitizer) GTEST_SKIP() << "its allocator chooses where spans begin";
  chunk_source one(&upstream_, span_bytes, spare_bytes);
  take(one, 200);
  give(one, 200);
  EXPECT_LE(upstream_.live_bytes(), spare_bytes + span_bytes);
  for (int wave = 0; wave < 3; ++wave) {
    take(one, 200);
    shuffle();
    give(one, 200);
  }
  std::size_t taken = upstream_.taken();
  for (int wave = 0; wave < 10; ++wave) {
    take(one, 200);
    give(one, 200);
  }
  EXPECT_EQ(upstream_.taken(), taken) << "it is known by now that they come again";
  for (int wave = 0; wave < 1000; ++wave) {
    take(one, 2);
    give(one, 2);
  }
  EXPECT_LE(upstream_.live_bytes(), spare_bytes + span_bytes);
  expect_all_is_told(one);
}

TEST_F(ChunkSource, OtherRequestsPass) {
  chunk_source one(&upstream_, span_bytes, spare_bytes);
  void* small = one.allocate(1000, aligned);
  void* large = one.allocate((std::size_t{1} << 20) - 64, std::size_t{1} << 20);
  EXPECT_EQ(upstream_.sizes(), (std::vector<std::size_t>{1000, (std::size_t{1} << 20) - 64}));
  one.deallocate(small, 1000, aligned);
  one.deallocate(large, (std::size_t{1} << 20) - 64, std::size_t{1} << 20);
  EXPECT_EQ(upstream_.live_blocks(), 0u);
  chunk_source none(&upstream_, 0, spare_bytes);
  void* chunk = none.allocate(bytes, aligned);
  none.deallocate(chunk, bytes, aligned);
  EXPECT_EQ(upstream_.live_blocks(), 0u);
}

TEST_F(ChunkSource, ExhaustionPassesAndIsHarmless) {
  chunk_source one(&upstream_, span_bytes, 0);
  take(one, 1);
  upstream_.left = 0;
  EXPECT_THROW(take(one, 100), std::bad_alloc);
  expect_all_is_told(one);
  upstream_.left = SIZE_MAX;
  take(one, 10);
  give(one, chunks_.size());
}

TEST_F(ChunkSource, ChunksFitWhereverASpanBegins) {
  // An upstream whose blocks begin at each multiple of 16 in turn.
  class shifting final : public std::pmr::memory_resource {
    void* do_allocate(std::size_t wanted, std::size_t alignment) override {
      if (alignment == aligned) return std::aligned_alloc(aligned, aligned);
      shift_ = (shift_ + 16) % aligned;
      return static_cast<std::byte*>(
                 std::aligned_alloc(aligned, align_up(shift_ + wanted, aligned))) +
             shift_;
    }
    void do_deallocate(void* block, std::size_t /*wanted*/, std::size_t /*alignment*/) override {
      std::free(pointer_to(align_down(address_of(block), aligned)));
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
      return this == &other;
    }
    std::size_t shift_ = 0;
  };
  shifting upstream;
  for (std::size_t i = 0; i < aligned / 16 / 2; ++i) {
    chunk_source one(&upstream, span_bytes, 0);
    take(one, 12);
    give(one, 12);
  }
}

}  // namespace
}  // namespace strata::detail
