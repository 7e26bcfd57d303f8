#include "cli/model/capture/block_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace strata::cli::capture {
namespace {

struct numbered_block {
  std::uint64_t number = 0;
  std::uint64_t size = 0;
};
using numbered_blocks = block_table<numbered_block, &numbered_block::number>;

TEST(BlockTable, IsAsAMap) {
  numbered_blocks table;
  std::map<std::uint64_t, std::uint64_t> shadow;
  std::mt19937_64 dice(7);
  for (int i = 0; i < 200000; ++i) {
    const std::uint64_t number = (dice() % 5000 + 1) * 16;
    if (dice() % 2 == 0) {
      const bool is_new = shadow.try_emplace(number, i).second;
      ASSERT_EQ(table.insert({.number = number, .size = static_cast<std::uint64_t>(i)}), is_new);
    } else {
      numbered_block found;
      ASSERT_EQ(table.remove(number, found), shadow.contains(number));
      if (shadow.contains(number)) {
        ASSERT_EQ(found.size, shadow[number]);
      }
      shadow.erase(number);
    }
    ASSERT_EQ(table.size(), shadow.size());
  }
  std::size_t seen = 0;
  table.each([&](const numbered_block& one) {
    ++seen;
    EXPECT_TRUE(shadow.contains(one.number));
  });
  EXPECT_EQ(seen, shadow.size());
}

TEST(BlockTable, HasNothingAtNull) {
  numbered_blocks table;
  numbered_block found;
  EXPECT_FALSE(table.insert({.number = 0, .size = 1}));
  EXPECT_FALSE(table.remove(0, found));
}

}  // namespace
}  // namespace strata::cli::capture
