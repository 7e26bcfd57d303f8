// The little statistics that comparing runs needs.
#pragma once

#include <vector>

namespace strata::cli {

struct spread {
  double median = 0;
  double lowest = 0;
  double highest = 0;
};
// values must not be empty.
spread spread_of(std::vector<double> values);

// The probability that samples of one and the same source differ in rank at least as much as these
// two do (Mann-Whitney, two-sided). It asks nothing of how the values are distributed. Exact for
// up to 20 values a side; ties count against a difference.
double chance_of_difference(const std::vector<double>& a, const std::vector<double>& b);

enum class verdict {
  lower,
  same,  // no difference beyond noise
  higher,
  unknown  // too few runs to tell any difference from noise
};
// How values compare with base: a difference counts when its chance is below 1 in 100.
verdict compare_samples(const std::vector<double>& values, const std::vector<double>& base);

// Fewer values than this on each side can never show a difference.
constexpr int runs_to_tell = 5;

}  // namespace strata::cli
