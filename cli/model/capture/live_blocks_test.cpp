#include "cli/model/capture/live_blocks.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace strata::cli::capture {
namespace {

TEST(LiveBlocks, IsAsAMap) {
  live_blocks table;
  std::map<std::uint64_t, std::uint64_t> shadow;
  std::mt19937_64 dice(7);
  for (int i = 0; i < 200000; ++i) {
    const std::uint64_t address = (dice() % 5000 + 1) * 16;
    if (dice() % 2 == 0) {
      const bool is_new = shadow.try_emplace(address, i).second;
      ASSERT_EQ(table.insert({.address = address, .size = static_cast<std::uint64_t>(i)}), is_new);
    } else {
      live_block found;
      ASSERT_EQ(table.remove(address, found), shadow.contains(address));
      if (shadow.contains(address)) {
        ASSERT_EQ(found.size, shadow[address]);
      }
      shadow.erase(address);
    }
    ASSERT_EQ(table.size(), shadow.size());
  }
  std::size_t seen = 0;
  table.each([&](const live_block& one) {
    ++seen;
    EXPECT_TRUE(shadow.contains(one.address));
  });
  EXPECT_EQ(seen, shadow.size());
}

TEST(LiveBlocks, HasNothingAtNull) {
  live_blocks table;
  live_block found;
  EXPECT_FALSE(table.insert({.address = 0, .size = 1}));
  EXPECT_FALSE(table.remove(0, found));
}

}  // namespace
}  // namespace strata::cli::capture
