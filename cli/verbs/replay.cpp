// strata replay: what other allocators would have made of a recording.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/model/file.hpp"
#include "cli/report/format.hpp"
#include "cli/report/replay_report.hpp"
#include "cli/verbs/replay_setup.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {
    "strata replay [OPTIONS] FILE",
    "Replays a recording of strata record --every against allocation policies, and compares the\n"
    "memory that each takes from the system, what of it is lost to fragmentation, and the time.",
    "Examples:\n"
    "  strata replay server.strata\n"
    "  strata replay --policy best-fit,buddy,strata server.strata\n"
    "  strata replay --svg fragmentation.svg server.strata\n"
    "Exit status: 2 when FILE is no recording, or not one of every block."};

constexpr int most_seconds = 24 * 3600;

struct replay_verb_options {
  std::string file;
  std::string policies = "all";
  std::string svg_file;
  std::uint32_t process = 0;
  int limit_s = 60;
  bool json = false;
};

void describe_options(CLI::App& line, replay_verb_options& options) {
  std::string names;
  for (const replay::policy_kind& one : replay::all_policies()) {
    names += std::string("\n") + pad_right(one.name, 18) + one.summary;
  }
  line.add_option("FILE", options.file, "The recording")->required();
  line.add_option("--policy", options.policies,
                  "Which policies, with commas between them (default: all)" + names)
      ->option_text("all|LIST");
  line.add_option("--process", options.process,
                  "Which process, by its number in the report (default: the largest)")
      ->option_text("NUMBER");
  line.add_option("--limit", options.limit_s,
                  "Give a policy up that takes longer than so many seconds (default: 60)")
      ->check(CLI::Range(1, most_seconds))
      ->option_text("SECONDS");
  line.add_option("--svg", options.svg_file, "Also draw a picture into this file")
      ->option_text("FILE");
  line.add_flag("--json", options.json, "All figures as JSON");
}

void tell_progress(const replay::policy_kind& now) {
  if (isatty(STDERR_FILENO) == 0) return;
  write_all(STDERR_FILENO, std::string("\r") + now.name + "\033[K");
}

void end_progress() {
  if (isatty(STDERR_FILENO) != 0) write_all(STDERR_FILENO, "\r\033[K");
}

}  // namespace

int replay_verb(const arguments& given) {
  replay_verb_options options;
  CLI::App line;
  describe_options(line, options);
  if (const auto status = parse_arguments(line, help, given)) return *status;
  std::string wrong;
  const auto kinds = replay::policies_of(options.policies, wrong);
  if (kinds.empty()) return complain("--policy: no policy has the name " + wrong + "; see --help");
  std::unique_ptr<result_file> svg_file;
  if (!options.svg_file.empty()) {
    svg_file = std::make_unique<result_file>(options.svg_file);
    if (!svg_file->error().empty()) return complain(svg_file->error());
  }
  capture::capture recording;
  const capture::recorded_process* process = nullptr;
  if (const auto error =
          capture::read_every_event(options.file, options.process, recording, process);
      !error.empty()) {
    return complain(error);
  }
  const replay::trace trace(options.file, process->facts.number);
  const auto policies =
      replay::replay_all(trace, kinds, replay_setup(options.limit_s), tell_progress);
  end_progress();
  const replay_result result{options.file, *process, trace.facts(), policies};
  const std::string text =
      options.json ? replay_json(result) : replay_text(result, style::of_stream(STDOUT_FILENO));
  if (!write_all(STDOUT_FILENO, text)) return usage_status;
  if (svg_file != nullptr && !svg_file->commit(replay_svg(result)))
    return complain(svg_file->error());
  return 0;
}

}  // namespace strata::cli
