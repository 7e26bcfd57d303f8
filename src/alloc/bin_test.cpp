#include "alloc/bin.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "alloc/allocate.hpp"
#include "alloc/block_state.hpp"

namespace strata::alloc {
namespace {

auto classes_of(std::initializer_list<std::size_t> sizes) {
  std::vector<std::size_t> numbers;
  for (std::size_t size : sizes) numbers.push_back(ground::class_of(size));
  return testing::ValuesIn(numbers);
}

// A bin of the test's own, beside a set of what was taken out of it.
class Bin : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(start());
    bin_.set_up(static_cast<ground::size_class>(GetParam()), nullptr);
  }
  void TearDown() override {
    bin_.verify();
    bin_.release_all();
    EXPECT_EQ(bin_.usage().spans, 0u);
  }

  void refill(std::size_t wanted) {
    std::vector<std::uintptr_t> batch(wanted);
    std::vector<block_row> rows = in_rows(batch);
    bin_.refill(rows.data(), rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(rows[i].count, in_rows_of(i, wanted));
    for (std::uintptr_t held : batch) {
      auto next = taken_.lower_bound(held);
      ASSERT_TRUE(next == taken_.end() || held + block_bytes() <= *next);
      ASSERT_TRUE(next == taken_.begin() || *std::prev(next) + block_bytes() <= held);
      taken_.insert(held);
    }
  }
  void flush(std::size_t count) {
    std::vector<std::uintptr_t> batch;
    while (batch.size() < count && !taken_.empty()) {
      // From a random place on, so that spans empty in no order.
      auto one = taken_.lower_bound(*taken_.begin() +
                                    random_() % (1 + *taken_.rbegin() - *taken_.begin()));
      batch.push_back(*one);
      make_free(base::pointer_to(*one), GetParam());
      taken_.erase(one);
    }
    std::vector<block_row> rows = in_rows(batch);
    bin_.flush(rows.data(), rows.size());
  }
  // The blocks in rows of at most `row_blocks`.
  static constexpr std::size_t row_blocks = 5;
  static std::size_t in_rows_of(std::size_t row, std::size_t count) {
    return std::min(row_blocks, count - row * row_blocks);
  }
  static std::vector<block_row> in_rows(std::vector<std::uintptr_t>& blocks) {
    std::vector<block_row> rows;
    for (std::size_t at = 0; at < blocks.size(); at += row_blocks)
      rows.push_back({blocks.data() + at, in_rows_of(rows.size(), blocks.size())});
    return rows;
  }
  void expect_counted() {
    bin_usage usage = bin_.usage();
    EXPECT_EQ(usage.blocks - usage.free_slots, taken_.size());
  }
  [[nodiscard]] std::size_t block_bytes() const { return ground::class_bytes(GetParam()); }

  bin bin_;
  std::set<std::uintptr_t> taken_;
  std::mt19937_64 random_{9};
};

TEST_P(Bin, RandomRefillsAndFlushesAgreeWithASet) {
  for (int round = 0; round < 3000; ++round) {
    bool grow = taken_.size() < 64 || (taken_.size() < 2000 && random_() % 2 == 0);
    if (grow)
      ASSERT_NO_FATAL_FAILURE(refill(1 + random_() % most_batch));
    else
      flush(1 + random_() % most_batch);
    if (round % 100 == 0) {
      bin_.verify();
      expect_counted();
      bin_.trim(UINT64_MAX);
    }
  }
  expect_counted();
  flush(taken_.size());
  EXPECT_LE(bin_.usage().spans, 1u) << "empty spans go back but one";
  bin_.trim(UINT64_MAX);
  EXPECT_EQ(bin_.usage().spans, 0u);
}

TEST_P(Bin, TrimKeepsWhatWasFreedLately) {
  refill(1);
  flush(1);
  bin_.trim(0);
  EXPECT_EQ(bin_.usage().spans, 1u);
  bin_.trim(UINT64_MAX);
  EXPECT_EQ(bin_.usage().spans, 0u);
}

// Free pages inside a span go back; blocks in use beside them keep what they hold.
TEST_P(Bin, TrimSparesBlocksInUse) {
  refill(200);
  for (std::uintptr_t at : taken_) *base::pointer_to<std::uintptr_t>(at) = at;
  flush(150);
  bin_.trim(UINT64_MAX);
  for (std::uintptr_t at : taken_) ASSERT_EQ(*base::pointer_to<std::uintptr_t>(at), at);
  refill(150);
}

TEST_P(Bin, ThreadsShareIt) {
  std::vector<std::thread> threads;
  for (std::uintptr_t id = 1; id <= 4; ++id) {
    threads.emplace_back([this, id] {
      std::mt19937_64 random(id);
      std::vector<std::uintptr_t> held;
      for (int round = 0; round < 2000; ++round) {
        std::uintptr_t batch[most_batch];
        if (held.size() < 100) {
          std::size_t count = bin_.refill(batch, 1 + random() % most_batch);
          for (std::size_t i = 0; i < count; ++i) {
            *base::pointer_to<std::uintptr_t>(batch[i]) = batch[i] ^ id;
            held.push_back(batch[i]);
          }
        } else {
          std::shuffle(held.begin(), held.end(), random);
          for (std::uintptr_t one : held) {
            ASSERT_EQ(*base::pointer_to<std::uintptr_t>(one), one ^ id);
            make_free(base::pointer_to(one), GetParam());
          }
          bin_.flush(held.data(), held.size());
          held.clear();
        }
      }
      for (std::uintptr_t one : held) make_free(base::pointer_to(one), GetParam());
      bin_.flush(held.data(), held.size());
    });
  }
  for (std::thread& one : threads) one.join();
  expect_counted();
}

INSTANTIATE_TEST_SUITE_P(Classes, Bin, classes_of({16, 64, 1024, 3584, 32768}));
INSTANTIATE_TEST_SUITE_P(PlainTwins, Bin,
                         testing::Values(ground::plain_twin_of(ground::class_of(64)),
                                         ground::plain_twin_of(ground::class_of(4096))));

// Two threads that are refilled in turn share no cache line while there are whole ones.
class BinOfTinyBlocks : public Bin {};
INSTANTIATE_TEST_SUITE_P(Classes, BinOfTinyBlocks, classes_of({16, 32, 48}));

TEST_P(BinOfTinyBlocks, RefillsAreWholeCacheLines) {
  refill(1);  // a line is begun
  std::set<std::uintptr_t> lines;
  for (std::uintptr_t block : taken_) lines.insert(block / base::cache_line_bytes);
  for (int thread = 0; thread < 8; ++thread) {
    std::uintptr_t blocks[4];
    ASSERT_EQ(bin_.refill(blocks, 4), 4u);
    std::set<std::uintptr_t> touched;
    for (std::uintptr_t block : blocks) {
      touched.insert(block / base::cache_line_bytes);
      touched.insert((block + block_bytes() - 1) / base::cache_line_bytes);
      taken_.insert(block);
    }
    for (std::uintptr_t line : touched) EXPECT_TRUE(lines.insert(line).second) << thread;
  }
  expect_counted();
}

class BinDeathTest : public Bin {};
INSTANTIATE_TEST_SUITE_P(Classes, BinDeathTest, classes_of({32, 32768}));

TEST_P(BinDeathTest, FlushingABlockTwiceStopsTheProcess) {
  refill(3);
  std::uintptr_t held = *taken_.begin();
  EXPECT_DEATH(
      {
        bin_.flush(&held, 1);
        bin_.flush(&held, 1);
      },
      "strata: double free: address 0x.*, block of");
}

TEST_P(BinDeathTest, FlushingTheInsideOfABlockStopsTheProcess) {
  refill(1);
  std::uintptr_t held = *taken_.begin() + ground::granule_bytes;
  EXPECT_DEATH(bin_.flush(&held, 1), "strata: invalid free: inside a block");
}

TEST_P(BinDeathTest, FlushingABlockWithoutItsStampStopsTheProcess) {
  refill(1);
  std::uintptr_t held = *taken_.begin();
  *base::pointer_to<char>(held) ^= 1;
  EXPECT_DEATH(bin_.flush(&held, 1), "strata: write to freed memory: address 0x.*, block of");
}

TEST_P(BinDeathTest, FlushingToAnotherBinStopsTheProcess) {
  refill(1);
  bin other;
  other.set_up(static_cast<ground::size_class>(GetParam()), nullptr);
  std::uintptr_t held = *taken_.begin();
  EXPECT_DEATH(other.flush(&held, 1), "strata: corrupted metadata");
}

}  // namespace
}  // namespace strata::alloc
