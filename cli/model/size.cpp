#include "cli/model/size.hpp"

#include <cctype>
#include <charconv>
#include <limits>
#include <string>

namespace strata::cli {
namespace {

// The power of 1024 that a suffix stands for; nothing when it is no suffix of ours.
std::optional<int> power_of(std::string_view suffix) {
  std::string lower;
  for (char c : suffix) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower.empty() || lower == "b") return 0;
  const auto power = std::string_view("kmgt").find(lower[0]);
  if (power == std::string_view::npos) return std::nullopt;
  const std::string rest = lower.substr(1);
  if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
  return static_cast<int>(power) + 1;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  const auto power = power_of(std::string_view(rest, static_cast<std::size_t>(end - rest)));
  if (!power) return std::nullopt;
  const int shift = 10 * *power;
  if (number > (std::numeric_limits<std::uint64_t>::max() >> shift)) return std::nullopt;
  return number << shift;
}

}  // namespace strata::cli
