// The list of `strata layout`: a record a line, those that waste most first.
#include <algorithm>
#include <numeric>

#include "cli/model/file.hpp"
#include "cli/report/format.hpp"
#include "cli/report/layout_report.hpp"

namespace strata::cli {
namespace {

constexpr int figure_columns = 9;

std::string figure(std::uint64_t bytes) {
  return pad_left(bytes == 0 ? "-" : std::to_string(bytes), figure_columns);
}

std::string where(const layout::record& one) {
  if (one.file.empty()) return {};
  return "  (" + base_name(one.file) + ":" + std::to_string(one.line) + ")";
}

// On a terminal a name may not break its line; elsewhere it is whole.
std::string fitted(const std::string& text, const style& look, int taken) {
  const auto room = static_cast<std::size_t>(std::max(look.width - taken, 20));
  if (!look.unicode || text.size() <= room) return text;
  return text.substr(0, room - 2) + "..";
}

std::string list_line(const weighed_record& one, const style& look) {
  const std::string figures = figure(one.waste.bytes()) + figure(one.what->size_bytes) +
                              figure(one.saved_bytes()) + figure(one.nested_waste_bytes) + "  ";
  return figures + fitted(one.what->name + where(*one.what), look, columns_of(figures)) + "\n";
}

}  // namespace

std::vector<weighed_record> weighed(const layout::catalogue& all,
                                    const std::vector<std::size_t>& which,
                                    const recorded_objects* recorded) {
  const auto nested = layout::nested_waste_bytes(all);
  std::vector<weighed_record> result;
  result.reserve(which.size());
  for (const std::size_t index : which) {
    const layout::record& one = all.records[index];
    result.push_back({&one, layout::waste_of(one), nested[index], layout::order_of(one)});
    if (recorded != nullptr) result.back().live = recorded->counts[index];
  }
  std::stable_sort(result.begin(), result.end(), [](const auto& a, const auto& b) {
    if (a.saved_at_peak() != b.saved_at_peak()) return a.saved_at_peak() > b.saved_at_peak();
    if (a.live.objects != b.live.objects) return a.live.objects > b.live.objects;
    if (a.waste.bytes() != b.waste.bytes()) return a.waste.bytes() > b.waste.bytes();
    return a.what->name < b.what->name;
  });
  return result;
}

namespace {

std::string live_line(const weighed_record& one, const style& look) {
  const auto of = [](double number) { return number < 0.5 ? "-" : format_count(number); };
  const std::string figures =
      pad_left(one.saved_at_peak() < 0.5 ? "-" : format_size(rounded(one.saved_at_peak())),
               figure_columns) +
      pad_left(of(one.live.objects), figure_columns) +
      pad_left(of(one.live.by_source), figure_columns) + figure(one.what->size_bytes) +
      figure(one.saved_bytes()) + "  ";
  return figures + fitted(one.what->name + where(*one.what), look, columns_of(figures)) + "\n";
}

std::string live_list_text(const layout_result& result, std::size_t most, const style& look) {
  const recorded_objects& recorded = *result.recorded;
  std::string text = "  of " + format_size(rounded(recorded.peak_bytes)) + " at the peak of " +
                     base_name(recorded.file) + ", " + format_size(rounded(recorded.known_bytes)) +
                     " are in blocks whose type is known\n";
  const auto& records = result.records;
  const auto live = static_cast<std::size_t>(
      std::count_if(records.begin(), records.end(),
                    [](const weighed_record& one) { return one.live.objects > 0; }));
  if (live == 0) return text;
  text += "\n" +
          look.paint(colour::dim,
                     "    saved  objects by line       of    saved  type (at "
                     "the peak; bytes each)") +
          "\n";
  const std::size_t shown = most == 0 ? live : std::min(most, live);
  for (std::size_t i = 0; i < shown; ++i) text += live_line(records[i], look);
  if (shown < live) text += formatted("  and %zu more (--top 0: all)\n", live - shown);
  return text;
}

}  // namespace

std::string layout_list_text(const layout_result& result, std::size_t most, const style& look) {
  const auto& records = result.records;
  const auto wasteful = static_cast<std::size_t>(
      std::count_if(records.begin(), records.end(),
                    [](const weighed_record& one) { return one.waste.bytes() > 0; }));
  const auto saving = std::count_if(records.begin(), records.end(), [](const weighed_record& one) {
    return one.better.has_value();
  });
  std::string text = look.heading("strata layout: " + base_name(result.file)) + "\n";
  text += formatted(
      "  %zu types, %zu of them with holes or padding; %zu would be smaller in another order\n",
      records.size(), wasteful, static_cast<std::size_t>(saving));
  if (result.recorded != nullptr) return text + live_list_text(result, most, look);
  if (wasteful == 0) return text;
  text += "\n" +
          look.paint(colour::dim, "   wasted       of    saved   inside  type (bytes each)") + "\n";
  const std::size_t shown = most == 0 ? wasteful : std::min(most, wasteful);
  for (std::size_t i = 0; i < shown; ++i) text += list_line(records[i], look);
  if (shown < wasteful) text += formatted("  and %zu more (--top 0: all)\n", wasteful - shown);
  return text;
}

}  // namespace strata::cli
