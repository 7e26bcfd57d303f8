#include <gtest/gtest.h>

#include "strata/gc/heap.hpp"

namespace strata::gc {
namespace {

TEST(GcPauses, QuantilesAreGoodToAFifth) {
  pause_histogram pauses;
  for (std::uint64_t ns = 1; ns <= 1000; ++ns) pauses.add(ns * 1000);
  EXPECT_EQ(1000U, pauses.count());
  EXPECT_EQ(1'000'000U, pauses.longest_ns());
  for (double share : {0.1, 0.5, 0.9, 0.99}) {
    double right = share * 1e6;
    EXPECT_GE(static_cast<double>(pauses.quantile_ns(share)), right);
    EXPECT_LE(static_cast<double>(pauses.quantile_ns(share)), right * 1.25);
  }
}

TEST(GcPauses, SinceKnowsWhatCameLater) {
  pause_histogram pauses;
  pauses.add(8'000'000);
  pause_histogram earlier = pauses;
  EXPECT_EQ(0U, pauses.since(earlier).count());
  EXPECT_EQ(0U, pauses.since(earlier).longest_ns());
  for (std::uint64_t i = 0; i < 10; ++i) pauses.add(1000 + i);
  pauses.add(90'000);
  pause_histogram later = pauses.since(earlier);
  EXPECT_EQ(11U, later.count());
  EXPECT_EQ(10'045U + 90'000U, later.total_ns());
  EXPECT_GE(later.longest_ns(), 90'000U);
  EXPECT_LE(later.longest_ns(), 90'000U * 5 / 4);
  EXPECT_LT(later.quantile_ns(0.5), 1300U);
  pauses.add(9'000'000);
  EXPECT_EQ(9'000'000U, pauses.since(earlier).longest_ns());
}

}  // namespace
}  // namespace strata::gc
