// strata record: runs a program and writes down what it allocates and frees.
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstring>
#include <ctime>

#include "cli/model/capture/recording.hpp"
#include "cli/model/file.hpp"
#include "cli/model/library.hpp"
#include "cli/model/process.hpp"
#include "cli/model/size.hpp"
#include "cli/report/format.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {
    "strata record [OPTIONS] [--] PROGRAM [ARGUMENTS...]",
    "Runs PROGRAM and its child processes with Strata as their allocator, and records what they\n"
    "allocate and free, with the calls that led there, into a file for strata report. The file "
    "can\n"
    "be read even when either is killed. Exit status and signals are those of PROGRAM.",
    "Examples:\n"
    "  strata record -- redis-server --port 7777\n"
    "  strata record -o build.strata --every -- make\n"
    "  strata record --sample 64K -- python3 script.py\n"
    "  strata record --every --addresses -- ./server"};

constexpr int not_startable = 126;

struct record_options {
  std::string file;
  std::string sample = "512K";
  std::string most;
  bool every = false;
  bool addresses = false;
  bool quiet = false;
};

// A ring lasts 5 ms at the highest rates seen.
constexpr int busy_us = 1'000;
constexpr int usual_us = 4'000;

std::string default_file(const std::string& program) {
  return base_name(program) + "." + std::to_string(getpid()) + ".strata";
}

int run_recorded(const command& what, const capture::session& facts, const record_options& options,
                 const std::string& file) {
  capture::file_writer writer(file);
  if (!writer.error().empty()) return complain(writer.error());
  capture::recording recording(writer, facts, parse_size(options.most).value_or(0));
  if (!recording.error().empty()) return complain(recording.error());
  if (options.addresses) recording.keep_addresses();
  command recorded = what;
  recorded.variables.set(wire::area_variable, recording.path());
  const finished_process finished =
      run_to_end(recorded, [&] { return recording.take() ? busy_us : usual_us; });
  if (finished.error != 0) {
    unlink(file.c_str());
    return complain(what.arguments[0] + ": " + std::strerror(finished.error), not_startable);
  }
  recording.finish(finished.pid, finished.end.wait_status);
  signal(SIGPIPE, SIG_IGN);
  if (!recording.error().empty()) {
    complain(recording.error());
  } else if (recording.processes() == 0) {
    complain("nothing was recorded: " + what.arguments[0] +
             " does not use the allocator that is preloaded");
  } else if (!options.quiet) {
    complain(format_count(static_cast<double>(recording.events())) + " events, " +
             format_size(writer.bytes()) + " in " + file + "; strata report " + file +
             " shows them");
  }
  end_like(finished.end.wait_status);
}

}  // namespace

int record_verb(const arguments& given) {
  record_options options;
  command_line line(help);
  line.options()
      .add_option("-o,--output", options.file, "The file (default: PROGRAM.PID.strata here)")
      ->option_text("FILE");
  CLI::Option* sample =
      line.options()
          .add_option("--sample", options.sample,
                      "Record a sample: one block each so many bytes, at random (default: 512K)")
          ->option_text("BYTES");
  line.options()
      .add_flag("--every", options.every, "Record every block: exact, and dearer")
      ->excludes(sample);
  line.options()
      .add_option("--max-size", options.most,
                  "Once the file is as large, write down sums only, which need little")
      ->option_text("SIZE");
  line.options().add_flag("--addresses", options.addresses,
                          "Write down where each block lies, too, for the page's address map");
  line.options().add_flag("--quiet", options.quiet, "Say nothing at the end");
  if (const auto status = line.parse(given)) return *status;
  const auto sample_bytes = parse_size(options.sample);
  if (!sample_bytes || *sample_bytes == 0 || *sample_bytes > std::uint64_t{1} << 40) {
    return complain("--sample: " + options.sample + " is not a size (such as 512K)");
  }

  if (!options.most.empty() && !parse_size(options.most)) {
    return complain("--max-size: " + options.most + " is not a size (such as 100M)");
  }

  std::string why;
  const std::string library = find_recorder_library(why);
  if (library.empty()) return complain(why);
  const auto found = find_preloadable(line.program()[0]);
  if (const auto* refused = std::get_if<refusal>(&found)) {
    return complain(line.program()[0] + ": " + refused->reason, refused->status);
  }
  const std::string& path = std::get<std::string>(found);
  if (const std::string sanitizer = sanitizer_in(path); !sanitizer.empty()) {
    return complain(line.program()[0] + ": " + sanitizer +
                    "'s malloc serves it; nothing can be recorded");
  }
  command what{.path = path, .arguments = line.program(), .variables = environment::current()};
  what.variables.prepend_preload(library);
  const capture::session facts{.sample_bytes = options.every ? 0 : *sample_bytes,
                               .started_unix_s = static_cast<std::uint64_t>(std::time(nullptr)),
                               .command = line.program()};
  const std::string file = options.file.empty() ? default_file(line.program()[0]) : options.file;
  return run_recorded(what, facts, options, file);
}

}  // namespace strata::cli
