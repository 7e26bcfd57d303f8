#include "cli/model/leaks/suppressions.hpp"

#include <algorithm>

namespace strata::cli::leaks {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  const auto last = text.find_last_not_of(blanks);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  const bool at_start = pattern.starts_with('^');
  if (at_start) pattern.remove_prefix(1);
  const bool at_end = pattern.ends_with('$');
  if (at_end) pattern.remove_suffix(1);
  std::size_t from = 0;  // text before it is taken
  bool is_anchored = at_start;
  for (;;) {
    const std::size_t star = pattern.find('*');
    const std::string_view part = pattern.substr(0, star);
    if (star == std::string_view::npos && at_end) {
      return text.size() >= from + part.size() && text.ends_with(part) &&
             (!is_anchored || text.size() == from + part.size());
    }
    const std::size_t found = text.find(part, from);
    if (found == std::string_view::npos || (is_anchored && found != from)) return false;
    if (star == std::string_view::npos) return true;
    from = found + part.size();
    is_anchored = false;
    pattern.remove_prefix(star + 1);
  }
}

std::string suppressions::add(const std::string& text) {
  constexpr std::string_view kind = "leak:";
  std::size_t number = 0;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    const std::string_view line = trimmed(std::string_view(text).substr(from, end - from));
    from = end + 1;
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const std::string_view pattern =
        line.starts_with(kind) ? trimmed(line.substr(kind.size())) : std::string_view();
    if (pattern.empty()) return "line " + std::to_string(number) + " is not leak:PATTERN";
    patterns_.emplace_back(pattern);
  }
  return {};
}

bool suppressions::match(std::string_view name) const {
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const std::string& one) { return matches(one, name); });
}

}  // namespace strata::cli::leaks
