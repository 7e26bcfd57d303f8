// The text reports of `strata report`.
#include <sys/wait.h>

#include <algorithm>
#include <cmath>

#include "cli/model/file.hpp"
#include "cli/report/calls_text.hpp"
#include "cli/report/capture_report.hpp"
#include "cli/report/format.hpp"

namespace strata::cli {
namespace {

using capture::amount;
using capture::call_site;
using capture::call_tree;
using capture::site_figures;
using capture::stack_figures;

constexpr int size_columns = 10;
constexpr int count_columns = 9;

std::string size_of(double bytes) { return format_size(rounded(bytes)); }
std::string blocks_of(double count) {
  return format_count(std::round(count)) + (rounded(count) == 1 ? " block" : " blocks");
}
std::string amount_text(const amount& of) {
  return size_of(of.bytes) + " in " + blocks_of(of.blocks);
}

std::string percent(double part, double all) {
  return all <= 0 ? "0 %" : formatted("%.0f %%", 100 * part / all);
}

std::string row(const char* name, const std::string& value) {
  return "  " + pad_right(name, 13) + value + "\n";
}

std::string how_it_ended(const capture::recorded_process& one, bool is_complete) {
  if (!one.has_ended) return is_complete ? "" : ", was running when the recording stopped";
  if (!one.end.has_status) return "";
  const auto status = static_cast<int>(one.end.wait_status);
  if (WIFSIGNALED(status)) return ", killed by " + signal_name(WTERMSIG(status));
  const int code = WEXITSTATUS(status);
  return code == 0 ? "" : ", ended with status " + std::to_string(code);
}

std::string losses_text(const capture::capture& of) {
  std::string text;
  const auto lost = [&](std::uint64_t count, const char* what) {
    if (count > 0) text += row("lost", format_count(static_cast<double>(count)) + " " + what);
  };
  lost(of.lost.events, "events");
  lost(of.lost.stacks, "stacks: there were more than a recording holds");
  lost(of.lost.threads, "threads: more ran at once than are recorded");
  lost(of.lost.samples, "samples: more were live at once than are followed");
  return text;
}

std::string others_text(const capture_result& result) {
  const auto& all = result.recording.processes;
  if (all.size() < 2) return {};
  std::string text;
  constexpr std::size_t most = 8;
  std::size_t shown = 0;
  for (const capture::recorded_process& one : all) {
    if (&one == &result.process || shown++ >= most) continue;
    text += "    " + pad_left(std::to_string(one.facts.number), 3) + "  pid " +
            pad_left(std::to_string(one.facts.pid), 7) +
            pad_left(size_of(one.memory.peak_bytes()), size_columns) + " at its peak  " +
            base_name(one.facts.executable) + "\n";
  }
  const std::size_t rest = all.size() - 1 - std::min(most, all.size() - 1);
  if (rest > 0) text += "    and " + std::to_string(rest) + " more\n";
  return row("others", "of the same recording, by --process NUMBER:") + text;
}

std::string moment_text(const capture_result& result) {
  return format_seconds(static_cast<double>(result.moment_ms) * 1e-3);
}

double peak_resident(const capture::recorded_process& one) {
  std::uint64_t most = 0;
  for (const capture::resident& at : one.curve) most = std::max(most, at.bytes);
  return static_cast<double>(most);
}

// What the program mapped for itself.
std::string mapped_text(const capture::mapped_memory& of) {
  if (of.empty()) return {};
  const auto in_mappings = [](const amount& much) {
    return size_of(much.bytes) + " in " + format_count(std::round(much.blocks)) +
           (rounded(much.blocks) == 1 ? " mapping" : " mappings");
  };
  return row("mapped", in_mappings(of.all().at_peak) + " at most, after " +
                           format_seconds(static_cast<double>(of.peak_time_ms()) * 1e-3) + "; " +
                           size_of(of.all().live.bytes) + " at the end (--mappings)");
}

// What the program's own pools gave out.
std::string pooled_text(const capture::heap& of) {
  if (of.all().total.blocks == 0) return {};
  return row("in pools", amount_text(of.all().at_peak) + " at most, after " +
                             format_seconds(static_cast<double>(of.peak_time_ms()) * 1e-3) + "; " +
                             size_of(of.all().live.bytes) + " at the end (--pools)");
}

}  // namespace

std::string capture_summary(const capture_result& result, const style& look) {
  const capture::capture& all = result.recording;
  const capture::recorded_process& one = result.process;
  const stack_figures& figures = one.memory.all();
  std::string text = look.heading("strata report: " + base_name(result.file)) + "\n";
  text += row("program", joined(one.facts.command) + " (pid " + std::to_string(one.facts.pid) +
                             how_it_ended(one, all.is_complete) + ")");
  text += row("recorded",
              all.facts.sample_bytes == 0
                  ? "every block, for " + format_seconds(static_cast<double>(all.length_ms) * 1e-3)
                  : "a sample, one block each " + format_size(all.facts.sample_bytes) + ", for " +
                        format_seconds(static_cast<double>(all.length_ms) * 1e-3) +
                        "; figures are estimates");
  text +=
      row("allocated", amount_text(figures.total) + ", " +
                           percent(figures.temporary, figures.total.blocks) + " of them temporary");
  text += row("peak", amount_text(figures.at_peak) + ", after " +
                          format_seconds(static_cast<double>(one.memory.peak_time_ms()) * 1e-3));
  text += row(one.has_ended ? "never freed" : "live", amount_text(figures.live));
  if (result.figure == capture_figure::moment) {
    text += row("then", amount_text(figures.at_moment) + " live, after " + moment_text(result));
  }
  text += mapped_text(one.mapped);
  text += pooled_text(one.pooled);
  if (const double bytes = peak_resident(one); bytes > 0) {
    text += row("resident", size_of(bytes) + " at most");
  }
  if (all.is_broken)
    text += row("cut", "the file ends in the middle of a block; what is before it is shown");
  if (!all.is_complete && !all.is_broken)
    text += row("cut", "the recording was stopped before the program ended");
  if (all.is_rolled_up) {
    text += row("rolled up", "past --max-size: sums by stack only, the last of them when it ended");
  }
  return text + losses_text(all) + others_text(result);
}

namespace {

std::string site_row(const site_figures& one, capture_figure shown, const style& look) {
  const auto size = [](double bytes) {
    return pad_left(rounded(bytes) == 0 ? "-" : size_of(bytes), size_columns);
  };
  const auto count = [](double number) {
    return pad_left(rounded(number) == 0 ? "-" : format_count(std::round(number)), count_columns);
  };
  const stack_figures& figures = one.figures;
  std::string text = shown == capture_figure::moment ? size(figures.at_moment.bytes) : "";
  text += size(figures.at_peak.bytes) + size(figures.live.bytes) + size(figures.total.bytes) +
          count(figures.total.blocks) + count(figures.temporary) + "  ";
  return text + where_text(one.where, columns_left(look, text)) + "\n";
}

}  // namespace

double value_of(const stack_figures& of, capture_figure which) {
  switch (which) {
    case capture_figure::peak:
      return of.at_peak.bytes;
    case capture_figure::end:
      return of.live.bytes;
    case capture_figure::total:
      return of.total.bytes;
    case capture_figure::count:
      return of.total.blocks;
    case capture_figure::temporary:
      return of.temporary;
    case capture_figure::moment:
      return of.at_moment.bytes;
  }
  return 0;
}

std::uint64_t whole_value_of(const stack_figures& of, capture_figure which) {
  return rounded(value_of(of, which));
}

bool is_size(capture_figure which) {
  return which != capture_figure::count && which != capture_figure::temporary;
}

std::string figure_name(const capture_result& result, capture_figure which) {
  const bool is_of_mappings = result.kind == capture::memory_kind::mappings;
  switch (which) {
    case capture_figure::peak:
      return is_of_mappings ? "mapped when most was" : "live at the peak";
    case capture_figure::end:
      return is_of_mappings ? "never unmapped" : "never freed";
    case capture_figure::total:
      return is_of_mappings ? "bytes mapped" : "bytes allocated";
    case capture_figure::count:
      return is_of_mappings ? "mappings" : "blocks allocated";
    case capture_figure::temporary:
      return "temporary blocks";
    case capture_figure::moment:
      return (is_of_mappings ? "mapped after " : "live after ") + moment_text(result);
  }
  return "";
}

namespace {

constexpr const char* site_columns = "   at peak    at end     total   blocks temporary  where\n";

void order_by(capture_figure figure, std::vector<site_figures>& sites) {
  std::stable_sort(sites.begin(), sites.end(), [&](const site_figures& a, const site_figures& b) {
    return value_of(a.figures, figure) > value_of(b.figures, figure);
  });
}

std::string site_rows(const std::vector<site_figures>& sites, const capture_result& result,
                      const style& look) {
  std::string text = result.figure == capture_figure::moment ? "      then" : "";
  text += site_columns;
  const std::size_t shown = std::min(sites.size(), result.shown);
  for (std::size_t i = 0; i < shown; ++i) text += site_row(sites[i], result.figure, look);
  if (shown < sites.size()) {
    text += "  and " + format_count(static_cast<double>(sites.size() - shown)) + " more (--all)\n";
  }
  return text;
}

std::string heaps_text(const capture::view& of, const capture_result& result, const style& look) {
  std::vector<site_figures> heaps = of.heaps();
  if (heaps.empty()) return {};
  std::string text = look.heading("of these, in first-class heaps") + "\n" + site_columns;
  std::stable_sort(heaps.begin(), heaps.end(), [](const site_figures& a, const site_figures& b) {
    return a.figures.total.bytes > b.figures.total.bytes;
  });
  const std::size_t shown = std::min(heaps.size(), result.shown);
  for (std::size_t i = 0; i < shown; ++i) text += site_row(heaps[i], capture_figure::peak, look);
  return text;
}

}  // namespace

std::string capture_text(const capture_result& result, const style& look) {
  const capture::view view(result.recording, result.process);
  std::vector<site_figures> sites = view.sites();
  order_by(result.figure, sites);
  return capture_summary(result, look) +
         look.heading("sites by " + figure_name(result, result.figure)) + "\n" +
         site_rows(sites, result, look) + heaps_text(view, result, look);
}

std::string pools_text(const capture_result& result, const style& look) {
  const capture::view view(result.recording, result.process, capture::memory_kind::pools);
  std::vector<site_figures> pools = view.pools();
  std::vector<site_figures> sites = view.sites();
  order_by(result.figure, pools);
  order_by(result.figure, sites);
  const std::string by = " by " + figure_name(result, result.figure);
  std::string text = capture_summary(result, look) + look.heading("pools" + by) + "\n";
  if (sites.empty()) return text + "  none: the program tells of no pools (strata/annotate.h)\n";
  text += site_rows(pools, result, look);
  return text + look.heading("sites" + by) + "\n" + site_rows(sites, result, look);
}

std::string capture_tree_text(const capture_result& result, const style& look) {
  constexpr double least = 0.01;
  const call_tree tree = capture::view(result.recording, result.process, result.kind).tree();
  const double all = value_of(tree.figures, result.figure);
  std::string text = capture_summary(result, look) +
                     look.heading("calls by " + figure_name(result, result.figure)) + "\n";
  const auto weight = [&](const call_tree& one) {
    const double value = value_of(one.figures, result.figure);
    return value >= least * all ? value : 0;
  };
  each_call(tree, result.shown, 0, weight, [&](const call_tree& one, int depth) {
    const double value = value_of(one.figures, result.figure);
    const std::string line =
        pad_left(is_size(result.figure) ? size_of(value) : format_count(std::round(value)),
                 size_columns) +
        pad_left(percent(value, all), 6) + "  " + std::string(static_cast<std::size_t>(depth), ' ');
    text += line + where_text(one.where, columns_left(look, line)) + "\n";
  });
  return text;
}

std::string folded_calls(const std::vector<call_site>& stack) {
  std::string line;
  for (auto one = stack.rbegin(); one != stack.rend(); ++one) {
    std::string name = capture::short_name(one->function);
    std::replace(name.begin(), name.end(), ';', ':');
    line += (line.empty() ? "" : ";") + name;
  }
  return line;
}

std::string capture_folded(const capture_result& result) {
  const capture::view view(result.recording, result.process, result.kind);
  std::map<std::string, double> lines;
  view.each_stack([&](std::uint32_t node, const stack_figures& figures) {
    lines[folded_calls(view.stack(node))] += value_of(figures, result.figure);
  });
  std::string text;
  for (const auto& [line, value] : lines) {
    if (rounded(value) > 0) text += line + " " + std::to_string(rounded(value)) + "\n";
  }
  return text;
}

}  // namespace strata::cli
