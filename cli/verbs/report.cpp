// strata report: what a recording has.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <limits>

#include "cli/model/duration.hpp"
#include "cli/model/file.hpp"
#include "cli/report/capture_report.hpp"
#include "cli/report/diff_report.hpp"
#include "cli/report/exports/exports.hpp"
#include "cli/report/format.hpp"
#include "cli/verbs/recording_page.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {
    "strata report [OPTIONS] FILE",
    "Shows what a recording of strata record has: a summary, and the places in the source that\n"
    "allocated most; or writes it as files for other tools.",
    "Examples:\n"
    "  strata report server.strata\n"
    "  strata report --at end --tree server.strata\n"
    "  strata report --at 2.5s --diff before.strata after.strata\n"
    "  strata report --folded server.strata | flamegraph.pl > server.svg\n"
    "  strata report --mappings server.strata\n"
    "  strata report --pools --tree server.strata\n"
    "  strata report --pprof server.pb.gz --heaptrack server.gz server.strata\n"
    "  strata report --json server.strata | jq .summary\n"
    "  strata report server.strata --html server.html\n"
    "  strata report after.strata --diff before.strata --html change.html\n"
    "Exit status: 2 when FILE is no recording, or has nothing in it."};

struct report_options {
  std::string file;
  std::string other;
  std::string figure = "peak";
  std::string page_file;
  std::uint32_t process = 0;
  bool tree = false;
  bool json = false;
  bool folded = false;
  bool all = false;
  bool mappings = false;
  bool pools = false;
  std::array<std::string, export_forms.size()> exports;
};

// What --at says.
struct asked_figure {
  capture_figure which = capture_figure::peak;
  std::uint64_t moment_ms = 0;

  std::optional<std::uint64_t> moment() const {
    if (which != capture_figure::moment) return std::nullopt;
    return moment_ms;
  }
};

const std::map<std::string, capture_figure> figures = {{"peak", capture_figure::peak},
                                                       {"end", capture_figure::end},
                                                       {"total", capture_figure::total},
                                                       {"count", capture_figure::count},
                                                       {"temporary", capture_figure::temporary}};

void describe_options(CLI::App& line, report_options& options) {
  line.add_option("FILE", options.file, "The recording")->required();
  CLI::Option* at =
      line.add_option(
              "--at", options.figure,
              "Order by, and show in trees and folded stacks: live at the peak, live at the end, "
              "bytes or blocks allocated, temporary blocks, live after so long (default: peak)")
          ->option_text("peak|end|total|count|temporary|TIME");
  std::vector<CLI::Option*> forms = {
      line.add_flag("--tree", options.tree, "Calls, from the outermost on, instead of sites"),
      line.add_flag("--json", options.json, "All figures as JSON"),
      line.add_flag("--folded", options.folded, "A line a stack, as flamegraph.pl takes them")};
  for (std::size_t i = 0; i < forms.size(); ++i) {
    for (std::size_t k = i + 1; k < forms.size(); ++k) forms[i]->excludes(forms[k]);
  }
  CLI::Option* difference =
      line.add_option("--diff", options.other, "What FILE has more than this recording, or less")
          ->option_text("OTHER");
  CLI::Option* mappings = line.add_flag(
      "--mappings", options.mappings,
      "What the program mapped for itself, instead of blocks: sites, --tree, --folded");
  CLI::Option* pools = line.add_flag(
      "--pools", options.pools,
      "What the program's own pools gave out, instead of blocks: pools and sites, --tree, "
      "--folded");
  for (CLI::Option* kind : {mappings, pools}) kind->excludes(difference);
  mappings->excludes(pools);
  line.add_option("--process", options.process,
                  "Which process, by its number in the report (default: the largest)")
      ->option_text("NUMBER");
  line.add_flag("--all", options.all, "All sites, or calls, not only those with most");
  std::vector<CLI::Option*> exports;
  for (std::size_t i = 0; i < export_forms.size(); ++i) {
    CLI::Option* made =
        line.add_option(export_forms[i].option, options.exports[i], export_forms[i].help)
            ->option_text("OUT");
    for (CLI::Option* form : forms) made->excludes(form);
    for (CLI::Option* kind : {mappings, pools}) made->excludes(kind);
    made->excludes(difference);
    exports.push_back(made);
  }
  forms.insert(forms.end(), exports.begin(), exports.end());
  forms.push_back(at);
  forms.push_back(mappings);
  forms.push_back(pools);
  CLI::Option* page =
      line.add_option("--html", options.page_file, "A page for a browser, into this file")
          ->option_text("PAGE");
  for (CLI::Option* form : forms) page->excludes(form);
}

