// strata compare: runs a program under glibc, Strata and other allocators, and shows side by side
// what it cost.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "cli/model/contest.hpp"
#include "cli/model/file.hpp"
#include "cli/model/library.hpp"
#include "cli/model/repeatable_input.hpp"
#include "cli/report/compare_report.hpp"
#include "cli/report/format.hpp"
#include "cli/verbs/progress.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {
    "strata compare [OPTIONS] [--] PROGRAM [ARGUMENTS...]",
    "Runs PROGRAM under glibc, Strata and every other allocator found here, in turns, and "
    "compares\n"
    "time, memory and output. Standard input, unless a terminal, is read once and given to each "
    "run.",
    "Examples:\n"
    "  strata compare -- python3 script.py\n"
    "  strata compare -n 15 --json figures.json -- sort big.txt\n"
    "  strata compare --with ./libmine.so -- xz -9 < big.tar > /dev/null\n"
    "Exit status: 1 when status or output under Strata differ from those under glibc."};

constexpr int not_startable = 126;
constexpr int differs_status = 1;
constexpr int runs_max = 1000;

struct compare_options {
  int runs = 5;
  int warmup = 1;
  std::vector<std::string> with;
  std::string json_file;
};

// All that the program is run under, glibc first. Empty: why says what is wrong.
std::vector<contender> find_contenders(const compare_options& options, std::string& why) {
  const std::string strata = find_strata_library(why);
  if (strata.empty()) return {};
  std::vector<allocator_choice> choices = {{"glibc", ""}, {strata_name, strata}};
  for (allocator_choice& other : find_other_allocators()) choices.push_back(std::move(other));
  for (const std::string& given : options.with) {
    const std::string path = std::filesystem::absolute(given).string();
    why = why_no_preload_library(path);
    if (!why.empty()) {
      why = "--with " + given + ": " + why;
      return {};
    }
    choices.push_back({base_name(path), path});
  }
  std::vector<contender> contenders;
  for (allocator_choice& choice : choices) contenders.push_back({.choice = std::move(choice)});
  return contenders;
}

bool strata_differs(const contest& all) {
  return std::any_of(all.contenders.begin(), all.contenders.end(), [&](const contender& who) {
    return who.choice.name == strata_name && !all.differences(who).empty();
  });
}

int compare(contest& all, const std::string& path, result_file* json_file) {
  const descriptor input = repeatable_input();
  if (!input) return complain(std::string("cannot keep standard input: ") + std::strerror(errno));
  const command what{.path = path,
                     .arguments = all.program,
                     .variables = environment::current(),
                     .input = input.get(),
                     .orphans = orphan_policy::is_killed};
  const int error = hold(all, what, tell_progress);
  end_progress();
  if (error != 0) return complain(all.program[0] + ": " + std::strerror(error), not_startable);
  write_all(STDOUT_FILENO, compare_text(all, style::of_stream(STDOUT_FILENO)));
  if (json_file != nullptr && !json_file->commit(compare_json(all))) {
    return complain(json_file->error());
  }
  return strata_differs(all) ? differs_status : 0;
}

}  // namespace

int compare_verb(const arguments& given) {
  compare_options options;
  command_line line(help);
  line.options()
      .add_option("-n", options.runs, "Measured runs under each allocator (default 5)")
      ->check(CLI::Range(1, runs_max))
      ->option_text("RUNS");
  line.options()
      .add_option("--warmup", options.warmup, "Runs before, not measured (default 1)")
      ->check(CLI::Range(0, runs_max))
      ->option_text("N");
  line.options()
      .add_option("--with", options.with, "Also run with this library preloaded; may be repeated")
      ->allow_extra_args(false)
      ->option_text("PATH.so");
  line.options()
      .add_option("--json", options.json_file, "Also write the figures to this file")
      ->option_text("FILE");
  if (const auto status = line.parse(given)) return *status;

  const auto found = find_preloadable(line.program()[0]);
  if (const auto* refused = std::get_if<refusal>(&found)) {
    return complain(line.program()[0] + ": " + refused->reason, refused->status);
  }
  if (const std::string sanitizer = sanitizer_in(std::get<std::string>(found));
      !sanitizer.empty()) {
    return complain(
        line.program()[0] + ": " + sanitizer + "'s malloc serves it; nothing to compare",
        not_startable);
  }
  contest all{.program = line.program(), .runs = options.runs, .warmup = options.warmup};
  std::string why;
  all.contenders = find_contenders(options, why);
  if (all.contenders.empty()) return complain(why);
  std::unique_ptr<result_file> json_file;
  if (!options.json_file.empty()) {
    json_file = std::make_unique<result_file>(options.json_file);
    if (!json_file->error().empty()) return complain(json_file->error());
  }
  return compare(all, std::get<std::string>(found), json_file.get());
}

}  // namespace strata::cli
