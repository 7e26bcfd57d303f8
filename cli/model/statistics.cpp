#include "cli/model/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace strata::cli {
namespace {

constexpr std::size_t exact_max = 20;
constexpr double chance_limit = 0.01;

// In how many of the pairs the value of a is the lower one; a tie is half a pair.
double pairs_won(const std::vector<double>& a, const std::vector<double>& b) {
  double won = 0;
  for (double x : a) {
    for (double y : b) won += x < y ? 1 : x == y ? 0.5 : 0;
  }
  return won;
}

// P(won <= most) when both samples come from one source: counts the orders of n and m values by
// pairs won, adding one value at a time. ways[i][j][u]: orders of i and j values with u pairs won.
double exact_tail(std::size_t n, std::size_t m, std::size_t most) {
  const std::size_t width = n * m + 1;
  std::vector<std::vector<double>> former(m + 1, std::vector<double>(width, 0));
  for (auto& ways : former) ways[0] = 1;  // no value of a: no pairs
  for (std::size_t i = 1; i <= n; ++i) {
    auto ways = former;
    for (auto& counts : ways) std::fill(counts.begin(), counts.end(), 0);
    ways[0][0] = 1;
    for (std::size_t j = 1; j <= m; ++j) {
      for (std::size_t u = 0; u <= i * j; ++u) {
        // The lowest value of all is one of a's (and wins j pairs) or one of b's.
        ways[j][u] = (u >= j ? former[j][u - j] : 0) + ways[j - 1][u];
      }
    }
    former = std::move(ways);
  }
  double all = 0;
  double tail = 0;
  for (std::size_t u = 0; u < width; ++u) {
    all += former[m][u];
    if (u <= most) tail += former[m][u];
  }
  return tail / all;
}

double normal_tail(double n, double m, double most) {
  const double deviation = std::sqrt(n * m * (n + m + 1) / 12);
  return 0.5 * std::erfc((n * m / 2 - most - 0.5) / deviation / std::sqrt(2));
}

}  // namespace

spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

double chance_of_difference(const std::vector<double>& a, const std::vector<double>& b) {
  const auto pairs = static_cast<double>(a.size() * b.size());
  const double won = pairs_won(a, b);
  const double fewer = std::ceil(std::min(won, pairs - won));
  const bool exact = a.size() <= exact_max && b.size() <= exact_max;
  const double tail =
      exact ? exact_tail(a.size(), b.size(), static_cast<std::size_t>(fewer))
            : normal_tail(static_cast<double>(a.size()), static_cast<double>(b.size()), fewer);
  return std::min(2 * tail, 1.0);
}

verdict compare_samples(const std::vector<double>& values, const std::vector<double>& base) {
  if (values.size() < runs_to_tell || base.size() < runs_to_tell) return verdict::unknown;
  if (chance_of_difference(values, base) >= chance_limit) return verdict::same;
  const auto pairs = static_cast<double>(values.size() * base.size());
  return pairs_won(values, base) > pairs / 2 ? verdict::lower : verdict::higher;
}

}  // namespace strata::cli
