#include "base/text.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace strata::base {
namespace {

TEST(Text, PutsStringsAndNumbers) {
  char buffer[100];
  text line(buffer, sizeof buffer);
  line << "a " << std::uint64_t{0} << " " << UINT64_MAX << " " << std::int32_t{-42} << " "
       << INT32_MIN;
  EXPECT_STREQ(buffer, "a 0 18446744073709551615 -42 -2147483648");
  EXPECT_EQ(line.length(), std::strlen(buffer));
  EXPECT_EQ(line.stored(), line.length());
}

TEST(Text, PutsHexWithoutLeadingZeros) {
  char buffer[100];
  text line(buffer, sizeof buffer);
  line.hex(0) << " ";
  line.hex(0x1f0) << " ";
  line.hex(UINT64_MAX);
  EXPECT_STREQ(buffer, "0x0 0x1f0 0xffffffffffffffff");
}

TEST(Text, EscapesForJson) {
  char buffer[100];
  text line(buffer, sizeof buffer);
  line.json("a\"b\\c\n\x1f\xc3\xa9");
  EXPECT_STREQ(buffer, "a\\\"b\\\\c\\u000a\\u001f\xc3\xa9");
}

TEST(Text, CutsWhatDoesNotFitAndCountsIt) {
  char buffer[8];
  std::memset(buffer, 'x', sizeof buffer);
  text line(buffer, 5);
  line << "abc";
  EXPECT_STREQ(buffer, "abc");
  line << "defgh";
  EXPECT_STREQ(buffer, "abcd");
  EXPECT_EQ(line.length(), 8u);
  EXPECT_EQ(line.stored(), 4u);
  EXPECT_EQ(std::string(buffer + 5, 3), "xxx");
}

TEST(Text, WritesNothingIntoNoRoom) {
  char byte = 'x';
  text line(&byte, 0);
  line << "abc" << std::uint64_t{7};
  EXPECT_EQ(byte, 'x');
  EXPECT_EQ(line.length(), 4u);
  EXPECT_EQ(line.stored(), 0u);
}

}  // namespace
}  // namespace strata::base
