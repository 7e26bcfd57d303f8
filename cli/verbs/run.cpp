// strata run: runs a program with Strata as its allocator and shows what its memory did.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <memory>

#include "cli/model/file.hpp"
#include "cli/model/library.hpp"
#include "cli/model/process.hpp"
#include "cli/model/size.hpp"
#include "cli/model/stats_files.hpp"
#include "cli/report/run_report.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {
    "strata run [OPTIONS] [--] PROGRAM [ARGUMENTS...]",
    "Runs PROGRAM and its child processes with Strata as their allocator, then reports on stderr\n"
    "what their memory did. Exit status and signals are those of PROGRAM.",
    "Examples:\n"
    "  strata run -- redis-server --port 7777\n"
    "  strata run --stats figures.json -- sort big.txt\n"
    "  strata run --limit 512M --quiet -- make"};

constexpr int not_startable = 126;

struct run_options {
  std::string stats_file;
  std::string limit;
  bool quiet = false;
};

command prepare(const std::string& path, const std::vector<std::string>& program,
                const std::string& library, const run_options& options) {
  command what{.path = path, .arguments = program, .variables = environment::current()};
  if (!library.empty()) what.variables.prepend_preload(library);
  if (!options.limit.empty()) {
    what.variables.set("STRATA_LIMIT", std::to_string(*parse_size(options.limit)));
  }
  return what;
}

int not_started(const std::string& name, int reason) {
  return complain(name + ": " + std::strerror(reason), not_startable);
}

// Runs the program with counting, reports, and ends as the program did.
int run_and_report(command what, run_result result, const run_options& options,
                   result_file* stats_file) {
  {
    const temporary_directory directory;
    if (directory.path().empty()) {
      return complain(std::string("cannot make a temporary directory: ") + std::strerror(errno));
    }
    what.variables.set("STRATA_STATS_DIR", directory.path());
    what.variables.set("STRATA_COUNT", "1");
    const finished_process finished = run_to_end(what);
    if (finished.error != 0) return not_started(what.arguments[0], finished.error);
    result.pid = finished.pid;
    result.end = finished.end;
    result.tree = read_stats_files(directory.path());
  }
  signal(SIGPIPE, SIG_IGN);  // nobody reading the report must not change how the program ended
  if (!options.quiet && result.sanitizer.empty()) {
    write_all(STDERR_FILENO, run_text(result, style::of_stream(STDERR_FILENO)));
  }
  if (stats_file != nullptr && !stats_file->commit(run_json(result))) {
    complain(stats_file->error());
  }
  // end_like runs no destructors: what must be cleaned up is cleaned up above.
  end_like(result.end.wait_status);
}

// Says it where it is not Strata. An exit status: what is asked for can't be done then.
std::optional<int> tell_who_serves(const std::string& name, const std::string& sanitizer,
                                   const run_options& options) {
  if (sanitizer.empty()) return std::nullopt;
  const std::string served = name + ": " + sanitizer + "'s malloc serves it";
  if (!options.limit.empty()) return complain("--limit cannot be kept: " + served);
  complain(served + "; Strata is not preloaded and has no figures");
  return std::nullopt;
}

}  // namespace

int run_verb(const arguments& given) {
  run_options options;
  command_line line(help);
  line.options()
      .add_option("--stats", options.stats_file, "Write the figures as JSON to this file")
      ->option_text("FILE");
  line.options()
      .add_option("--limit", options.limit,
                  "Refuse allocations beyond this many bytes a process, as 512M or 2G")
      ->option_text("SIZE");
  line.options().add_flag("--quiet", options.quiet,
                          "No report; without --stats no counting either: full speed");
  if (const auto status = line.parse(given)) return *status;
  if (!options.limit.empty() && !parse_size(options.limit)) {
    return complain("--limit: " + options.limit + " is not a size (such as 512M or 2G)");
  }

  std::string why;
  const std::string library = find_strata_library(why);
  if (library.empty()) return complain(why);
  const auto found = find_preloadable(line.program()[0]);
  if (const auto* refused = std::get_if<refusal>(&found)) {
    return complain(line.program()[0] + ": " + refused->reason, refused->status);
  }
  const std::string& path = std::get<std::string>(found);
  const std::string sanitizer = sanitizer_in(path);
  if (const auto status = tell_who_serves(line.program()[0], sanitizer, options)) return *status;
  const std::string preloaded = sanitizer.empty() ? library : std::string();
  std::unique_ptr<result_file> stats_file;
  if (!options.stats_file.empty()) {
    stats_file = std::make_unique<result_file>(options.stats_file);
    if (!stats_file->error().empty()) return complain(stats_file->error());
  }
  const command what = prepare(path, line.program(), preloaded, options);
  if (options.quiet && stats_file == nullptr) return not_started(what.arguments[0], become(what));
  return run_and_report(what,
                        {.program = what.arguments, .library = preloaded, .sanitizer = sanitizer},
                        options, stats_file.get());
}

}  // namespace strata::cli
