#include "base/bits.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace strata::base {
namespace {

TEST(Bits, AlignsUpAndDown) {
  EXPECT_EQ(align_up(0, 16), 0u);
  EXPECT_EQ(align_up(1, 16), 16u);
  EXPECT_EQ(align_up(16, 16), 16u);
  EXPECT_EQ(align_up(SIZE_MAX, 16), 0u);  // wraps, as documented
  EXPECT_EQ(align_down(31, 16), 16u);
  EXPECT_TRUE(is_aligned(32, 16));
  EXPECT_FALSE(is_aligned(40, 16));
  EXPECT_EQ(divide_up(0, 64), 0u);
  EXPECT_EQ(divide_up(64, 64), 1u);
  EXPECT_EQ(divide_up(65, 64), 2u);
  EXPECT_EQ(log2_of(4096), 12u);
}

// A row of bits beside a plain vector that has seen the same changes.
class BitRow : public testing::Test {
 protected:
  static constexpr std::size_t size = 200;  // not a multiple of a word

  void set(std::size_t from, std::size_t count, bool value) {
    if (value)
      row_.set_range(from, count);
    else
      row_.clear_range(from, count);
    std::fill_n(model_.begin() + static_cast<std::ptrdiff_t>(from), count, value);
  }

  [[nodiscard]] std::size_t find_in_model(bool value, std::size_t from, std::size_t end) const {
    while (from < end && model_[from] != value) ++from;
    return std::min(from, end);
  }

  void expect_same() const {
    for (std::size_t bit = 0; bit < size; ++bit) ASSERT_EQ(row_.test(bit), model_[bit]) << bit;
  }

  std::uint64_t words_[bit_row::words_for(size)] = {};
  bit_row row_{words_};
  std::vector<bool> model_ = std::vector<bool>(size);
  std::mt19937 random_{7};
};

TEST_F(BitRow, SetsAndClearsOneBit) {
  row_.set(63);
  row_.set(64);
  EXPECT_TRUE(row_.test(63) && row_.test(64));
  EXPECT_FALSE(row_.test(62) || row_.test(65));
  row_.clear(63);
  EXPECT_FALSE(row_.test(63));
  EXPECT_EQ(words_[1], 1u);
}

TEST_F(BitRow, RangesAgreeWithAModel) {
  for (int round = 0; round < 2000; ++round) {
    std::size_t from = random_() % size;
    std::size_t count = random_() % (size - from + 1);
    set(from, count, random_() % 2 == 0);
    ASSERT_NO_FATAL_FAILURE(expect_same());
    std::size_t at = random_() % size;
    std::size_t length = random_() % (size - at + 1);
    std::size_t expected = 0;
    for (std::size_t bit = at; bit < at + length; ++bit) expected += model_[bit] ? 1 : 0;
    ASSERT_EQ(row_.count_range(at, length), expected);
  }
}

TEST_F(BitRow, FindsTheFirstBitOfAValue) {
  for (int round = 0; round < 2000; ++round) {
    std::size_t begin = random_() % size;
    set(begin, random_() % (size - begin + 1), round % 2 == 0);
    std::size_t from = random_() % (size + 1);
    std::size_t end = from + random_() % (size - from + 1);
    ASSERT_EQ(row_.find(true, from, end), find_in_model(true, from, end));
    ASSERT_EQ(row_.find(false, from, end), find_in_model(false, from, end));
  }
}

TEST(Bits, WholeGroupsAreThoseWithEveryBit) {
  EXPECT_EQ(whole_groups(0x0ff7'8f30u, 1), 0x0ff7'8f30u);
  EXPECT_EQ(whole_groups(0x0ff7'8f30u, 4), 0x0ff0'0f00u);
  EXPECT_EQ(whole_groups(0b1101'1110, 2), 0b1100'1100u);
  EXPECT_EQ(whole_groups(~std::uint64_t{0}, 64), ~std::uint64_t{0});
  EXPECT_EQ(whole_groups(~std::uint64_t{1}, 64), 0u);
}

TEST_F(BitRow, TakesTheFirstOfWholeGroups) {
  row_.set_range(3, 10);  // of groups of four: 4 to 11
  std::vector<std::size_t> taken;
  auto note = [&taken](std::size_t bit) { taken.push_back(bit); };
  row_.take_first(size, 6, 4, note);
  EXPECT_EQ(taken, (std::vector<std::size_t>{4, 5, 6, 7, 8, 9}));
  row_.take_first(size, 6, 4, note);
  EXPECT_EQ(taken.size(), 6u) << "no group is whole any more";
  row_.take_first(size, 6, 1, note);
  EXPECT_EQ(taken, (std::vector<std::size_t>{4, 5, 6, 7, 8, 9, 3, 10, 11, 12}));
  EXPECT_EQ(row_.count_range(0, size), 0u);
}

TEST_F(BitRow, WalksMaximalRuns) {
  set(0, 3, true);
  set(60, 70, true);
  set(199, 1, true);
  using runs = std::vector<std::pair<std::size_t, std::size_t>>;
  runs seen;
  row_.each_run(size,
                [&seen](std::size_t from, std::size_t count) { seen.emplace_back(from, count); });
  EXPECT_EQ(seen, (runs{{0, 3}, {60, 70}, {199, 1}}));
}

TEST_F(BitRow, RunsMayBeClearedWhileWalked) {
  set(10, 5, true);
  set(100, 64, true);
  row_.each_run(size,
                [this](std::size_t from, std::size_t count) { row_.clear_range(from, count); });
  EXPECT_EQ(row_.count_range(0, size), 0u);
}

}  // namespace
}  // namespace strata::base
