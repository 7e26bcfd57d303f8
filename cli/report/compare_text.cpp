// The text report of `strata compare`: a table, a chart for each metric, what differed, a verdict.
#include <algorithm>

#include "cli/model/file.hpp"
#include "cli/report/compare_report.hpp"
#include "cli/report/format.hpp"

namespace strata::cli {
namespace {

constexpr int bar_columns_max = 40;
// Below this share of difference to the launch floor a peak is not the program's own.
constexpr double floor_margin = 1.05;

int name_columns(const contest& all) {
  int columns = 9;
  for (const contender& who : all.contenders) {
    columns = std::max(columns, columns_of(who.choice.name));
  }
  return std::min(columns, 24);
}

std::string name_cell(const contest& all, const contender& who) {
  const int columns = name_columns(all);
  return "  " + pad_right(cut_left(who.choice.name, columns), columns);
}

template <typename Value>
double median_of(const contender& who, Value value) {
  std::vector<double> values;
  for (const ending& end : who.runs) values.push_back(value(end));
  return spread_of(values).median;
}

std::string table(const contest& all, const style& look) {
  const int names = name_columns(all);
  std::string text =
      look.paint(colour::dim, "  " + pad_right("allocator", names) + pad_left("wall", 9) +
                                  pad_left("[min", 11) + look.dash() + pad_right("max]", 9) +
                                  pad_left("user", 9) + pad_left("system", 9) +
                                  pad_left("peak", 10)) +
      "\n";
  for (const contender& who : all.contenders) {
    const spread wall = spread_of(sample_of(who, metrics[0]));
    const double peak = median_of(
        who, [](const ending& end) { return static_cast<double>(end.peak_resident_bytes()); });
    const auto seconds = [](double value) { return pad_left(format_seconds(value), 9); };
    text += name_cell(all, who) + seconds(wall.median) +
            pad_left("[" + format_seconds(wall.lowest), 11) + look.dash() +
            pad_right(format_seconds(wall.highest) + "]", 9) +
            seconds(median_of(who, [](const ending& end) { return end.user_seconds(); })) +
            seconds(median_of(who, [](const ending& end) { return end.system_seconds(); })) +
            pad_left(format_size(static_cast<std::uint64_t>(peak)), 10) + "\n";
  }
  return text;
}

bool contains(const std::vector<const contender*>& group, const contender& who) {
  return std::find(group.begin(), group.end(), &who) != group.end();
}

std::string words_of(verdict against_base, const metric& what) {
  switch (against_base) {
    case verdict::lower:
      return what.better;
    case verdict::higher:
      return what.worse;
    case verdict::same:
      return "no difference beyond noise";
    case verdict::unknown:
      break;
  }
  return "";
}

colour colour_of(verdict against_base) {
  if (against_base == verdict::lower) return colour::green;
  return against_base == verdict::higher ? colour::yellow : colour::plain;
}

std::string chart(const contest& all, const metric& what, const style& look) {
  const auto median = [&](const contender& who) { return spread_of(sample_of(who, what)).median; };
  double most = 0;
  for (const contender& who : all.contenders) most = std::max(most, median(who));
  const int columns = std::clamp(look.width - name_columns(all) - 42, 8, bar_columns_max);
  const auto best = all.best(what);

  std::string text = "\n" + look.heading(what.name) + "\n";
  for (const contender& who : all.contenders) {
    const bool is_base = &who == &all.base();
    const verdict against =
        is_base ? verdict::unknown
                : compare_samples(sample_of(who, what), sample_of(all.base(), what));
    const std::string bar = look.bar(most > 0 ? median(who) / most : 0, columns);
    const std::string ratio = format_ratio(median(who), median(all.base())) + look.times();
    const std::string words = words_of(against, what);
    text += name_cell(all, who) + pad_left(ratio, 8) + (contains(best, who) ? " * " : "   ") +
            look.paint(colour_of(against), words.empty() ? bar : pad_right(bar, columns)) +
            (words.empty() ? "" : "  " + words) + "\n";
  }
  return text;
}

std::string list(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  }
  return text;
}

std::string agreement_section(const contest& all, const style& look) {
  std::string text;
  std::vector<std::string> unrepeatable;
  for (const channel which : channels) {
    if (!all.repeatable(which)) unrepeatable.emplace_back(name_of(which));
  }
  if (!unrepeatable.empty()) {
    text += "  Not repeatable from run to run of " + all.base().choice.name +
            " itself, and so not compared: " + list(unrepeatable) + ".\n";
  }
  bool all_agree = true;
  for (const contender& who : all.contenders) {
    std::vector<std::string> names;
    for (const channel which : all.differences(who)) names.emplace_back(name_of(which));
    if (names.empty()) continue;
    all_agree = false;
    text += "  " +
            look.paint(colour::red, who.choice.name + " differs from " + all.base().choice.name +
                                        ": " + list(names)) +
            "\n";
  }
  if (all_agree && unrepeatable.empty()) {
    text += "  Exit status, stdout and stderr are the same under all allocators.\n";
  }
  return text;
}

std::string notes(const contest& all) {
  std::string text;
  const int status = ending{.wait_status = all.base().outcomes.front().wait_status}.shell_status();
  if (status != 0) {
    text += formatted("  The program fails under %s: exit status %d.\n",
                      all.base().choice.name.c_str(), status);
  }
  if (std::any_of(all.contenders.begin(), all.contenders.end(),
                  [](const contender& who) { return who.cut; })) {
    text +=
        "  Processes left behind still held the output: what they wrote later is not compared.\n";
  }
  for (const contender& who : all.contenders) {
    const double peak = spread_of(sample_of(who, metrics[2])).median;
    if (peak > static_cast<double>(all.floor_bytes) * floor_margin) continue;
    text += "  Peaks near " + format_size(all.floor_bytes) +
            " may be those of starting the program, not its own.\n";
    break;
  }
  return text;
}

// "0.93x glibc's time", and whether that is no more than noise.
std::string against_base(const contest& all, const contender& who, std::size_t index,
                         const char* noun, const style& look) {
  const auto values = sample_of(who, metrics[index]);
  const auto base = sample_of(all.base(), metrics[index]);
  const std::string ratio =
      format_ratio(spread_of(values).median, spread_of(base).median) + look.times();
  const std::string of = all.base().choice.name + "'s " + noun;
  if (compare_samples(values, base) != verdict::same) return ratio + " " + of;
  return ratio + " " + of + " (no difference beyond noise)";
}

std::string best_names(const contest& all, std::size_t index) {
  std::vector<std::string> names;
  for (const contender* who : all.best(metrics[index])) names.push_back(who->choice.name);
  return list(names);
}

std::string verdict_line(const contest& all, const style& look) {
  const auto strong = [&](const std::string& text) {
    return look.paint(colour::bold, text) + "\n";
  };
  std::string text = "\n";
  for (const contender& who : all.contenders) {
    if (who.choice.name != strata_name) continue;
    text += strong(who.choice.name + ": " + against_base(all, who, 0, "time", look) + ", " +
                   against_base(all, who, 2, "memory", look));
  }
  text += strong("Fastest: " + best_names(all, 0) + "; smallest: " + best_names(all, 2));
  if (all.runs < runs_to_tell) {
    text += formatted("Too few runs to tell a difference from noise: -n %d or more can.\n",
                      runs_to_tell);
  }
  return text;
}

}  // namespace

std::string compare_text(const contest& all, const style& look) {
  const std::string title =
      formatted("strata compare: %s, %d %s each", base_name(all.program[0]).c_str(), all.runs,
                all.runs == 1 ? "run" : "runs");
  std::string text = look.heading(title) + "\n" + table(all, look);
  for (const metric& what : metrics) text += chart(all, what, look);
  text += look.paint(colour::dim, all.runs < runs_to_tell
                                      ? "  * lowest median"
                                      : "  * lowest, or not above the lowest beyond noise") +
          "\n";
  text += "\n" + agreement_section(all, look) + notes(all);
  return text + verdict_line(all, look);
}

}  // namespace strata::cli
