// How a report is drawn on the stream it goes to: width, Unicode or ASCII, colour; and the two
// kinds of bar.
#pragma once

#include <string>
#include <string_view>

namespace strata::cli {

enum class colour { plain, bold, dim, green, yellow, red, cyan };

struct style {
  bool coloured = false;
  bool unicode = false;  // also stands for 'a terminal'
  int width = 80;        // columns

  // What suits the stream: ASCII and 80 columns unless it is a terminal; colour unless NO_COLOR.
  static style of_stream(int file);

  std::string paint(colour how, const std::string& text) const;
  const char* times() const { return unicode ? "×" : "x"; }
  const char* dash() const { return unicode ? "–" : "-"; }
  const char* rule() const { return unicode ? "─" : "-"; }

  // fraction (0 to 1) of columns filled from the left; anything above 0 is visible.
  std::string bar(double fraction, int columns) const;
  // The stretch from one fraction to another; anything wider than 0 is visible.
  std::string stretch(double from, double to, int columns) const;
  // A line across: "── title ─────".
  std::string heading(const std::string& title) const;
};

// Columns that text takes: code points of UTF-8, each one column wide.
int columns_of(std::string_view text);
// text with blanks to its right or left, up to columns.
std::string pad_right(const std::string& text, int columns);
std::string pad_left(const std::string& text, int columns);
// text cut to columns, its last characters kept behind "..".
std::string cut_left(const std::string& text, int columns);

}  // namespace strata::cli
