#include "cli/report/style.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace strata::cli {
namespace {

constexpr int width_min = 60;
constexpr int width_max = 140;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// Does the locale that the environment names use UTF-8?
bool locale_is_utf8() {
  std::string_view locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    locale = variable(name);
    if (!locale.empty()) break;
  }
  for (const char* name : {"UTF-8", "utf-8", "UTF8", "utf8"}) {
    if (locale.find(name) != std::string_view::npos) return true;
  }
  return false;
}

int terminal_width(int file) {
  const std::string_view columns = variable("COLUMNS");
  int width = 0;
  std::from_chars(columns.data(), columns.data() + columns.size(), width);
  winsize size{};
  if (width <= 0 && ioctl(file, TIOCGWINSZ, &size) == 0) width = size.ws_col;
  return width > 0 ? std::clamp(width, width_min, width_max) : 80;
}

const char* code_of(colour how) {
  switch (how) {
    case colour::bold:
      return "1";
    case colour::dim:
      return "2";
    case colour::green:
      return "32";
    case colour::yellow:
      return "33";
    case colour::red:
      return "31";
    case colour::cyan:
      return "36";
    case colour::plain:
      break;
  }
  return "0";
}

std::string repeated(const char* text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

}  // namespace

style style::of_stream(int file) {
  style result;
  const bool terminal = isatty(file) != 0;
  result.width = terminal_width(file);
  result.unicode = terminal && locale_is_utf8();
  result.coloured = terminal && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
  return result;
}

std::string style::paint(colour how, const std::string& text) const {
  if (!coloured || how == colour::plain) return text;
  return std::string("\033[") + code_of(how) + "m" + text + "\033[0m";
}

std::string style::bar(double fraction, int columns) const {
  fraction = std::clamp(fraction, 0.0, 1.0);
  if (!unicode) {
    const int cells = static_cast<int>(std::lround(fraction * columns));
    return std::string(static_cast<std::size_t>(fraction > 0 ? std::max(cells, 1) : 0), '#');
  }
  static constexpr const char* parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  int eighths = static_cast<int>(std::lround(fraction * columns * 8));
  if (fraction > 0) eighths = std::max(eighths, 1);
  return repeated("█", eighths / 8) + parts[eighths % 8];
}

std::string style::stretch(double from, double to, int columns) const {
  from = std::clamp(from, 0.0, 1.0);
  to = std::clamp(to, from, 1.0);
  const int first = static_cast<int>(std::lround(from * columns));
  const int cells = static_cast<int>(std::lround(to * columns)) - first;
  const int start = std::min(first, columns - 1);
  std::string result(static_cast<std::size_t>(start), ' ');
  if (cells > 0) return result + repeated(unicode ? "█" : "#", cells);
  if (to > from) return result + (unicode ? "▏" : "|");
  return {};
}

std::string style::heading(const std::string& title) const {
  const int rest = std::max(width - columns_of(title) - 4, 2);
  return repeated(rule(), 2) + " " + paint(colour::bold, title) + " " + repeated(rule(), rest);
}

int columns_of(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // not a continuation byte
  }));
}

std::string pad_right(const std::string& text, int columns) {
  return text + std::string(static_cast<std::size_t>(std::max(columns - columns_of(text), 0)), ' ');
}

std::string pad_left(const std::string& text, int columns) {
  return std::string(static_cast<std::size_t>(std::max(columns - columns_of(text), 0)), ' ') + text;
}

std::string cut_left(const std::string& text, int columns) {
  if (columns_of(text) <= columns) return text;
  std::size_t from = text.size();
  for (int kept = 0; kept < columns - 2 && from > 0;) {
    --from;
    if ((static_cast<unsigned char>(text[from]) & 0xC0) != 0x80) ++kept;
  }
  return ".." + text.substr(from);
}

}  // namespace strata::cli
