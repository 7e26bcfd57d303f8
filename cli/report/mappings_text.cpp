// The table of `strata report --mappings`.
#include <algorithm>
#include <cmath>
#include <map>

#include "cli/report/calls_text.hpp"
#include "cli/report/capture_report.hpp"
#include "cli/report/format.hpp"
#include "cli/report/mappings.hpp"

namespace strata::cli {
namespace {

constexpr int size_columns = 10;
constexpr int count_columns = 10;
constexpr int kind_columns = 18;

std::string size(double bytes) {
  return pad_left(bytes <= 0 ? "-" : format_size(rounded(bytes)), size_columns);
}

std::string site_row(const capture::site_figures& one, const std::string& kinds,
                     const capture_result& result, const style& look) {
  const capture::stack_figures& figures = one.figures;
  const bool has_moment = result.figure == capture_figure::moment;
  const std::string text = (has_moment ? size(figures.at_moment.bytes) : "") +
                           size(figures.at_peak.bytes) + size(figures.live.bytes) +
                           size(figures.total.bytes) +
                           pad_left(format_count(std::round(figures.total.blocks)), count_columns) +
                           "  " + pad_right(kinds, kind_columns);
  return text + where_text(one.where, columns_left(look, text)) + "\n";
}

}  // namespace

std::string mapped_kinds(std::uint16_t about) {
  std::string made;
  const auto add = [&](bool is_one, const char* name) {
    if (is_one) made += (made.empty() ? "" : ", ") + std::string(name);
  };
  const bool is_of_file = (about & wire::range_of_file) != 0;
  add((about & wire::range_of_break) != 0, "break");
  add(is_of_file, "file");
  add((about & wire::range_inaccessible) != 0, "reserved");
  add((about & wire::range_shared) != 0 && !is_of_file, "shared");
  return made.empty() ? "anonymous" : made;
}

std::map<capture::call_site, std::uint16_t> mapped_about(const capture::view& of) {
  std::map<capture::call_site, std::uint16_t> made;
  for (const auto& [node, one] : of.process().mapped.by_node()) made[of.site(node)] |= one.about;
  return made;
}

std::string mappings_text(const capture_result& result, const style& look) {
  const capture::view view(result.recording, result.process, capture::memory_kind::mappings);
  std::vector<capture::site_figures> sites = view.sites();
  const auto about = mapped_about(view);
  std::stable_sort(sites.begin(), sites.end(), [&](const auto& a, const auto& b) {
    return value_of(a.figures, result.figure) > value_of(b.figures, result.figure);
  });
  std::string text = capture_summary(result, look);
  text += look.heading("mappings by " + figure_name(result, result.figure)) + "\n";
  if (sites.empty()) return text + "  none: the program mapped nothing for itself\n";
  if (result.figure == capture_figure::moment) text += "      then";
  text += "   at peak    at end     total  mappings  kind              where\n";
  const std::size_t shown = std::min(sites.size(), result.shown);
  for (std::size_t i = 0; i < shown; ++i) {
    text += site_row(sites[i], mapped_kinds(about.at(sites[i].where)), result, look);
  }
  if (shown < sites.size()) {
    text += "  and " + format_count(static_cast<double>(sites.size() - shown)) + " more (--all)\n";
  }
  return text;
}

}  // namespace strata::cli
