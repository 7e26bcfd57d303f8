#include "cli/model/statistics.hpp"

#include <gtest/gtest.h>

namespace strata::cli {
namespace {

TEST(Spread, FindsMedianAndEnds) {
  const spread odd = spread_of({3, 1, 2});
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.lowest, 1);
  EXPECT_EQ(odd.highest, 3);
  EXPECT_EQ(spread_of({4, 1, 2, 3}).median, 2.5);
  EXPECT_EQ(spread_of({7}).median, 7);
}

TEST(Chance, AgreesWithTheKnownTable) {
  // All of one side below all of the other: 2 of the C(10,5) = 252 orders.
  EXPECT_NEAR(chance_of_difference({1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}), 2.0 / 252, 1e-12);
  EXPECT_NEAR(chance_of_difference({6, 7, 8, 9, 10}, {1, 2, 3, 4, 5}), 2.0 / 252, 1e-12);
  // One pair the other way: (1 + 1) orders a side.
  EXPECT_NEAR(chance_of_difference({1, 2, 3, 4, 6}, {5, 7, 8, 9, 10}), 4.0 / 252, 1e-12);
  EXPECT_NEAR(chance_of_difference({1, 2, 3}, {4, 5, 6}), 0.1, 1e-12);
  EXPECT_NEAR(chance_of_difference({1}, {2, 3, 4}), 0.5, 1e-12);
}

TEST(Chance, OfEqualValuesIsCertain) {
  EXPECT_EQ(chance_of_difference({5, 5, 5, 5, 5}, {5, 5, 5, 5, 5}), 1.0);
}

TEST(Chance, IsContinuousWhereTheApproximationBegins) {
  std::vector<double> a;
  std::vector<double> b;
  for (int i = 0; i < 20; ++i) {
    a.push_back(i);
    b.push_back(i + 6.5);
  }
  const double exact = chance_of_difference(a, b);
  a.push_back(9.7);
  b.push_back(16.2);
  EXPECT_NEAR(chance_of_difference(a, b), exact, 0.005);
}

TEST(CompareSamples, CallsADifferenceOnlyBeyondNoise) {
  EXPECT_EQ(compare_samples({1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}), verdict::lower);
  EXPECT_EQ(compare_samples({6, 7, 8, 9, 10}, {1, 2, 3, 4, 5}), verdict::higher);
  EXPECT_EQ(compare_samples({1, 3, 5, 7, 9}, {2, 4, 6, 8, 10}), verdict::same);
  EXPECT_EQ(compare_samples({1, 2, 3, 4}, {6, 7, 8, 9}), verdict::unknown);
}

TEST(CompareSamples, IsNotMisledByOneOutlierAmongMany) {
  std::vector<double> fast(12, 1.0);
  std::vector<double> slow(12, 2.0);
  fast.back() = 9;
  EXPECT_EQ(compare_samples(fast, slow), verdict::lower);
}

}  // namespace
}  // namespace strata::cli
