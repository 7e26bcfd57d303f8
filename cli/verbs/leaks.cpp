// strata leaks: runs a program and shows the blocks that nothing points to any more.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>

#include "cli/model/leaks/check.hpp"
#include "cli/model/library.hpp"
#include "cli/model/map/process.hpp"
#include "cli/model/process.hpp"
#include "cli/report/leaks_report.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {
    "strata leaks [OPTIONS] [--] PROGRAM [ARGUMENTS...]",
    "Runs PROGRAM and its child processes with Strata as their allocator. When a process ends, "
    "its\n"
    "memory is searched from its globals, stacks, registers and thread-local variables on; blocks\n"
    "that nothing leads to are lost. Shows them by stack, and cycles of shared owners by type and\n"
    "field. The report goes to stderr.",
    "Examples:\n"
    "  strata leaks -- ./unit_tests\n"
    "  strata leaks --suppress known.supp --exit-status 1 -- ./server --self-test\n"
    "  strata leaks --json -o leaks.json -- ./unit_tests\n"
    "  strata leaks --signal USR1 -- ./server     then: pkill -USR1 -f 'strata leaks'\n"
    "Exit status: 23, or that of --exit-status, when blocks were lost at the end of any process; "
    "else\n"
    "that of PROGRAM. 2 when nothing can be looked for."};

constexpr int not_startable = 126;
constexpr int busy_us = 1'000;
constexpr int usual_us = 4'000;

struct leaks_options {
  std::vector<std::string> suppressions;
  std::string file;
  std::string signal;
  int exit_status = 23;
  bool json = false;
  bool all = false;
  bool reachable = false;
};

const std::map<std::string, int> signals = {
    {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"HUP", SIGHUP}, {"WINCH", SIGWINCH}};

void describe_options(CLI::App& line, leaks_options& options) {
  line.add_option("--suppress", options.suppressions,
                  "Leave out stacks that match, as in LeakSanitizer's files: leak:PATTERN a line")
      ->option_text("FILE")
      ->expected(1)
      ->take_all();
  line.add_flag("--json", options.json, "All figures as JSON");
  line.add_option("-o,--output", options.file, "Write the report into this file, not to stderr")
      ->option_text("FILE");
  line.add_flag("--all", options.all, "All stacks and cycles, whole, not only the largest");
  line.add_flag("--reachable", options.reachable,
                "Also show by stack what is still reachable at the end");
  line.add_option("--signal", options.signal,
                  "Look also whenever this command is sent the signal, which PROGRAM then does not "
                  "get")
      ->option_text("USR1|USR2|HUP|WINCH");
  line.add_option("--exit-status", options.exit_status,
                  "When something is lost; 0: always that of PROGRAM (default: 23)")
      ->option_text("NUMBER");
}

// Empty: read; otherwise what is wrong.
std::string read_suppressions(const std::vector<std::string>& files, leaks::suppressions& into) {
  for (const std::string& file : files) {
    std::string text;
    if (!map::read_text(file, text)) return file + ": " + std::strerror(errno);
    if (const auto error = into.add(text); !error.empty()) return file + ": " + error;
  }
  return {};
}

struct prepared_run {
  command what;
  std::string recorder;
  int kept_signal = 0;
};

// Nothing: complained, with the status.
int prepare(const std::vector<std::string>& program, const leaks_options& options,
            prepared_run& into) {
  if (options.exit_status < 0 || options.exit_status > 255) {
    return complain("--exit-status: " + std::to_string(options.exit_status) + " is not 0 to 255");
  }
  if (!options.signal.empty()) {
    const auto found = signals.find(options.signal);
    if (found == signals.end()) {
      return complain("--signal: " + options.signal + " is none of USR1, USR2, HUP, WINCH");
    }
    into.kept_signal = found->second;
  }
  std::string why;
  into.recorder = find_recorder_library(why);
  if (into.recorder.empty()) return complain(why);
  const auto found = find_preloadable(program[0]);
  if (const auto* refused = std::get_if<refusal>(&found)) {
    return complain(program[0] + ": " + refused->reason, refused->status);
  }
  const std::string& path = std::get<std::string>(found);
  if (const std::string sanitizer = sanitizer_in(path); !sanitizer.empty()) {
    return complain(program[0] + ": " + sanitizer + "'s malloc serves it; its leaks are not seen");
  }
  into.what = {.path = path, .arguments = program, .variables = environment::current()};
  into.what.variables.prepend_preload(into.recorder);
  return 0;
}

int show(const leaks_result& result, const leaks_options& options, result_file* file) {
  style look = style::of_stream(STDERR_FILENO);
  if (file != nullptr) look = style();
  const std::string text = options.json ? leaks_json(result) : leaks_text(result, look);
  if (file == nullptr) {
    write_all(STDERR_FILENO, text);
    return 0;
  }
  return file->commit(text) ? 0 : complain(file->error());
}

int run_watched(prepared_run& run, const leaks_options& options,
                const leaks::suppressions& unwanted, result_file* file) {
  leaks::leak_checker checker(unwanted, run.recorder, options.reachable);
  capture::file_writer nowhere;
  const capture::session facts{.command = run.what.arguments};
  capture::recording recording(nowhere, facts, 0, &checker);
  if (!recording.error().empty()) return complain(recording.error());
  checker.watch(recording);
  run.what.variables.set(wire::area_variable, recording.path());
  const auto meanwhile = [&](bool is_asked) {
    const bool is_busy = recording.take();
    if (is_asked) checker.check_all();
    return is_busy ? busy_us : usual_us;
  };
  const finished_process finished = run_to_end(run.what, meanwhile, run.kept_signal);
  if (finished.error != 0) {
    return complain(run.what.arguments[0] + ": " + std::strerror(finished.error), not_startable);
  }
  recording.finish(finished.pid, finished.end.wait_status);
  signal(SIGPIPE, SIG_IGN);
  if (recording.processes() == 0) {
    complain("nothing was looked at: " + run.what.arguments[0] +
             " allocated nothing by the allocator that is preloaded");
    end_like(finished.end.wait_status);
  }
  leaks_result result{run.what.arguments, finished.end.wait_status, checker.results()};
  result.is_whole = options.all;
  if (const int status = show(result, options, file); status != 0) return status;
  if (result.has_leaks() && options.exit_status != 0) return options.exit_status;
  if (result.has_problem()) return usage_status;
  end_like(finished.end.wait_status);
}

}  // namespace

int leaks_verb(const arguments& given) {
  leaks_options options;
  command_line line(help);
  describe_options(line.options(), options);
  if (const auto status = line.parse(given)) return *status;
  leaks::suppressions unwanted;
  if (const auto error = read_suppressions(options.suppressions, unwanted); !error.empty()) {
    return complain("--suppress: " + error);
  }
  prepared_run run;
  if (const int status = prepare(line.program(), options, run); status != 0) return status;
  std::unique_ptr<result_file> file;
  if (!options.file.empty()) {
    file = std::make_unique<result_file>(options.file);
    if (!file->error().empty()) return complain(file->error());
  }
  return run_watched(run, options, unwanted, file.get());
}

}  // namespace strata::cli
