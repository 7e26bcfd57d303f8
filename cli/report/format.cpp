#include "cli/report/format.hpp"

#include <cmath>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <limits>

namespace strata::cli {
namespace {

// Scales value down by step until it prints in at most three digits, then prints it with its unit.
std::string scaled(double value, double step, const char* const* units, int unit_count) {
  int unit = 0;
  const double limit = step == 1024 ? 1023.5 : 999.5;
  while (value >= limit && unit + 1 < unit_count) {
    value /= step;
    ++unit;
  }
  const int decimals = unit > 0 && value < 99.95 ? 1 : 0;
  const char* space = units[unit][0] == '\0' ? "" : " ";
  return formatted("%.*f%s%s", decimals, value, space, units[unit]);
}

}  // namespace

std::string formatted(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  va_list again;
  va_copy(again, arguments);
  const int size = std::vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  std::string text(static_cast<std::size_t>(size), '\0');
  std::vsnprintf(text.data(), text.size() + 1, format, again);
  va_end(again);
  return text;
}

std::uint64_t rounded(double value) {
  constexpr double past_largest = 0x1p64;
  if (!(value > 0)) return 0;
  if (value >= past_largest) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(std::round(value));
}

std::string format_size(std::uint64_t bytes) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  return scaled(static_cast<double>(bytes), 1024, units, 7);
}

std::string format_count(double count) {
  static constexpr const char* units[] = {"", "k", "M", "G", "T", "P", "E"};
  return scaled(count, 1000, units, 7);
}

std::string format_seconds(double seconds) {
  if (seconds < 0.9995e-3) return formatted("%.0f us", seconds * 1e6);
  if (seconds < 0.09995) return formatted("%.1f ms", seconds * 1e3);
  if (seconds < 0.9995) return formatted("%.0f ms", seconds * 1e3);
  if (seconds < 9.995) return formatted("%.2f s", seconds);
  if (seconds < 99.95) return formatted("%.1f s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 3600) return formatted("%lld min %02lld s", whole / 60, whole % 60);
  return formatted("%lld h %02lld min", whole / 3600, whole % 3600 / 60);
}

std::string format_ratio(double value, double base) {
  return base > 0 ? formatted("%.2f", value / base) : "-";
}

std::string signal_name(int number) {
  const char* name = sigabbrev_np(number);
  return name != nullptr ? std::string("SIG") + name : formatted("signal %d", number);
}

std::string joined(const std::vector<std::string>& words) {
  std::string made;
  for (const std::string& word : words) made += (made.empty() ? "" : " ") + word;
  return made;
}

}  // namespace strata::cli
