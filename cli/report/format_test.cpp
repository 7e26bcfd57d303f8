#include "cli/report/format.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <csignal>

namespace strata::cli {
namespace {

TEST(Rounded, HoldsWhateverADamagedFileAddsUpTo) {
  EXPECT_EQ(rounded(2.5), 3U);
  EXPECT_EQ(rounded(-1), 0U);
  EXPECT_EQ(rounded(std::nan("")), 0U);
  EXPECT_EQ(rounded(1.15e164), UINT64_MAX);
  EXPECT_EQ(rounded(INFINITY), UINT64_MAX);
  EXPECT_EQ(rounded(0x1p63), std::uint64_t{1} << 63);
}

TEST(FormatSize, KeepsThreeDigitsAndPicksTheUnit) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1024), "1.0 KiB");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_size(128 << 10), "128 KiB");
  EXPECT_EQ(format_size((1 << 20) - 1), "1.0 MiB");  // never "1024 KiB"
  EXPECT_EQ(format_size(5ull << 30), "5.0 GiB");
  EXPECT_EQ(format_size(~0ull), "16.0 EiB");
}

TEST(FormatCount, UsesPowersOfAThousand) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1.0 k");
  EXPECT_EQ(format_count(1'234'567), "1.2 M");
  EXPECT_EQ(format_count(999'999), "1.0 M");
  EXPECT_EQ(format_count(123'400), "123 k");
}

TEST(FormatSeconds, PicksAUnitForEachScale) {
  EXPECT_EQ(format_seconds(0), "0 us");
  EXPECT_EQ(format_seconds(0.00095), "950 us");
  EXPECT_EQ(format_seconds(0.0123), "12.3 ms");
  EXPECT_EQ(format_seconds(0.4567), "457 ms");
  EXPECT_EQ(format_seconds(0.99996), "1.00 s");
  EXPECT_EQ(format_seconds(1.234), "1.23 s");
  EXPECT_EQ(format_seconds(59.94), "59.9 s");
  EXPECT_EQ(format_seconds(125), "2 min 05 s");
  EXPECT_EQ(format_seconds(3660), "1 h 01 min");
}

TEST(FormatRatio, DividesOnlyByWhatIsThere) {
  EXPECT_EQ(format_ratio(9, 10), "0.90");
  EXPECT_EQ(format_ratio(9, 0), "-");
}

TEST(SignalName, NamesSignalsAndNumbersTheRest) {
  EXPECT_EQ(signal_name(SIGSEGV), "SIGSEGV");
  EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
  EXPECT_EQ(signal_name(200), "signal 200");
}

}  // namespace
}  // namespace strata::cli
