#include "cli/model/size.hpp"

#include <gtest/gtest.h>

namespace strata::cli {
namespace {

TEST(ParseSize, ReadsPlainNumbersAndSuffixes) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("4096"), 4096u);
  EXPECT_EQ(parse_size("64K"), 64u << 10);
  EXPECT_EQ(parse_size("64kb"), 64u << 10);
  EXPECT_EQ(parse_size("64KiB"), 64u << 10);
  EXPECT_EQ(parse_size("512M"), 512u << 20);
  EXPECT_EQ(parse_size("2G"), 2ull << 30);
  EXPECT_EQ(parse_size("1T"), 1ull << 40);
  EXPECT_EQ(parse_size("7B"), 7u);
}

TEST(ParseSize, RefusesWhatIsNotASize) {
  for (const char* text : {"", "K", "-1", "+1", "1.5G", "1X", "1KiBs", "1Kx", " 1", "1 K", "1ib"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(ParseSize, RefusesWhatDoesNotFit) {
  EXPECT_EQ(parse_size("18446744073709551615"), ~0ull);
  EXPECT_FALSE(parse_size("18446744073709551616"));
  EXPECT_EQ(parse_size("16777215T"), 16777215ull << 40);
  EXPECT_FALSE(parse_size("16777216T"));
}

}  // namespace
}  // namespace strata::cli
