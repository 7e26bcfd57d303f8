// The picture of `strata map`, three bands one below the other:
//
//   resident     one bar, cut by purpose                       ##########|====|..
//   addresses    a box for each mapping in order of address;   [] [   ] [ ]
//                its width grows with the logarithm of the
//                size, its filling is the share resident
//   heap         a cell for each page, or for several
//
// Each box tells in a tooltip what it is.
#include <algorithm>
#include <cmath>

#include "cli/model/file.hpp"
#include "cli/report/format.hpp"
#include "cli/report/map_report.hpp"
#include "cli/report/picture.hpp"

namespace strata::cli {
namespace {

using map::mapping;
using map::page_state;

constexpr double width = picture::width;
constexpr double margin = picture::margin;
constexpr double inner = picture::inner;

// Colours that people who see few of them can tell apart (after Okabe and Ito), in order of purpose.
constexpr std::array purpose_colours = {"#0072b2", "#56b4e9", "#009e73", "#d55e00", "#e69f00",
                                        "#cc79a7", "#8c6bb1", "#7f7f7f", "#4d4d4d", "#dddddd"};
static_assert(purpose_colours.size() == map::purpose_count);
constexpr std::array state_colours = {"#f0f0f0", "#e69f00", "#009e73", "#0072b2"};  // of page_state
static_assert(state_colours.size() == map::page_state_count);

const char* colour_of(map::purpose what) { return purpose_colours[static_cast<std::size_t>(what)]; }

std::string figures_of(const map_result& result, const purpose_total& one) {
  std::string text = std::string(map::name_of(one.what)) + ": " + format_size(one.bytes);
  if (result.space.has_usage) text += ", " + format_size(one.memory.resident_bytes) + " resident";
  return text;
}

void draw_purposes(const map_result& result, picture& on) {
  const bool known = result.space.has_usage;
  const auto weight = [&](const purpose_total& one) {
    return static_cast<double>(known ? one.memory.resident_bytes : one.bytes);
  };
  const double all = std::max(weight(sum_of(result.space)), 1.0);
  on.heading(known ? "Resident memory, by purpose" : "Addresses, by purpose");
  double x = margin;
  const auto totals = totals_of(result.space);
  for (const purpose_total& one : totals) {
    const double w = inner * weight(one) / all;
    if (w > 0) on.box(x, on.y(), w, 36, colour_of(one.what), figures_of(result, one));
    x += w;
  }
  on.down(36);
  int column = 0;
  for (const purpose_total& one : totals) {
    if (one.mappings == 0) continue;
    if (column % 3 == 0) on.down(22);
    const double left = margin + column % 3 * inner / 3;
    on.box(left, on.y() - 11, 12, 12, colour_of(one.what), "");
    on.label(left + 18, figures_of(result, one));
    ++column;
  }
  on.down(10);
}

std::string tooltip_of(const mapping& one, bool known) {
  std::string text = formatted("%llx-%llx %s ", static_cast<unsigned long long>(one.start),
                               static_cast<unsigned long long>(one.end), one.permissions.c_str()) +
                     title_of(one) + ": " + format_size(one.bytes());
  if (known) text += ", " + format_size(one.memory.resident_bytes) + " resident";
  return text;
}

void draw_addresses(const map_result& result, picture& on) {
  constexpr double height = 34;
  constexpr double unit = 3;  // for each doubling of the size above a page
  on.heading("The address space, from its bottom to its top");
  double x = margin;
  for (const mapping& one : result.space.mappings) {
    const double pages = std::max(static_cast<double>(one.bytes()) / 4096, 1.0);
    const double w = unit * (1 + std::log2(pages));
    if (x + w > width - margin) {
      x = margin;
      on.down(height + 6);
    }
    const bool known = result.space.has_usage;
    const double filled = known ? height * static_cast<double>(one.memory.resident_bytes) /
                                      static_cast<double>(one.bytes())
                                : height;
    const std::string tooltip = tooltip_of(one, known);
    on.box(x, on.y(), w, height, "#eeeeee", tooltip);
    on.box(x, on.y(), w, 4, colour_of(one.what), tooltip);
    on.box(x, on.y() + height - filled, w, filled, colour_of(one.what), tooltip);
    x += w + 1;
  }
  on.down(height + 6);
}

// How much the state's cells are, for the legend.
std::string state_text(const map::allocator_view& view, std::size_t state) {
  return std::string(map::name_of(page_state{static_cast<std::uint8_t>(state)})) + ": " +
         format_size(view.state_bytes[state]);
}

void draw_heap(const map::allocator_view& view, picture& on) {
  constexpr std::size_t columns = 128;
  constexpr std::size_t most_rows = 64;
  constexpr double cell = inner / columns;
  std::vector<page_state> pages;
  for (const map::heap_region& region : view.regions) {
    pages.insert(pages.end(), region.pages.begin(), region.pages.end());
  }
  while (!pages.empty() && pages.back() == page_state::clean) pages.pop_back();
  if (pages.empty()) return;
  const std::size_t per_cell = (pages.size() + columns * most_rows - 1) / (columns * most_rows);
  on.heading("The heap, a cell for " + format_size(per_cell * view.page_bytes));
  on.down(12);
  for (std::size_t i = 0; i < map::page_state_count; ++i) {
    const double left = margin + static_cast<double>(i) * inner / 4;
    on.box(left, on.y() - 11, 12, 12, state_colours[i], "");
    on.label(left + 18, state_text(view, i));
  }
  on.down(8);
  std::vector<std::size_t> cells;
  for (std::size_t from = 0; from < pages.size(); from += per_cell) {
    std::array<std::size_t, map::page_state_count> counts{};
    for (std::size_t i = from; i < std::min(from + per_cell, pages.size()); ++i) {
      ++counts[static_cast<std::size_t>(pages[i])];
    }
    const auto most = std::max_element(counts.begin(), counts.end()) - counts.begin();
    cells.push_back(static_cast<std::size_t>(most));
  }
  // Equal neighbours of a row are one box.
  for (std::size_t from = 0; from < cells.size();) {
    const std::size_t row_end = std::min((from / columns + 1) * columns, cells.size());
    std::size_t to = from;
    while (to < row_end && cells[to] == cells[from]) ++to;
    const std::size_t row = from / columns;
    on.box(margin + static_cast<double>(from % columns) * cell,
           on.y() + static_cast<double>(row) * cell, static_cast<double>(to - from) * cell - 0.5,
           cell - 0.5, state_colours[cells[from]], "");
    from = to;
  }
  const std::size_t rows = (cells.size() + columns - 1) / columns;
  on.down(static_cast<double>(rows) * cell);
}

}  // namespace

std::string map_svg(const map_result& result) {
  picture on;
  on.down(margin);
  const std::string program = base_name(result.space.program);
  on.label(margin, "strata map: " + (program.empty() ? "" : program + ", ") + result.space.source,
           "font-size='18'");
  draw_purposes(result, on);
  draw_addresses(result, on);
  if (result.allocator && result.allocator_note.empty()) draw_heap(*result.allocator, on);
  return on.whole();
}

}  // namespace strata::cli
