// strata report: what a recording has.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <limits>

#include "cli/model/file.hpp"
#include "cli/report/capture_report.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {
    "strata report [OPTIONS] FILE",
    "Shows what a recording of strata record has: a summary, and the places in the source that\n"
    "allocated most.",
    "Examples:\n"
    "  strata report server.strata\n"
    "  strata report --at end --tree server.strata\n"
    "  strata report --folded server.strata | flamegraph.pl > server.svg\n"
    "  strata report --json server.strata | jq .summary\n"
    "Exit status: 2 when FILE is no recording, or has nothing in it."};

struct report_options {
  std::string file;
  std::string figure = "peak";
  std::uint32_t process = 0;
  bool tree = false;
  bool json = false;
  bool folded = false;
  bool all = false;
};

const std::map<std::string, capture_figure> figures = {{"peak", capture_figure::peak},
                                                       {"end", capture_figure::end},
                                                       {"total", capture_figure::total},
                                                       {"count", capture_figure::count},
                                                       {"temporary", capture_figure::temporary}};

void describe_options(CLI::App& line, report_options& options) {
  line.add_option("FILE", options.file, "The recording")->required();
  line.add_option(
          "--at", options.figure,
          "Order by, and show in trees and folded stacks: live at the peak, live at the end, "
          "bytes or blocks allocated, temporary blocks (default: peak)")
      ->option_text("peak|end|total|count|temporary");
  auto* tree =
      line.add_flag("--tree", options.tree, "Calls, from the outermost on, instead of sites");
  auto* json = line.add_flag("--json", options.json, "All figures as JSON");
  auto* folded =
      line.add_flag("--folded", options.folded, "A line a stack, as flamegraph.pl takes them");
  tree->excludes(json)->excludes(folded);
  json->excludes(folded);
  line.add_option("--process", options.process,
                  "Which process, by its number in the report (default: the largest)")
      ->option_text("NUMBER");
  line.add_flag("--all", options.all, "All sites, or calls, not only those with most");
}

const capture::recorded_process* chosen(const capture::capture& of, std::uint32_t number) {
  if (number == 0) return of.largest();
  for (const capture::recorded_process& one : of.processes) {
    if (one.facts.number == number) return &one;
  }
  return nullptr;
}

}  // namespace

int report_verb(const arguments& given) {
  report_options options;
  CLI::App line;
  describe_options(line, options);
  if (const auto status = parse_arguments(line, help, given)) return *status;
  const auto figure = figures.find(options.figure);
  if (figure == figures.end()) {
    return complain("--at: " + options.figure + " is none of peak, end, total, count, temporary");
  }
  capture::capture recording;
  if (const auto error = capture::read_capture(options.file, recording); !error.empty()) {
    return complain(error);
  }
  const capture::recorded_process* process = chosen(recording, options.process);
  if (process == nullptr) {
    return complain("--process: the recording has no process " + std::to_string(options.process));
  }
  if (!recording.is_complete) capture::complete_names(recording);
  capture_result result{options.file, recording, *process, figure->second};
  if (options.all) result.shown = std::numeric_limits<std::size_t>::max();
  const style look = style::of_stream(STDOUT_FILENO);
  const std::string text = options.json     ? capture_json(result)
                           : options.folded ? capture_folded(result)
                           : options.tree   ? capture_tree_text(result, look)
                                            : capture_text(result, look);
  return write_all(STDOUT_FILENO, text) ? 0 : usage_status;
}

}  // namespace strata::cli
