// The text report of `strata run`, a function for each section.
#include <sys/wait.h>

#include <algorithm>
#include <array>

#include "cli/model/file.hpp"
#include "cli/report/format.hpp"
#include "cli/report/run_report.hpp"

namespace strata::cli {
namespace {

constexpr std::size_t classes_shown = 10;
constexpr std::size_t children_shown = 10;
constexpr std::size_t resources_shown = 20;
constexpr int bar_columns_max = 40;

// What a bar may take beside a text of so many columns.
int bar_columns(const style& look, int text_columns) {
  return std::clamp(look.width - text_columns, 8, bar_columns_max);
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

bool is_counted(const strata_stats& stats) { return (stats.flags & STRATA_STATS_COUNTED) != 0; }

std::string line(const char* label, const std::string& text) {
  return "  " + pad_right(label, 13) + text + "\n";
}

std::string how_it_ended(const ending& end) {
  if (!WIFSIGNALED(end.wait_status)) {
    return formatted("exit status %d", WEXITSTATUS(end.wait_status));
  }
  return "killed by " + signal_name(WTERMSIG(end.wait_status));
}

std::string time_section(const ending& end) {
  return line("time",
              formatted("%s wall, %s user, %s system", format_seconds(end.wall_seconds()).c_str(),
                        format_seconds(end.user_seconds()).c_str(),
                        format_seconds(end.system_seconds()).c_str()));
}

// A snapshot that is not the process's last word: how old it was at the end.
std::string age_note(const run_result& result, const strata_stats& stats) {
  if ((stats.flags & STRATA_STATS_FINAL) != 0) return {};
  const std::uint64_t taken = std::min(stats.taken_ns, result.end.ended_ns);
  return formatted("  Figures as of the last snapshot, %llu ms before the end.\n",
                   static_cast<unsigned long long>((result.end.ended_ns - taken) / 1'000'000));
}

std::string with_rate(std::uint64_t count, double seconds) {
  const auto number = static_cast<double>(count);
  if (seconds <= 0) return format_count(number);
  return format_count(number) + " (" + format_count(number / seconds) + "/s)";
}

std::string counts_section(const strata_stats& stats) {
  const double seconds =
      static_cast<double>(stats.taken_ns - std::min(stats.started_ns, stats.taken_ns)) * 1e-9;
  std::string text;
  if (is_counted(stats)) {
    text += line("allocations", with_rate(stats.allocations, seconds));
    text += line("frees", with_rate(stats.frees, seconds));
  }
  text += line("live",
               formatted("%s in %s blocks", format_size(stats.live_bytes).c_str(),
                         format_count(static_cast<double>(stats.live_blocks)).c_str()) +
                   (is_counted(stats) ? ", " + format_size(stats.peak_live_bytes) + " at the peak"
                                      : std::string()));
  if (stats.large_blocks > 0) {
    text += line("of it large", format_size(stats.large_bytes) + " in " +
                                    format_count(static_cast<double>(stats.large_blocks)) +
                                    " blocks with pages of their own");
  }
  text += line("resident", format_size(stats.resident_bytes) + ", " +
                               format_size(stats.peak_resident_bytes) + " at the peak");
  text += line("given back",
               formatted("%s to the system, in %s calls", format_size(stats.returned_bytes).c_str(),
                         format_count(static_cast<double>(stats.returns)).c_str()));
  return text;
}

std::string failure_section(const strata_stats& stats, const style& look) {
  std::string text;
  if (stats.limit_bytes > 0) text += line("limit", format_size(stats.limit_bytes));
  if (stats.failures > 0) {
    text +=
        line("failures", look.paint(colour::red, format_count(static_cast<double>(stats.failures)) +
                                                     " allocations were refused (ENOMEM)"));
  }
  return text;
}

std::string resident_section(const strata_stats& stats, const style& look) {
  const auto parts = resident_parts(stats);
  std::uint64_t sum = 0;
  for (const resident_part& part : parts) sum += part.bytes;
  const std::uint64_t whole = std::max(sum, stats.resident_bytes);
  const int columns = bar_columns(look, 70);

  std::string text = "\n" + look.heading("what is resident");
  text += "\n";
  double from = 0;
  for (const resident_part& part : parts) {
    const double to = from + share(part.bytes, whole);
    text += "  " + pad_right(part.name, 11) + pad_left(format_size(part.bytes), 9) + "  " +
            look.paint(colour::cyan, pad_right(look.stretch(from, to, columns), columns)) + "  " +
            look.paint(colour::dim, part.meaning) + "\n";
    from = to;
  }
  text += "  " + pad_right("resident", 11) + pad_left(format_size(stats.resident_bytes), 9) + "  " +
          look.bar(share(stats.resident_bytes, whole), columns) + "\n";
  if (sum > stats.resident_bytes) {
    text += "  The parts add up to more: pages of them that were never touched are not resident.\n";
  }
  return text;
}

std::string resource_line(const strata_watch_row& row) {
  const auto size = [](std::uint64_t bytes) {
    return bytes == STRATA_WATCH_NONE ? std::string("-") : format_size(bytes);
  };
  const std::string blocks = row.live_blocks == STRATA_WATCH_NONE
                                 ? "-"
                                 : format_count(static_cast<double>(row.live_blocks));
  const std::string number =
      row.instances == 0 ? "ended" : format_count(static_cast<double>(row.instances));
  return "  " + pad_right(std::string(row.name).substr(0, 20), 21) +
         pad_right(std::string(row.kind).substr(0, 18), 19) + pad_left(number, 7) +
         pad_left(size(row.live_bytes), 10) + pad_left(blocks, 8) +
         pad_left(size(row.held_bytes), 10) + pad_left(size(row.peak_live_bytes), 10) + "\n";
}

// Those with the highest peaks.
std::string resources_section(const process_figures& figures, const style& look) {
  std::vector<strata_watch_row> rows = figures.resources;
  if (rows.empty()) return {};
  const auto peak = [](const strata_watch_row& row) {
    return row.peak_live_bytes == STRATA_WATCH_NONE ? 0 : row.peak_live_bytes;
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const auto& a, const auto& b) { return peak(a) > peak(b); });
  std::string text = "\n" + look.heading("the program's own resources") + "\n";
  text += look.paint(colour::dim,
                     "  name                 kind                  there"
                     "      live  blocks      held      peak\n");
  const std::size_t shown = std::min(rows.size(), resources_shown);
  for (std::size_t i = 0; i < shown; ++i) text += resource_line(rows[i]);
  const std::size_t more = rows.size() - shown + figures.unlisted_resources;
  if (more > 0) text += formatted("  and %zu more\n", more);
  return text;
}

std::string histogram_section(const strata_stats& stats, const style& look) {
  const auto* first = std::begin(stats.histogram);
  const auto* last = std::end(stats.histogram);
  const auto used = [](std::uint64_t count) { return count > 0; };
  const auto* from = std::find_if(first, last, used);
  if (from == last) return {};
  while (!used(last[-1])) --last;
  const std::uint64_t most = *std::max_element(from, last);

  std::string text = "\n" + look.heading("sizes asked for") + "\n";
  for (const auto* entry = from; entry != last; ++entry) {
    const std::string bar = look.bar(share(*entry, most), bar_columns(look, 28));
    text += "  up to " + pad_left(format_size(1ull << (entry - first)), 8) +
            pad_left(format_count(static_cast<double>(*entry)), 9) +
            (bar.empty() ? "" : "  " + look.paint(colour::cyan, bar)) + "\n";
  }
  return text;
}

// The classes with the most allocations; without counting, those with the most live blocks.
std::vector<strata_class_stats> busiest_classes(const strata_stats& stats) {
  const auto activity = [&](const strata_class_stats& c) {
    return is_counted(stats) ? c.allocations : c.live_blocks;
  };
  std::vector<strata_class_stats> classes(stats.classes, stats.classes + stats.class_count);
  std::erase_if(classes, [&](const strata_class_stats& c) { return activity(c) == 0; });
  std::stable_sort(classes.begin(), classes.end(),
                   [&](const auto& a, const auto& b) { return activity(a) > activity(b); });
  if (classes.size() > classes_shown) classes.resize(classes_shown);
  return classes;
}

std::string class_section(const strata_stats& stats, const style& look) {
  const auto classes = busiest_classes(stats);
  if (classes.empty()) return {};
  const int columns = bar_columns(look, 64);
  std::string text = "\n" + look.heading("busiest size classes") + "\n";
  text +=
      look.paint(colour::dim, "  block size   allocations    frees     live  free slots    used\n");
  for (const strata_class_stats& c : classes) {
    const auto number = [](std::uint64_t count) {
      return format_count(static_cast<double>(count));
    };
    const double fill = share(c.requested, c.allocations * c.size);
    text +=
        "  " + pad_left(format_size(c.size), 10) + pad_left(number(c.allocations), 14) +
        pad_left(number(c.frees), 9) + pad_left(number(c.live_blocks), 9) +
        pad_left(number(c.free_slots), 12) +
        pad_left(c.allocations == 0 ? "-" : formatted("%.0f%%", 100 * fill), 8) + "  " +
        look.paint(colour::cyan, look.bar(share(c.allocations, classes[0].allocations), columns)) +
        "\n";
  }
  return text;
}

std::string child_line(const std::string& pid, const std::string& program,
                       const std::string& allocations, std::uint64_t live, std::uint64_t resident) {
  return "  " + pad_left(pid, 8) + "  " + pad_right(cut_left(program, 24), 24) +
         pad_left(allocations, 13) + pad_left(format_size(live), 12) +
         pad_left(format_size(resident), 15) + "\n";
}

std::string children_section(const run_result& result, const strata_stats* main,
                             const style& look) {
  std::vector<const strata_stats*> children;
  for (const strata_stats& stats : result.tree.processes) {
    if (&stats != main) children.push_back(&stats);
  }
  if (children.empty()) return {};
  std::stable_sort(children.begin(), children.end(),
                   [](const auto* a, const auto* b) { return a->allocations > b->allocations; });
  std::string text = "\n" + look.heading(formatted("child processes: %zu", children.size())) + "\n";
  text +=
      look.paint(colour::dim,
                 "       pid  program                   allocations   peak live  peak resident\n");
  for (std::size_t i = 0; i < std::min(children.size(), children_shown); ++i) {
    const strata_stats& c = *children[i];
    text += child_line(std::to_string(c.pid), base_name(c.program),
                       format_count(static_cast<double>(c.allocations)), c.peak_live_bytes,
                       c.peak_resident_bytes);
  }
  if (children.size() > children_shown) {
    text += formatted("            and %zu more\n", children.size() - children_shown);
  }
  const tree_totals totals = totals_of(result.tree);
  text +=
      child_line("all", "sum; highest peaks", format_count(static_cast<double>(totals.allocations)),
                 totals.peak_live_bytes, totals.peak_resident_bytes);
  return text;
}

std::string missing_section(const run_result& result) {
  return result.tree.unreadable > 0
             ? "  No figures: libstrata.so wrote statistics of another version.\n"
             : "  No figures: the program did not load libstrata.so, could not write its "
               "statistics, or had its\n  malloc from a tool (valgrind, a sanitizer).\n";
}

}  // namespace

std::string run_text(const run_result& result, const style& look) {
  const process_figures* main = result.tree.last_of(result.pid);
  std::string text = look.heading("strata run: " + base_name(result.program[0]) + ", " +
                                  how_it_ended(result.end)) +
                     "\n";
  text += time_section(result.end);
  if (main == nullptr) {
    text += missing_section(result);
  } else {
    text += age_note(result, *main) + counts_section(*main) + failure_section(*main, look);
    text += resident_section(*main, look) + resources_section(*main, look);
    text += histogram_section(*main, look);
    text += class_section(*main, look);
  }
  return text + children_section(result, main, look);
}

}  // namespace strata::cli
