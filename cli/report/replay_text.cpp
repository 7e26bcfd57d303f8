// The text report of `strata replay`.
#include "cli/model/file.hpp"
#include "cli/report/format.hpp"
#include "cli/report/replay_report.hpp"

namespace strata::cli {
namespace {

using replay::outcome;
using replay::policy_result;

constexpr int name_columns = 20;
constexpr int size_columns = 11;

std::string count_of(std::uint64_t count) { return format_count(static_cast<double>(count)); }

std::string row(const char* name, const std::string& value) {
  return "  " + pad_right(name, 11) + value + "\n";
}

std::string summary(const replay_result& result) {
  const replay::trace_facts& all = result.trace;
  std::string command;
  for (const std::string& word : result.process.facts.command) {
    command += (command.empty() ? "" : " ") + word;
  }
  std::string text = row("program", command);
  text += row("operations", count_of(all.operations) + ": " + count_of(all.allocations) +
                                " allocations, " + count_of(all.frees) + " frees, " +
                                count_of(all.resizes) + " reallocations");
  text += row("needs", format_size(all.peak_bytes) + " at most at once, in up to " +
                           count_of(all.most_blocks) + " blocks; " + format_size(all.end_bytes) +
                           " at the end");
  if (all.unknown_frees > 0) {
    text += row("left out", count_of(all.unknown_frees) +
                                " frees of blocks that the recording has not seen allocated");
  }
  return text;
}

// What is to be said of a policy, behind its figures.
std::string note_on(const policy_result& one) {
  std::string text;
  if (one.figures.resets > 0) text = "  " + count_of(one.figures.resets) + " resets";
  const std::string where = " after " + count_of(one.figures.operations) + " operations";
  switch (one.figures.how) {
    case outcome::done:
      return text;
    case outcome::refused:
      return text + "  out of memory" + where;
    case outcome::too_slow:
      return text + "  given up as too slow" + where;
    case outcome::died:
      return text + "  " + one.trouble;
  }
  return text;
}

std::string policy_row(const policy_result& one, std::uint64_t need_bytes) {
  std::string text = "  " + pad_right(one.kind->name, name_columns);
  if (one.figures.how == outcome::died) return text + note_on(one) + "\n";
  const auto size = [](std::uint64_t bytes) { return pad_left(format_size(bytes), size_columns); };
  const replay::usage& peak = one.figures.peak.at;
  text += size(peak.footprint);
  text += pad_left(
      format_ratio(static_cast<double>(peak.footprint), static_cast<double>(need_bytes)), 8);
  text += size(internal_bytes(peak)) + size(external_bytes(peak));
  text += size(one.figures.end.at.footprint);
  text += pad_left(one.ns.empty() ? "-" : formatted("%.1f", one.median_ns()), 8);
  return text + note_on(one) + "\n";
}

}  // namespace

const char* name_of(outcome how) {
  switch (how) {
    case outcome::done:
      return "done";
    case outcome::refused:
      return "refused";
    case outcome::too_slow:
      return "too_slow";
    case outcome::died:
      return "died";
  }
  return "";
}

std::string replay_text(const replay_result& result, const style& look) {
  std::string text = look.heading("strata replay: " + base_name(result.file)) + "\n";
  text += summary(result);
  text += look.heading("policies") + "\n";
  text += "  " + pad_right("", name_columns) +
          "       peak    need   internal   external     at end   ns/op\n";
  for (const policy_result& one : result.policies) {
    text += policy_row(one, result.trace.peak_bytes);
  }
  return text +
         "  peak: most taken from the system at once; need: that, by what the program needs at "
         "most;\n"
         "  internal, external: of the peak, lost within blocks and between them\n";
}

}  // namespace strata::cli
