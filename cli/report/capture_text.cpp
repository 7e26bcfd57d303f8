// The text reports of `strata report`.
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <limits>

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

std::uint64_t whole(double value) {
  return value <= 0 ? 0 : static_cast<std::uint64_t>(std::llround(value));
}
std::string size_of(double bytes) { return format_size(whole(bytes)); }
std::string blocks_of(double count) {
  return format_count(std::round(count)) + (whole(count) == 1 ? " block" : " blocks");
}
std::string amount_text(const amount& of) {
  return size_of(of.bytes) + " in " + blocks_of(of.blocks);
}

std::string percent(double part, double all) {
  return all <= 0 ? "0 %" : formatted("%.0f %%", 100 * part / all);
}

std::string joined(const std::vector<std::string>& words) {
  std::string made;
  for (const std::string& word : words) made += (made.empty() ? "" : " ") + word;
  return made;
}

std::string row(const char* name, const std::string& value) {
  return "  " + pad_right(name, 13) + value + "\n";
}

// In so many columns, if these are not very few: the end of the function's name is cut off.
std::string where_text(const call_site& where, int columns) {
  std::string name = capture::short_name(where.function);
  std::string place;
  if (!where.file.empty()) place = "  " + base_name(where.file) + ":" + std::to_string(where.line);
  const auto room = static_cast<std::size_t>(std::max(columns - columns_of(place), 12));
  if (name.size() > room) name = name.substr(0, room - 2) + "..";
  return name + place;
}

// Only people at a terminal have an end of the line.
int columns_left(const style& look, const std::string& text) {
  return look.unicode ? look.width - columns_of(text) : std::numeric_limits<int>::max();
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

double peak_resident(const capture::recorded_process& one) {
  std::uint64_t most = 0;
  for (const capture::resident& at : one.curve) most = std::max(most, at.bytes);
  return static_cast<double>(most);
}

std::string summary(const capture_result& result, const style& look) {
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

const char* figure_name(capture_figure which) {
  switch (which) {
    case capture_figure::peak:
      return "live at the peak";
    case capture_figure::end:
      return "never freed";
    case capture_figure::total:
      return "bytes allocated";
    case capture_figure::count:
      return "blocks allocated";
    case capture_figure::temporary:
      return "temporary blocks";
  }
  return "";
}

std::string site_row(const site_figures& one, const style& look) {
  const auto size = [](double bytes) {
    return pad_left(whole(bytes) == 0 ? "-" : size_of(bytes), size_columns);
  };
  const auto count = [](double number) {
    return pad_left(whole(number) == 0 ? "-" : format_count(std::round(number)), count_columns);
  };
  const stack_figures& figures = one.figures;
  std::string text = size(figures.at_peak.bytes) + size(figures.live.bytes) +
                     size(figures.total.bytes) + count(figures.total.blocks) +
                     count(figures.temporary) + "  ";
  return text + where_text(one.where, columns_left(look, text)) + "\n";
}

bool is_size(capture_figure which) {
  return which != capture_figure::count && which != capture_figure::temporary;
}

class tree_text {
 public:
  tree_text(const capture_result& result, const style& look, double all)
      : result_(result), look_(look), all_(all) {}

  // The calls that are worth a line, and theirs.
  void add(const call_tree& of, int depth) {
    constexpr double least = 0.01;
    std::vector<const call_tree*> calls;
    for (const call_tree& one : of.calls) {
      if (value(one) > 0 && value(one) >= least * all_) calls.push_back(&one);
    }
    std::sort(calls.begin(), calls.end(),
              [&](const call_tree* a, const call_tree* b) { return value(*a) > value(*b); });
    if (calls.size() > result_.shown) calls.resize(result_.shown);
    for (const call_tree* one : calls) {
      add_line(*one, depth);
      // A call that is the only one stands below its caller.
      add(*one, one->calls.size() > 1 ? depth + 1 : depth);
    }
  }
  const std::string& text() const { return text_; }

 private:
  double value(const call_tree& of) const { return value_of(of.figures, result_.figure); }

  void add_line(const call_tree& one, int depth) {
    const std::string figure =
        is_size(result_.figure) ? size_of(value(one)) : format_count(std::round(value(one)));
    const std::string line = pad_left(figure, size_columns) +
                             pad_left(percent(value(one), all_), 6) + "  " +
                             std::string(static_cast<std::size_t>(depth), ' ');
    text_ += line + where_text(one.where, columns_left(look_, line)) + "\n";
  }

  const capture_result& result_;
  const style& look_;
  double all_;
  std::string text_;
};

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
  }
  return 0;
}

std::string capture_text(const capture_result& result, const style& look) {
  const capture::view view(result.recording, result.process);
  std::vector<site_figures> sites = view.sites();
  std::stable_sort(sites.begin(), sites.end(), [&](const site_figures& a, const site_figures& b) {
    return value_of(a.figures, result.figure) > value_of(b.figures, result.figure);
  });
  std::string text = summary(result, look);
  text += look.heading("sites by " + std::string(figure_name(result.figure))) + "\n";
  text += "   at peak    at end     total   blocks temporary  where\n";
  const std::size_t shown = std::min(sites.size(), result.shown);
  for (std::size_t i = 0; i < shown; ++i) text += site_row(sites[i], look);
  if (shown < sites.size()) {
    text += "  and " + format_count(static_cast<double>(sites.size() - shown)) + " more (--all)\n";
  }
  return text;
}

std::string capture_tree_text(const capture_result& result, const style& look) {
  const call_tree tree = capture::view(result.recording, result.process).tree();
  tree_text calls(result, look, value_of(tree.figures, result.figure));
  calls.add(tree, 0);
  return summary(result, look) +
         look.heading("calls by " + std::string(figure_name(result.figure))) + "\n" + calls.text();
}

std::string capture_folded(const capture_result& result) {
  const capture::view view(result.recording, result.process);
  std::map<std::string, double> lines;
  view.each_stack([&](std::uint32_t node, const stack_figures& figures) {
    std::string line;
    const std::vector<call_site> calls = view.stack(node);
    for (auto one = calls.rbegin(); one != calls.rend(); ++one) {
      std::string name = capture::short_name(one->function);
      std::replace(name.begin(), name.end(), ';', ':');
      line += (line.empty() ? "" : ";") + name;
    }
    lines[line] += value_of(figures, result.figure);
  });
  std::string text;
  for (const auto& [line, value] : lines) {
    if (whole(value) > 0) text += line + " " + std::to_string(whole(value)) + "\n";
  }
  return text;
}

}  // namespace strata::cli
