#include "cli/model/duration.hpp"

#include <gtest/gtest.h>

namespace strata::cli {
namespace {

TEST(ParseMs, ReadsNumbersWithUnits) {
  EXPECT_EQ(parse_ms("0s"), 0u);
  EXPECT_EQ(parse_ms("250ms"), 250u);
  EXPECT_EQ(parse_ms("1.5s"), 1500u);
  EXPECT_EQ(parse_ms("0.0006s"), 1u);
  EXPECT_EQ(parse_ms("2min"), 120'000u);
  EXPECT_EQ(parse_ms("1.5h"), 5'400'000u);
}

TEST(ParseMs, RefusesWhatIsNoTime) {
  for (const char* text : {"", "s", "5", "-1s", "-0s", "+1s", "1 s", "1S", "1sec", "nans", "infs",
                           "1e3s", "0x1s", "1000000h", "1.5.5s"}) {
    EXPECT_FALSE(parse_ms(text)) << text;
  }
}

}  // namespace
}  // namespace strata::cli
