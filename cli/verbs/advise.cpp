// strata advise: what a program could do better with its memory.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/model/file.hpp"
#include "cli/report/advice_report.hpp"
#include "cli/verbs/replay_setup.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {
    "strata advise [OPTIONS] FILE",
    "Says what a program could do better with its memory: where, why, and what it would save, as\n"
    "replays of its recording by strata record --every tell.",
    "Examples:\n"
    "  strata advise server.strata\n"
    "  strata advise --json server.strata | jq '.findings[0]'\n"
    "Exit status: 2 when FILE is no recording, or not one of every block."};

struct advise_options {
  std::string file;
  std::uint32_t process = 0;
  bool json = false;
};

}  // namespace

int advise_verb(const arguments& given) {
  advise_options options;
  CLI::App line;
  line.add_option("FILE", options.file, "The recording")->required();
  line.add_option("--process", options.process,
                  "Which process, by its number in the report (default: the largest)")
      ->option_text("NUMBER");
  line.add_flag("--json", options.json, "All figures as JSON");
  if (const auto status = parse_arguments(line, help, given)) return *status;
  capture::capture recording;
  const capture::recorded_process* process = nullptr;
  if (const auto error =
          capture::read_every_event(options.file, options.process, recording, process);
      !error.empty()) {
    return complain(error);
  }
  if (!recording.is_complete) capture::complete_names(recording);
  const advice::site_table sites(capture::view(recording, *process));
  constexpr int limit_s = 600;
  const advice::advice found = advice::advise(options.file, *process, sites, replay_setup(limit_s));
  if (!found.trouble.empty()) return complain(options.file + ": no replay: " + found.trouble);
  const advice_result result{options.file, *process, found};
  const std::string text =
      options.json ? advice_json(result) : advice_text(result, style::of_stream(STDOUT_FILENO));
  return write_all(STDOUT_FILENO, text) ? 0 : usage_status;
}

}  // namespace strata::cli
