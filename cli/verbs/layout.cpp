// strata layout: how the structures of a program lie in memory, from its debug information.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/model/file.hpp"
#include "cli/model/layout/choice.hpp"
#include "cli/model/layout/debug_info.hpp"
#include "cli/model/layout/reader.hpp"
#include "cli/model/near_names.hpp"
#include "cli/report/layout_report.hpp"
#include "cli/verbs/verb.hpp"

namespace strata::cli {
namespace {

constexpr verb_help help = {
    "strata layout [OPTIONS] BINARY [TYPE]",
    "Shows how the structs, classes and unions of BINARY (C, C++, Rust; built with -g) lie in "
    "memory:\n"
    "fields, holes, padding, cache lines, a better order and what it saves. Without TYPE: those "
    "that\n"
    "waste most. With a recording of strata record: those that would save most at its peak.",
    "Examples:\n"
    "  strata layout build/server\n"
    "  strata layout build/server connection\n"
    "  strata layout --match '^net::' --top 10 build/server\n"
    "  strata layout --with server.strata build/server\n"
    "  strata layout --json build/server | jq '.types[] | select(.better)'\n"
    "Exit status: 2 when BINARY has no debug information or no such type."};

constexpr std::size_t top_usually = 30;
constexpr std::size_t suggested_most = 3;

struct layout_options {
  std::string binary;
  std::string type;
  std::string match;
  std::string file;
  std::string recording;
  std::uint32_t process = 0;
  std::size_t top = top_usually;
  bool expand = false;
  bool json = false;
};

int no_such_type(const layout::catalogue& all, const layout_options& options) {
  std::vector<std::string> names;
  for (const layout::record& one : all.records) {
    if (!one.name.empty()) names.push_back(one.name);
  }
  std::string text = options.binary + ": no type is called " + options.type;
  const auto near = near_names(options.type, names, suggested_most);
  for (std::size_t i = 0; i < near.size(); ++i) {
    text += (i == 0 ? "; did you mean " : i + 1 == near.size() ? " or " : ", ") + near[i];
  }
  return complain(text + (near.empty() ? "" : "?"));
}

// Why the program shows no types at all.
int no_types(const layout::catalogue& all, const layout_options& options) {
  if (all.missing_units > 0) {
    return complain(options.binary + ": its debug information is in .dwo files that are not there");
  }
  return complain(options.binary + ": its debug information has no types");
}

// Where the recording has the binary's code; the number of modules: nowhere.
std::size_t module_of(const capture::capture& recording, const std::string& binary) {
  const std::vector<capture::module>& modules = recording.modules.all();
  const std::string id = capture::build_id_of(binary);
  for (std::size_t i = 0; i < modules.size(); ++i) {
    std::error_code ignored;
    const bool is_same = id.empty() ? std::filesystem::equivalent(modules[i].path, binary, ignored)
                                    : modules[i].build_id == id;
    if (is_same) return i;
  }
  return modules.size();
}

// The binary's objects that the recording has live at its peak. Empty: done.
std::string find_objects(const layout_options& options, const layout::catalogue& all,
                         recorded_objects& into) {
  capture::capture recording;
  std::string wrong = capture::read_capture(options.recording, recording);
  if (!wrong.empty()) return wrong;
  const capture::recorded_process* process = recording.find(options.process);
  if (process == nullptr)
    return "--process: the recording has no process " + std::to_string(options.process);
  const std::size_t module = module_of(recording, options.binary);
  if (module == recording.modules.all().size())
    return options.recording + ": has nothing of " + options.binary + " as it is now";
  if (!recording.is_complete) capture::complete_names(recording);
  const capture::view of(recording, *process);
  const layout::named_records names(all);
  const auto blocks = objects::blocks_of(objects::named_types(of, 0), module, of, names);
  into.file = options.recording;
  into.peak_bytes = process->memory.peak_bytes();
  for (const objects::object_blocks& one : blocks)
    into.known_bytes += process->memory.by_node()[one.node].at_peak.bytes;
  into.counts = objects::counts_at_peak(blocks, of, names);
  return {};
}

int show(const layout_options& options, const layout::pattern& name, const layout::pattern& file) {
  const layout::debug_info info(options.binary);
  if (!info.error().empty()) return complain(options.binary + ": " + info.error());
  const layout::catalogue all = layout::read_records(info);
  if (all.records.empty()) return no_types(all, options);
  const auto which = options.type.empty() ? layout::records_matching(all, name, file)
                                          : layout::records_named(all, options.type);
  if (which.empty() && !options.type.empty()) return no_such_type(all, options);
  std::optional<recorded_objects> recorded;
  if (!options.recording.empty()) {
    recorded.emplace();
    const std::string wrong = find_objects(options, all, *recorded);
    if (!wrong.empty()) return complain(wrong);
  }
  const recorded_objects* with = recorded ? &*recorded : nullptr;
  const layout_result result{options.binary, options.type, &all, weighed(all, which, with), with};
  const style look = style::of_stream(STDOUT_FILENO);
  const std::string text =
      options.json ? layout_json(result)
      : options.type.empty()
          ? layout_list_text(result, options.top, look)
          : layout_types_text(result,
                              options.expand ? nested_fields::all : nested_fields::anonymous, look);
  return write_all(STDOUT_FILENO, text) ? 0 : usage_status;
}

}  // namespace

int layout_verb(const arguments& given) {
  layout_options options;
  CLI::App line;
  line.add_option("BINARY", options.binary, "Program, library, object file or archive")->required();
  line.add_option("TYPE", options.type, "A type, with or without its scopes");
  line.add_option("--match", options.match, "Only types whose names match")->option_text("REGEX");
  line.add_option("--file", options.file, "Only types that are defined in files that match")
      ->option_text("REGEX");
  CLI::Option* with = line.add_option("--with", options.recording,
                                      "Count objects at the peak of this recording of BINARY")
                          ->option_text("FILE");
  line.add_option("--process", options.process,
                  "With --with: which process, by its number in the report (default: the largest)")
      ->needs(with)
      ->option_text("NUMBER");
  line.add_option("--top", options.top, "How many types the list has (default 30; 0: all)")
      ->option_text("N");
  line.add_flag("--expand", options.expand, "Also show the fields of fields");
  line.add_flag("--json", options.json, "All figures as JSON");
  if (const auto status = parse_arguments(line, help, given)) return *status;
  layout::pattern name;
  layout::pattern file;
  if (!options.match.empty()) {
    if (const auto wrong = name.set(options.match); !wrong.empty()) {
      return complain("--match " + options.match + ": " + wrong);
    }
  }
  if (!options.file.empty()) {
    if (const auto wrong = file.set(options.file); !wrong.empty()) {
      return complain("--file " + options.file + ": " + wrong);
    }
  }
  return show(options, name, file);
}

}  // namespace strata::cli