// Empty: read; otherwise what is wrong.
std::string read_figure(const std::string& text, asked_figure& into) {
  if (const auto known = figures.find(text); known != figures.end()) {
    into.which = known->second;
    return {};
  }
  const auto moment_ms = parse_ms(text);
  if (!moment_ms) {
    return "--at: " + text +
           " is none of peak, end, total, count, temporary, and no time (such as 1.5s, 250ms)";
  }
  into = {capture_figure::moment, *moment_ms};
  return {};
}

// Empty: the recording was read, and knows the figure; otherwise what is wrong.
std::string read_recording(const std::string& file, const asked_figure& figure,
                           capture::capture& into) {
  if (auto error = capture::read_capture(file, into, figure.moment()); !error.empty()) return error;
  const auto seconds = [](std::uint64_t ms) {
    return format_seconds(static_cast<double>(ms) * 1e-3);
  };
  if (figure.moment() > into.length_ms) {
    return "--at: " + file + " ends after " + seconds(into.length_ms);
  }
  if (into.is_rolled_up && figure.moment() > into.last_event_ms) {
    return "--at: " + file + " has no events after " + seconds(into.last_event_ms) +
           ", only what they amount to (record --max-size)";
  }
  if (!into.is_complete) capture::complete_names(into);
  return {};
}

int show(const std::string& text) { return write_all(STDOUT_FILENO, text) ? 0 : usage_status; }

int show_difference(const report_options& options, const asked_figure& figure,
                    const capture_result& here) {
  capture::capture recording;
  if (const auto error = read_recording(options.other, figure, recording); !error.empty()) {
    return complain(error);
  }
  const capture_result other{options.other, recording, *recording.largest(), figure.which,
                             figure.moment_ms};
  const diff_result result{here, other};
  const style look = style::of_stream(STDOUT_FILENO);
  return show(options.json     ? diff_json(result)
              : options.folded ? diff_folded(result)
              : options.tree   ? diff_tree_text(result, look)
                               : diff_text(result, look));
}

// Empty: written; otherwise what is wrong.
std::string write_export(const export_form& form, const std::string& path,
                         const capture_result& result) {
  if (!path.ends_with(form.ending)) {
    return std::string(form.option) + ": the name must end in " + form.ending + ": " + path;
  }
  result_file file(path);
  if (!file.error().empty()) return file.error();
  const exported made = form.make(result);
  if (!made.error.empty()) return made.error;
  return file.commit(made.content) ? "" : file.error();
}

int show_result(const report_options& options, const capture_result& result) {
  bool has_exports = false;
  for (std::size_t i = 0; i < export_forms.size(); ++i) {
    if (options.exports[i].empty()) continue;
    has_exports = true;
    const std::string error = write_export(export_forms[i], options.exports[i], result);
    if (!error.empty()) return complain(error);
  }
  if (has_exports) return 0;
  const style look = style::of_stream(STDOUT_FILENO);
  return show(options.json       ? capture_json(result)
              : options.folded   ? capture_folded(result)
              : options.tree     ? capture_tree_text(result, look)
              : options.mappings ? mappings_text(result, look)
              : options.pools    ? pools_text(result, look)
                                 : capture_text(result, look));
}

int write_page(const report_options& options) {
  result_file into(options.page_file);
  if (!into.error().empty()) return complain(into.error());
  std::string page;
  if (const auto error = make_page({options.file, options.other, options.process}, page);
      !error.empty()) {
    return complain(error);
  }
  return into.commit(page) ? 0 : complain(into.error());
}

}  // namespace

int report_verb(const arguments& given) {
  report_options options;
  CLI::App line;
  describe_options(line, options);
  if (const auto status = parse_arguments(line, help, given)) return *status;
  if (!options.page_file.empty()) return write_page(options);
  asked_figure figure;
  if (const auto error = read_figure(options.figure, figure); !error.empty()) {
    return complain(error);
  }
  if (options.mappings && figure.which == capture_figure::temporary) {
    return complain("--at temporary: mappings have no such figure");
  }
  capture::capture recording;
  if (const auto error = read_recording(options.file, figure, recording); !error.empty()) {
    return complain(error);
  }
  const capture::recorded_process* process = recording.find(options.process);
  if (process == nullptr) {
    return complain("--process: the recording has no process " + std::to_string(options.process));
  }
  capture_result result{options.file, recording, *process, figure.which, figure.moment_ms};
  if (options.mappings) result.kind = capture::memory_kind::mappings;
  if (options.pools) result.kind = capture::memory_kind::pools;
  if (options.all) result.shown = std::numeric_limits<std::size_t>::max();
  if (!options.other.empty()) return show_difference(options, figure, result);
  capture::address_maps addresses;
  if (recording.has_addresses && options.json) {
    if (const auto error =
            capture::read_addresses(options.file, recording, *process, figure.moment(), addresses);
        !error.empty()) {
      return complain(error);
    }
    result.addresses = &addresses;
  }
  return show_result(options, result);
}

}  // namespace strata::cli
