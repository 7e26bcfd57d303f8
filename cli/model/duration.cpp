#include "cli/model/duration.hpp"

#include <charconv>
#include <cmath>

namespace strata::cli {

std::optional<std::uint64_t> parse_ms(std::string_view text) {
  constexpr double longest_ms = 100.0 * 366 * 24 * 3600 * 1000;
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || std::signbit(number)) return std::nullopt;
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (unit == "s") {
    number *= 1e3;
  } else if (unit == "min") {
    number *= 60e3;
  } else if (unit == "h") {
    number *= 3600e3;
  } else if (unit != "ms") {
    return std::nullopt;
  }
  // Also false for what is not a number.
  if (!(number <= longest_ms)) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(number));
}

}  // namespace strata::cli
