#include "cli/model/near_names.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace strata::cli {
namespace {

std::string lower(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return made;
}

// Behind the last "::" that is not within template arguments.
std::string_view last_part(std::string_view name) {
  const std::string_view plain = name.substr(0, name.find('<'));
  const auto at = plain.rfind("::");
  return at == std::string_view::npos ? name : name.substr(at + 2);
}

}  // namespace

std::size_t distance_of(std::string_view a, std::string_view b) {
  // Rows of the usual table: how far a[0..i) is from b[0..k).
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t k = 0; k <= b.size(); ++k) row[k] = k;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t k = 1; k <= b.size(); ++k) {
      const bool same = a[i - 1] == b[k - 1];
      row[k] = std::min({last[k] + 1, row[k - 1] + 1, last[k - 1] + (same ? 0 : 1)});
      if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1]) {
        row[k] = std::min(row[k], before_last[k - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::vector<std::string> near_names(std::string_view wanted, const std::vector<std::string>& names,
                                    std::size_t most) {
  constexpr std::size_t longest = 200;  // of names that are compared: time is the product of both
  const std::string sought = lower(wanted.substr(0, longest));
  const std::size_t far = sought.size() / 3 + 1;
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& name : names) {
    std::size_t distance = far + 1;
    for (const std::string_view part : {std::string_view(name), last_part(name)}) {
      const std::size_t apart =
          part.size() > sought.size() ? part.size() - sought.size() : sought.size() - part.size();
      if (apart <= far) distance = std::min(distance, distance_of(sought, lower(part)));
    }
    if (distance <= far) near.emplace_back(distance, name);
  }
  std::sort(near.begin(), near.end());
  near.erase(std::unique(near.begin(), near.end()), near.end());
  std::vector<std::string> result;
  for (std::size_t i = 0; i < std::min(near.size(), most); ++i) result.push_back(near[i].second);
  return result;
}

}  // namespace strata::cli
