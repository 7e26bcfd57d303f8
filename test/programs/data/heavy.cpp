// The translation unit that the `compilers` test compiles: long work for a compiler's allocator
// (templates, ranges, variants, regular expressions), and a result to print when it runs.
// REPEAT asks for that many more instantiations of everything.
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <regex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#ifndef REPEAT
#define REPEAT 4
#endif

template <int N>
struct tag {
  std::array<long, N % 7 + 1> values;
  long sum() const { return std::accumulate(values.begin(), values.end(), long{N}); }
};

template <int N>
using any_of_four = std::variant<tag<N>, tag<N + 1>, std::string, std::vector<tag<N + 2>>>;

template <typename... Cases>
struct overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
overloaded(Cases...) -> overloaded<Cases...>;

template <int N>
long visit_pair(const any_of_four<N>& left, const any_of_four<N>& right) {
  return std::visit(overloaded{
                        [](const std::string& a, const auto&) { return long(a.size()); },
                        [](const tag<N>& a, const auto&) { return a.sum(); },
                        [](const tag<N + 1>& a, const auto&) { return 2 * a.sum(); },
                        [](const std::vector<tag<N + 2>>& a, const auto&) {
                          return std::transform_reduce(a.begin(), a.end(), 0L, std::plus<>{},
                                                       [](const auto& t) { return t.sum(); });
                        },
                    },
                    left, right);
}

template <int N>
long maps() {
  std::map<std::tuple<int, std::string, tag<N>*>, std::function<long(long)>> ordered;
  std::unordered_map<std::string, std::map<long, std::optional<tag<N>>>> hashed;
  for (int i = 0; i < 20; ++i) {
    ordered[{i * N, std::to_string(i), nullptr}] = [i](long x) { return x * N + i; };
    hashed[std::to_string(i % 5)][i] = tag<N>{};
  }
  long total = 0;
  for (const auto& [key, function] : ordered) total += function(std::get<0>(key));
  for (const auto& [key, inner] : hashed) total += long(inner.size() * key.size());
  return total;
}

#if !defined(__clang__) || __clang_major__ >= 16  // clang 14 rejects libstdc++ 12's views
template <int N>
long ranges() {
  auto view = std::views::iota(1, 200 + N) |
              std::views::filter([](int i) { return i % (N % 5 + 2) == 0; }) |
              std::views::transform([](int i) { return std::to_string(i * N); }) |
              std::views::drop(3) | std::views::take(40);
  std::vector<std::string> words;
  std::ranges::copy(view, std::back_inserter(words));
  std::ranges::sort(words, std::ranges::greater{}, [](const auto& w) { return w.substr(1); });
  return std::ranges::count_if(words, [](const auto& w) { return w.size() > 2; });
}
#else
template <int N>
long ranges() {
  return N;
}
#endif

template <int N>
long all() {
  any_of_four<N> left = std::vector<tag<N + 2>>(3);
  any_of_four<N> right = std::string(N, 'x');
  return visit_pair<N>(left, right) + visit_pair<N>(right, left) + maps<N>() + ranges<N>();
}

template <int... Ns>
long all_of(std::integer_sequence<int, Ns...>) {
  return (all<Ns + 1>() + ...);
}

int main() {
  const std::regex words{R"(([a-z]+)(\d{1,3})?(?:-|_|\s)*)", std::regex::icase};
  const std::string text = "alpha12 beta_gamma-7 delta 345 Epsilon99";
  long matches = std::distance(std::sregex_iterator{text.begin(), text.end(), words}, {});
  std::printf("%ld %ld\n", matches, all_of(std::make_integer_sequence<int, REPEAT>{}));
}
