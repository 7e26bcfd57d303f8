// The load of the job `clang`: a translation unit that makes a compiler allocate; it never runs.
// KINDS is how many kinds of everything there are.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <regex>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#ifndef KINDS
#define KINDS 4
#endif

namespace {

template <int Kind>
struct node {
  std::string name;
  std::vector<std::unique_ptr<node>> below;
  std::variant<int, double, std::string, std::tuple<int, std::string>> value;
  std::optional<std::map<std::string, node*>> index;
};

template <int Kind>
std::string print(const node<Kind>& one) {
  std::string text = one.name;
  for (const auto& each : one.below) text += print(*each);
  return text + std::visit(
                    [](const auto& value) -> std::string {
                      using type = std::decay_t<decltype(value)>;
                      if constexpr (std::is_arithmetic_v<type>) {
                        return std::to_string(value + Kind);
                      } else if constexpr (std::is_same_v<type, std::string>) {
                        return value;
                      } else {
                        return std::get<1>(value);
                      }
                    },
                    one.value);
}

template <int Kind>
size_t match(const std::string& text) {
  const std::regex word("([a-z]+)([0-9]{" + std::to_string(Kind) + "})");
  std::unordered_map<std::string, std::function<size_t(size_t)>> actions;
  for (std::sregex_iterator at(text.begin(), text.end(), word), end; at != end; ++at) {
    const std::string key = (*at)[1];
    actions.emplace(key, [key](size_t before) { return before + key.size(); });
  }
  return std::accumulate(actions.begin(), actions.end(), size_t{Kind},
                         [](size_t sum, const auto& one) { return one.second(sum); });
}

template <int... Kind>
size_t everything(std::integer_sequence<int, Kind...>) {
  const auto one = []<int Which>(std::integral_constant<int, Which>) {
    node<Which> root;
    root.below.push_back(std::make_unique<node<Which>>());
    std::vector<std::pair<std::string, node<Which>*>> sorted{{"root", &root}};
    std::sort(sorted.begin(), sorted.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    return match<Which>(print(root)) + sorted.size();
  };
  return (one(std::integral_constant<int, Kind>{}) + ... + 0);
}

}  // namespace

int main() { return static_cast<int>(everything(std::make_integer_sequence<int, KINDS>{})); }
