// strata map: the address space of a process, as the kernel and the allocator see it.
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "cli/model/file.hpp"
#include "cli/model/map/allocator.hpp"
#include "cli/model/map/core_file.hpp"
#include "cli/model/map/process.hpp"
#include "cli/report/map_report.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {"strata map [OPTIONS] PID|FILE",
                            "Shows the address space of a process: what each mapping is for, how "
                            "much of it is resident, and\n"
                            "what Strata has there when it serves the process. FILE: a copy of "
                            "/proc/PID/smaps or maps, or a\n"
                            "core dump. The process is neither stopped nor changed.",
                            "Examples:\n"
                            "  strata map 4711\n"
                            "  strata map --svg map.svg $(pgrep -n redis-server)\n"
                            "  strata map --json core.4711 | jq .purposes\n"
                            "Exit status: 2 when there is no such process, or it may not be read."};

struct map_options {
  std::string target;
  std::string svg_file;
  bool all = false;
  bool json = false;
};

// The process that the target names; nothing: it is a file (./4711 is).
std::optional<pid_t> pid_of(const std::string& target) {
  const bool digits = !target.empty() && std::all_of(target.begin(), target.end(),
                                                     [](char c) { return '0' <= c && c <= '9'; });
  if (!digits) return std::nullopt;
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), pid);
  return error == std::errc() ? pid : 0;
}

// Asks the allocator's tables, where there are any.
void ask_allocator(const map::memory* memory, const std::string& root, map_result& into) {
  if (memory == nullptr) {
    into.allocator_note = "Nothing is known of it: that takes the process, or a core dump.";
    return;
  }
  into.allocator = map::read_allocator(into.space, *memory, root);
  if (!into.allocator) {
    into.allocator_note = "Strata does not serve this process.";
  } else if (!into.allocator->problem.empty()) {
    into.allocator_note =
        "Strata is there, but nothing is known of it: " + into.allocator->library + ": " +
        into.allocator->problem;
  } else {
    map::count_resident(*memory, *into.allocator);
    map::join(*into.allocator, *memory, into.space);
  }
}

bool is_elf(const std::string& path) {
  std::string start(SELFMAG, '\0');
  const descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return read(file.get(), start.data(), start.size()) == SELFMAG && start == ELFMAG;
}

// Empty: read; otherwise what is wrong.
std::string read_target(const std::string& target, map_result& into) {
  if (const auto pid = pid_of(target)) {
    if (*pid == 0) return "no process has the number " + target;
    if (auto error = map::read_process(*pid, into.space); !error.empty()) return error;
    const map::process_memory memory(*pid);
    ask_allocator(&memory, "/proc/" + target + "/root", into);
    return {};
  }
  struct stat facts {};
  if (stat(target.c_str(), &facts) != 0) return target + ": " + std::strerror(errno);
  if (S_ISDIR(facts.st_mode)) return target + ": is a directory";
  into.space.source = target;
  std::string text;
  if (!S_ISREG(facts.st_mode)) return target + ": is no regular file";
  if (is_elf(target)) {
    std::string error;
    const auto memory = map::read_core(target, into.space, error);
    if (memory == nullptr) return target + ": " + error;
    map::classify(into.space);
    ask_allocator(memory.get(), "", into);
    return {};
  }
  if (!map::read_text(target, text)) return target + ": " + std::strerror(errno);
  if (const auto error = map::parse_mappings(text, into.space); !error.empty()) {
    return target + ": " + error;
  }
  map::classify(into.space);
  ask_allocator(nullptr, "", into);
  return {};
}

}  // namespace

int map_verb(const arguments& given) {
  map_options options;
  CLI::App line;
  line.add_option("PID|FILE", options.target, "A process, or what was kept of one")->required();
  line.add_option("--svg", options.svg_file, "Also draw a picture into this file")
      ->option_text("FILE");
  line.add_flag("--all", options.all, "List all mappings, not only the largest");
  line.add_flag("--json", options.json, "All figures as JSON");
  if (const auto status = parse_arguments(line, help, given)) return *status;
  std::unique_ptr<result_file> svg_file;
  if (!options.svg_file.empty()) {
    svg_file = std::make_unique<result_file>(options.svg_file);
    if (!svg_file->error().empty()) return complain(svg_file->error());
  }
  map_result result;
  if (const auto error = read_target(options.target, result); !error.empty())
    return complain(error);
  const style look = style::of_stream(STDOUT_FILENO);
  const auto which = options.all ? shown_mappings::all : shown_mappings::largest;
  const std::string text = options.json ? map_json(result) : map_text(result, which, look);
  if (!write_all(STDOUT_FILENO, text)) return usage_status;
  if (svg_file != nullptr && !svg_file->commit(map_svg(result))) return complain(svg_file->error());
  return 0;
}

}  // namespace strata::cli
