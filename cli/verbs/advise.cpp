// strata advise: what a program could do better with its memory.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "cli/model/advice/chains.hpp"
#include "cli/model/file.hpp"
#include "cli/model/launcher.hpp"
#include "cli/model/repeatable_input.hpp"
#include "cli/report/advice_report.hpp"
#include "cli/verbs/progress.hpp"
#include "cli/verbs/replay_setup.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {
    "strata advise [OPTIONS] FILE [--try N [-- PROGRAM [ARGUMENTS...]]]",
    "Says what a program could do better with its memory: where, why, and what it would save, as\n"
    "replays of its recording by strata record --every tell. With --try the program runs again, "
    "as\n"
    "it is and with the site's blocks in a place of their own, and the real difference is told.",
    "Examples:\n"
    "  strata advise server.strata\n"
    "  strata advise --json server.strata | jq '.findings[0]'\n"
    "  strata advise server.strata --try 1\n"
    "  strata advise server.strata --try 1 -n 11 -- ./server --other options\n"
    "Exit status: 2 when FILE is no recording, or not one of every block, or when the advice "
    "can't\n"
    "be tried."};

constexpr int runs_max = 1000;

struct advise_options {
  std::string file;
  std::uint32_t process = 0;
  bool json = false;
  int tried = -1;  // the number of the advice; -1: none
  int runs = 5;
  std::vector<std::string> program;
};

std::optional<int> parse(const arguments& given, advise_options& options) {
  CLI::App line;
  line.add_option("FILE", options.file, "The recording")->required();
  line.add_option("--process", options.process,
                  "Which process, by its number in the report (default: the largest)")
      ->option_text("NUMBER");
  CLI::Option* tried = line.add_option("--try", options.tried,
                                       "Run the program again with the advice of this number")
                           ->check(CLI::NonNegativeNumber)
                           ->option_text("N");
  line.add_option("-n", options.runs, "Timed runs each way (default 5)")
      ->check(CLI::Range(1, runs_max))
      ->needs(tried)
      ->option_text("RUNS");
  line.add_flag("--json", options.json, "All figures as JSON");
  const auto mark = std::find(given.begin(), given.end(), "--");
  if (const auto status = parse_arguments(line, help, arguments(given.begin(), mark)))
    return status;
  if (mark == given.end()) return std::nullopt;
  options.program.assign(mark + 1, given.end());
  if (options.program.empty()) return complain("no program given; see --help");
  if (options.tried < 0) return complain("a program is run for --try alone; see --help");
  return std::nullopt;
}

// All that is needed to run the program, but for its input. why: not empty, it can't be.
advice::attempt_setup find_program_to_run(const std::vector<std::string>& program, int runs,
                                          std::string& why) {
  advice::attempt_setup setup;
  setup.runs = runs;
  if (program.empty()) {
    why = "no command was recorded; give one behind --";
    return setup;
  }
  const auto found = find_preloadable(program[0]);
  if (const auto* refused = std::get_if<refusal>(&found)) {
    why = program[0] + ": " + refused->reason;
    return setup;
  }
  const std::string& path = std::get<std::string>(found);
  if (const std::string sanitizer = sanitizer_in(path); !sanitizer.empty()) {
    why = program[0] + ": " + sanitizer + "'s malloc serves it; nothing can be tried";
    return setup;
  }
  setup.strata_library = find_strata_library(why);
  if (why.empty()) setup.router_library = find_router_library(why);
  setup.what = {.path = path,
                .arguments = program,
                .variables = environment::current(),
                .orphans = orphan_policy::is_killed};
  return setup;
}

// What the report has to say besides the advice; nothing: complained.
std::optional<advice::attempt> attempt_of(const advise_options& options, const capture::view& of,
                                          const advice::site_table& sites,
                                          const advice::advice& found,
                                          const advice::attempt_setup& setup) {
  const std::string which = "advice " + std::to_string(options.tried);
  const auto number = static_cast<std::size_t>(options.tried);
  if (number < 1 || number > found.findings.size()) {
    complain(options.file + ": there is no " + which + ", but " +
             std::to_string(found.findings.size()) + " in all");
    return std::nullopt;
  }
  const advice::finding& one = found.findings[number - 1];
  const auto refuse = [&](const std::string& why) {
    complain(which + " can't be tried: " + why);
    return std::nullopt;
  };
  if (const std::string why = advice::why_not_tried(one); !why.empty()) return refuse(why);
  const auto routes = std::make_unique<wire::routes>();
  const auto check = options.program.empty() ? advice::program_check::is_as_recorded
                                             : advice::program_check::is_another;
  if (const std::string why = advice::chains_of(of, sites, one.site, check, *routes); !why.empty())
    return refuse(why);
  advice::attempt made =
      advice::try_out(one, *routes, found.trace.operations, setup, tell_progress);
  end_progress();
  if (!made.trouble.empty()) return refuse(made.trouble);
  return made;
}

}  // namespace

int advise_verb(const arguments& given) {
  advise_options options;
  if (const auto status = parse(given, options)) return *status;
  const bool tries = options.tried >= 0;
  descriptor input;
  if (tries) input = repeatable_input();
  if (tries && !input)
    return complain(std::string("cannot keep standard input: ") + std::strerror(errno));
  std::optional<launcher> from;  // before the recording is read
  if (tries) from.emplace();
  capture::capture recording;
  const capture::recorded_process* process = nullptr;
  if (const auto error =
          capture::read_every_event(options.file, options.process, recording, process);
      !error.empty()) {
    return complain(error);
  }
  advice::attempt_setup setup;
  if (tries) {
    std::string why;
    setup = find_program_to_run(options.program.empty() ? recording.facts.command : options.program,
                                options.runs, why);
    if (!why.empty()) return complain(why);
    setup.what.input = input.get();
    setup.run = [&from](const command& what) { return from->run(what); };
  }
  if (!recording.is_complete) capture::complete_names(recording);
  const capture::view whole(recording, *process);
  const advice::site_table sites(whole);
  constexpr int limit_s = 600;
  const advice::advice found = advice::advise(options.file, whole, sites, replay_setup(limit_s));
  if (!found.trouble.empty()) return complain(options.file + ": no replay: " + found.trouble);
  std::optional<advice::attempt> tried;
  if (tries) {
    tried = attempt_of(options, whole, sites, found, setup);
    if (!tried) return usage_status;
  }
  const advice_result result{options.file, *process, found, options.tried,
                             tried ? &*tried : nullptr};
  const std::string text =
      options.json ? advice_json(result) : advice_text(result, style::of_stream(STDOUT_FILENO));
  return write_all(STDOUT_FILENO, text) ? 0 : usage_status;
}

}  // namespace strata::cli
