#include "cli/report/style.hpp"

#include <gtest/gtest.h>

namespace strata::cli {
namespace {

constexpr style ascii{};
constexpr style rich{.coloured = true, .unicode = true};

TEST(Bar, FillsItsShareOfTheColumns) {
  EXPECT_EQ(ascii.bar(0, 10), "");
  EXPECT_EQ(ascii.bar(0.5, 10), "#####");
  EXPECT_EQ(ascii.bar(1, 10), "##########");
  EXPECT_EQ(ascii.bar(7, 10), "##########");
  EXPECT_EQ(ascii.bar(-1, 10), "");
}

TEST(Bar, ShowsTheSmallestShare) {
  EXPECT_EQ(ascii.bar(0.0001, 10), "#");
  EXPECT_EQ(rich.bar(0.0001, 10), "▏");
}

TEST(Bar, UsesEighthsInUnicode) {
  EXPECT_EQ(rich.bar(0.25, 10), "██▌");
  EXPECT_EQ(rich.bar(1, 3), "███");
}

TEST(Stretch, StartsWhereTheFormerEnded) {
  EXPECT_EQ(ascii.stretch(0, 0.3, 10), "###");
  EXPECT_EQ(ascii.stretch(0.3, 0.5, 10), "   ##");
  EXPECT_EQ(ascii.stretch(0.5, 0.5, 10), "");
  EXPECT_EQ(ascii.stretch(0.5, 0.501, 10), "     |");
  EXPECT_EQ(ascii.stretch(0.9999, 1, 10), "         |");  // stays within the columns
}

TEST(Padding, CountsCharactersAndNotBytes) {
  EXPECT_EQ(columns_of("0.93×"), 5);
  EXPECT_EQ(pad_left("1×", 4), "  1×");
  EXPECT_EQ(pad_right("1×", 4), "1×  ");
  EXPECT_EQ(pad_right("12345", 4), "12345");
}

TEST(CutLeft, KeepsTheEnd) {
  EXPECT_EQ(cut_left("/usr/bin/env", 12), "/usr/bin/env");
  EXPECT_EQ(cut_left("/usr/bin/env", 6), "../env");
}

TEST(Paint, ColoursOnlyWhenAsked) {
  EXPECT_EQ(ascii.paint(colour::red, "x"), "x");
  EXPECT_EQ(rich.paint(colour::red, "x"), "\033[31mx\033[0m");
}

}  // namespace
}  // namespace strata::cli
