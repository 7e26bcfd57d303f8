// The text report of `strata map`, a function for each section.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cli/model/file.hpp"
#include "cli/report/format.hpp"
#include "cli/report/map_report.hpp"

namespace strata::cli {
namespace {

using map::mapping;
using map::page_state;
using map::usage;

constexpr std::size_t mappings_shown = 20;
constexpr std::size_t classes_shown = 10;
constexpr int size_columns = 10;

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string size(std::uint64_t bytes) {
  return pad_left(bytes == 0 ? "-" : format_size(bytes), size_columns);
}

std::string figures(const usage& memory) {
  return size(memory.resident_bytes) + size(memory.proportional_bytes) + size(memory.dirty_bytes) +
         size(memory.swapped_bytes);
}

std::string counted(std::uint64_t number, const char* what) {
  return format_count(static_cast<double>(number)) + " " + what + (number == 1 ? "" : "s");
}

std::string head(const map_result& result, const purpose_total& all, const style& look) {
  const std::string program = base_name(result.space.program);
  std::string text =
      look.heading("strata map: " + (program.empty() ? "" : program + ", ") + result.space.source) +
      "\n";
  text +=
      "  addresses    " + format_size(all.bytes) + " in " + counted(all.mappings, "mapping") + "\n";
  if (!result.space.has_usage) return text + "  Which of it is resident is not told there.\n";
  const usage& memory = all.memory;
  text += "  resident     " + format_size(memory.resident_bytes) + ", " +
          format_size(memory.proportional_bytes) + " when shared pages are divided\n";
  text += "  dirty        " + format_size(memory.dirty_bytes) + "\n";
  if (memory.swapped_bytes > 0)
    text += "  swapped      " + format_size(memory.swapped_bytes) + "\n";
  if (memory.huge_bytes > 0) text += "  huge pages   " + format_size(memory.huge_bytes) + "\n";
  if (memory.locked_bytes > 0) text += "  locked       " + format_size(memory.locked_bytes) + "\n";
  return text;
}

std::string purposes(const map_result& result, const purpose_total& all, const style& look) {
  const bool known = result.space.has_usage;
  const auto weight = [&](const purpose_total& one) {
    return known ? one.memory.resident_bytes : one.bytes;
  };
  auto totals = totals_of(result.space);
  std::stable_sort(totals.begin(), totals.end(),
                   [&](const auto& a, const auto& b) { return weight(a) > weight(b); });
  const int columns = std::clamp(look.width - 64, 10, 40);
  std::string text = "\n" + look.heading("what it is for") + "\n";
  text += look.paint(colour::dim, pad_right("", 13) + "  mappings      size" +
                                      (known ? "  resident      prop.     dirty      swap" : "")) +
          "\n";
  for (const purpose_total& one : totals) {
    if (one.mappings == 0) continue;
    const std::string bar = look.bar(share(weight(one), weight(all)), columns);
    text += "  " + pad_right(map::name_of(one.what), 11) +
            pad_left(std::to_string(one.mappings), size_columns) + size(one.bytes) +
            (known ? figures(one.memory) : "") +
            (bar.empty() ? "" : "  " + look.paint(colour::cyan, bar)) + "\n";
  }
  return text;
}

std::string mapping_line(const mapping& one, bool known) {
  return formatted("  %012llx", static_cast<unsigned long long>(one.start)) + size(one.bytes()) +
         (known ? size(one.memory.resident_bytes) + size(one.memory.dirty_bytes) : "") + "  " +
         one.permissions + "  " + title_of(one) + "\n";
}

std::string mappings(const map_result& result, shown_mappings which, const style& look) {
  const bool known = result.space.has_usage;
  std::vector<const mapping*> shown;
  for (const mapping& one : result.space.mappings) shown.push_back(&one);
  std::size_t more = 0;
  if (which == shown_mappings::largest && shown.size() > mappings_shown) {
    std::stable_sort(shown.begin(), shown.end(), [&](const mapping* a, const mapping* b) {
      return known ? a->memory.resident_bytes > b->memory.resident_bytes : a->bytes() > b->bytes();
    });
    more = shown.size() - mappings_shown;
    shown.resize(mappings_shown);
    std::sort(shown.begin(), shown.end(),
              [](const mapping* a, const mapping* b) { return a->start < b->start; });
  }
  std::string text =
      "\n" + look.heading(more > 0 ? "the largest mappings, by address" : "mappings, by address") +
      "\n";
  text += look.paint(colour::dim, std::string("  start             size") +
                                      (known ? "  resident     dirty" : "") + "  perm  what") +
          "\n";
  for (const mapping* one : shown) text += mapping_line(*one, known);
  if (more > 0) text += formatted("  and %zu more (--all)\n", more);
  return text;
}

std::string state_line(const map::allocator_view& view, page_state state, const char* meaning,
                       const style& look) {
  const auto index = static_cast<std::size_t>(state);
  const std::uint64_t all =
      std::accumulate(view.state_bytes.begin(), view.state_bytes.end(), std::uint64_t{0});
  const std::string bar = look.bar(share(view.state_bytes[index], all), 16);
  return "  " + pad_right(map::name_of(state), 9) + size(view.state_bytes[index]) +
         (view.is_residence_known ? size(view.resident_bytes[index]) : "") + "  " +
         look.paint(colour::cyan, pad_right(bar, 16)) + "  " + look.paint(colour::dim, meaning) +
         "\n";
}

// The sign for a stretch of the heap: of what there is most in it.
char sign_of(const std::array<std::uint64_t, map::page_state_count>& counts) {
  static constexpr std::string_view signs = ".d#L";  // in the order of page_state
  const auto most = std::max_element(counts.begin(), counts.end());
  return signs[static_cast<std::size_t>(most - counts.begin())];
}

// The heap's pages in rows. Free stretches at the end are left out.
std::string pages(const map::allocator_view& view, const style& look) {
  constexpr std::size_t most_rows = 32;
  const auto columns = static_cast<std::size_t>(std::min(look.width - 18, 64));
  std::vector<page_state> all;
  for (const map::heap_region& region : view.regions) {
    all.insert(all.end(), region.pages.begin(), region.pages.end());
  }
  while (!all.empty() && all.back() == page_state::clean) all.pop_back();
  if (all.empty()) return {};
  const std::size_t cells = columns * most_rows;
  const std::size_t per_cell = (all.size() + cells - 1) / cells;
  std::string text = formatted("\n  a sign for %s: # spans, L large blocks, d dirty, . clean\n",
                               format_size(per_cell * view.page_bytes).c_str());
  std::string row;
  for (std::size_t from = 0; from < all.size(); from += per_cell) {
    std::array<std::uint64_t, map::page_state_count> counts{};
    for (std::size_t i = from; i < std::min(from + per_cell, all.size()); ++i) {
      ++counts[static_cast<std::size_t>(all[i])];
    }
    row += sign_of(counts);
    if (row.size() < columns && from + per_cell < all.size()) continue;
    text += "  " + row + "\n";
    row.clear();
  }
  return text;
}

std::string classes(const map::allocator_view& view, const style& look) {
  auto shown = view.classes;
  const auto bytes = [](const map::class_use& one) { return one.blocks * one.block_bytes; };
  std::stable_sort(shown.begin(), shown.end(),
                   [&](const auto& a, const auto& b) { return bytes(a) > bytes(b); });
  if (shown.empty()) return {};
  if (shown.size() > classes_shown) shown.resize(classes_shown);
  std::string text = "\n" +
                     look.paint(colour::dim,
                                "  block size     spans   in spans    blocks"
                                "   of them free") +
                     "\n";
  for (const map::class_use& one : shown) {
    text += "  " + size(one.block_bytes) +
            pad_left(format_count(static_cast<double>(one.spans)), size_columns) + " " +
            size(bytes(one)) +
            pad_left(format_count(static_cast<double>(one.blocks)), size_columns) +
            pad_left(format_count(static_cast<double>(one.free_blocks)), 15) + "\n";
  }
  if (view.classes.size() > shown.size()) {
    text += formatted("  and %zu more sizes\n", view.classes.size() - shown.size());
  }
  return text;
}

std::string allocator(const map_result& result, const style& look) {
  std::string text = "\n" + look.heading("what the allocator has there") + "\n";
  if (!result.allocator_note.empty()) return text + "  " + result.allocator_note + "\n";
  const map::allocator_view& view = *result.allocator;
  text += "  " + view.library + ", " + (view.is_sparse ? "sparse" : "contiguous") +
          " ground, pages of " + format_size(view.page_bytes) + "\n\n";
  text += look.paint(colour::dim, std::string("  heap           size") +
                                      (view.is_residence_known ? "  resident" : "")) +
          "\n";
  text += state_line(view, page_state::span, "blocks of the size classes", look);
  text += state_line(view, page_state::large, "large blocks", look);
  text += state_line(view, page_state::dirty, "free, kept for reuse", look);
  text += state_line(view, page_state::clean, "free, given back or never used", look);
  text += "\n  large blocks " + counted(view.large_runs, "run") + " of pages; " +
          counted(view.mapped_blocks, "mapping") + " (" + format_size(view.mapped_bytes) + ")\n";
  return text + pages(view, look) + classes(view, look);
}

}  // namespace

std::array<purpose_total, map::purpose_count> totals_of(const map::address_space& space) {
  std::array<purpose_total, map::purpose_count> totals{};
  for (int i = 0; i < map::purpose_count; ++i)
    totals[static_cast<std::size_t>(i)].what = map::purpose{i};
  for (const mapping& one : space.mappings) {
    purpose_total& into = totals[static_cast<std::size_t>(one.what)];
    ++into.mappings;
    into.bytes += one.bytes();
    into.memory += one.memory;
  }
  return totals;
}

purpose_total sum_of(const map::address_space& space) {
  purpose_total sum{};
  for (const purpose_total& one : totals_of(space)) {
    sum.mappings += one.mappings;
    sum.bytes += one.bytes;
    sum.memory += one.memory;
  }
  return sum;
}

std::string title_of(const mapping& one) {
  if (!one.label.empty()) return one.label;
  if (!one.path.empty()) return one.path;
  return one.what == map::purpose::reserved ? "(no access)" : "(anonymous)";
}

std::string map_text(const map_result& result, shown_mappings which, const style& look) {
  const purpose_total all = sum_of(result.space);
  return head(result, all, look) + purposes(result, all, look) + allocator(result, look) +
         mappings(result, which, look);
}

}  // namespace strata::cli
