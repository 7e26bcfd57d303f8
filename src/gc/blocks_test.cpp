#include "gc/blocks.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "base/config.hpp"
#include "os/memory.hpp"

namespace strata::gc {
namespace {

constexpr std::size_t most = 40;

class GcBlocks : public testing::Test {
 protected:
  GcBlocks() { EXPECT_TRUE(blocks_.open(1024)); }

  // A run of blocks in use, each written to.
  std::size_t take(std::size_t count, std::size_t from = 0) {
    std::size_t at = blocks_.take(count, use::objects, from, blocks_.count());
    EXPECT_NE(blocks::none, at);
    std::memset(blocks_.address_of(at), 1, count * detail::block_bytes);
    return at;
  }

  blocks blocks_;
};

TEST_F(GcBlocks, TheLowestFreeOnesComeFirst) {
  EXPECT_EQ(0U, take(2));
  EXPECT_EQ(2U, take(1));
  blocks_.give(0, 2);
  EXPECT_EQ(3U, take(3));
  EXPECT_EQ(0U, take(1));
  EXPECT_EQ(5U, blocks_.used());
}

TEST_F(GcBlocks, FreeOnesGiveTheirPagesBackForOthers) {
  blocks_.keep_backed_below(most, 0);
  std::size_t before = os::resident_bytes();
  for (std::size_t from = 0; from + most <= blocks_.count(); from += most) {
    std::size_t first = take(most / 2, from);
    std::size_t second = take(most / 2, from);
    EXPECT_LE(blocks_.backed(), most);
    blocks_.give(first, most / 2);
    blocks_.give(second, most / 2);
  }
  if (!config::instrumented) {
    EXPECT_LE(os::resident_bytes(), before + 2 * most * detail::block_bytes);
  }
}

// What is used has its pages, whatever the figure.
TEST_F(GcBlocks, UsedOnesKeepTheirPages) {
  blocks_.keep_backed_below(most, 0);
  std::size_t first = take(most);
  std::size_t second = take(most);
  EXPECT_EQ(2 * most, blocks_.backed());
  for (std::size_t block : {first, first + most - 1, second})
    EXPECT_EQ(std::byte{1}, *blocks_.address_of(block));
  blocks_.give(first, most);
  std::size_t third = take(1, second + most);
  EXPECT_EQ(2 * most, blocks_.backed());
  EXPECT_EQ(std::byte{1}, *blocks_.address_of(second));
  EXPECT_EQ(std::byte{1}, *blocks_.address_of(third));
}

}  // namespace
}  // namespace strata::gc
