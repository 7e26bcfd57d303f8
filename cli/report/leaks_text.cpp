// The text report of `strata leaks`.
#include <algorithm>
#include <limits>

#include "cli/model/capture/view.hpp"
#include "cli/model/file.hpp"
#include "cli/report/format.hpp"
#include "cli/report/leaks_report.hpp"

namespace strata::cli {
namespace {

using leaks::check_result;
using leaks::cycle;
using leaks::cycle_step;
using leaks::leak_group;
using leaks::loss;
using leaks::occasion;
using leaks::totals;

constexpr std::size_t most_groups = 20;
constexpr std::size_t most_calls = 8;
constexpr std::size_t most_cycles = 10;
constexpr std::size_t most_steps = 8;

std::string row(const char* name, const std::string& value) {
  return "  " + pad_right(name, 17) + value + "\n";
}
std::string amount_text(const totals& of) {
  return format_size(of.bytes) + " in " + format_count(static_cast<double>(of.blocks)) +
         (of.blocks == 1 ? " block" : " blocks");
}

std::string place_text(const capture::call_site& where) {
  std::string text = capture::short_name(where.function);
  if (!where.file.empty()) text += "  " + base_name(where.file) + ":" + std::to_string(where.line);
  return text;
}

// The calls from the site on, without those of the standard library that lead there.
std::string stack_text(const capture::view& view, std::uint32_t node, bool is_whole) {
  const std::vector<capture::call_site> calls = view.stack(node);
  auto from = std::find_if(calls.begin(), calls.end(), [](const capture::call_site& one) {
    return !capture::is_go_between(one.function);
  });
  if (is_whole || from == calls.end()) from = calls.begin();
  const auto count = static_cast<std::size_t>(calls.end() - from);
  const std::size_t shown = is_whole ? count : std::min(count, most_calls);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i)
    text += "      " + place_text(from[static_cast<std::ptrdiff_t>(i)]) + "\n";
  if (shown < count) {
    text += "      and " + std::to_string(count - shown) +
            (count - shown == 1 ? " call" : " calls") + " more\n";
  }
  return text;
}

std::string group_text(const capture::view& view, const leak_group& one, const char* how,
                       bool is_whole) {
  return "  " + amount_text(one.sum) + ", " + how + "\n" + stack_text(view, one.node, is_whole);
}

std::string step_text(const capture::view& view, const cycle_step& one) {
  const std::string type = one.type.empty() ? "block of " + format_size(one.bytes) : one.type;
  return "    " + pad_right(type, 24) + "  " + place_text(view.site(one.node)) + "\n";
}

std::string link_text(const cycle_step& one) {
  if (one.field.empty()) return "at offset " + std::to_string(one.offset);
  return one.type + "::" + one.field + " (" + one.field_type + ", offset " +
         std::to_string(one.offset) + ")";
}

std::string advice_text(const cycle& of) {
  const cycle_step& last = of.steps.back();
  if (last.field.empty()) return {};
  const bool is_only_here = std::all_of(
      of.steps.begin(), of.steps.end() - 1,
      [&](const cycle_step& one) { return one.type != last.type || one.field != last.field; });
  std::string text = "    " + last.type + "::" + last.field + " would best become weak: ";
  text += is_only_here && of.steps.size() > 1
              ? "it leads back to the object that was allocated first"
          : of.steps.size() > 1 ? "where it leads from the last object back to the first"
                                : "the object owns itself by it";
  if (!of.is_enough) text += "; other cycles stay";
  return text + "\n";
}

std::string cycle_text(const capture::view& view, const cycle& of, bool is_whole) {
  std::string text =
      "  " + std::to_string(of.steps.size()) +
      (of.steps.size() == 1 ? " object that owns itself" : " objects that own each other");
  if (of.count > 1) text += ", " + format_count(static_cast<double>(of.count)) + " times";
  text += ", " + format_size(of.bytes);
  if (of.objects > of.steps.size() * of.count) {
    text += " with " + format_count(static_cast<double>(of.objects - of.steps.size() * of.count)) +
            " more in the same knot";
  }
  text += "\n";
  const std::size_t count = of.steps.size();
  const std::size_t shown = is_whole ? count : std::min(count, most_steps);
  for (std::size_t i = 0; i < count; ++i) {
    if (i + 1 >= shown && i + 1 < count) {
      if (i + 1 == shown) text += "    and " + std::to_string(count - shown) + " more\n";
      continue;
    }
    text += step_text(view, of.steps[i]) + "      -> " + link_text(of.steps[i]) + "\n";
  }
  return text + advice_text(of);
}

std::string more_text(std::size_t all, std::size_t shown) {
  return shown < all ? "  and " + std::to_string(all - shown) + " more (--all)\n" : "";
}

std::string title_of(const check_result& of) {
  std::string text =
      base_name(of.process.facts.executable) + ", pid " + std::to_string(of.process.facts.pid);
  if (of.when == occasion::question) text += ", asked by itself";
  if (of.when == occasion::signal) text += ", at the signal";
  return text;
}

std::string check_text(const check_result& of, const leaks_result& result, const style& look) {
  const capture::view view(of.code, of.process);
  const std::size_t all = result.is_whole ? std::numeric_limits<std::size_t>::max() : 0;
  std::string text = look.heading("strata leaks: " + title_of(of)) + "\n";
  if (!of.problem.empty()) return text + "  not looked at: " + of.problem + "\n";
  text += row("definitely lost", amount_text(of.definite));
  text += row("indirectly lost", amount_text(of.indirect));
  if (of.suppressed.blocks > 0) text += row("suppressed", amount_text(of.suppressed));
  text += row("still reachable", amount_text(of.reachable));
  const auto show = [&](const char* title, const std::vector<leak_group>& groups, bool is_held) {
    if (groups.empty()) return;
    text += look.heading(title) + "\n";
    const std::size_t shown = std::min(groups.size(), std::max(all, most_groups));
    for (std::size_t i = 0; i < shown; ++i) {
      const char* how = is_held                            ? "still reachable"
                        : groups[i].kind == loss::definite ? "definitely lost"
                                                           : "indirectly lost";
      text += group_text(view, groups[i], how, result.is_whole);
    }
    text += more_text(groups.size(), shown);
  };
  show("lost, by stack", of.groups, false);
  if (!of.cycles.empty()) {
    text += look.heading("cycles of owners") + "\n";
    const std::size_t shown = std::min(of.cycles.size(), std::max(all, most_cycles));
    for (std::size_t i = 0; i < shown; ++i) text += cycle_text(view, of.cycles[i], result.is_whole);
    text += more_text(of.cycles.size(), shown);
  }
  show("still reachable, by stack", of.held, true);
  return text;
}

}  // namespace

bool leaks_result::has_leaks() const {
  return std::any_of(checks.begin(), checks.end(), [](const check_result& one) {
    return one.when == occasion::end && one.has_leaks();
  });
}

bool leaks_result::has_problem() const {
  return std::any_of(checks.begin(), checks.end(), [](const check_result& one) {
    return one.when == occasion::end && !one.problem.empty();
  });
}

std::string leaks_text(const leaks_result& result, const style& look) {
  std::string text;
  std::size_t clean = 0;
  for (const check_result& one : result.checks) {
    const bool is_worth_it = one.has_leaks() || !one.problem.empty() || !one.held.empty() ||
                             one.suppressed.blocks > 0 || result.checks.size() == 1;
    if (is_worth_it) {
      text += check_text(one, result, look);
    } else {
      ++clean;
    }
  }
  if (result.checks.empty()) {
    text += look.heading("strata leaks: " + base_name(result.command[0])) + "\n" +
            "  not looked at: it did not come to an end of its own\n";
  }
  if (clean > 0) {
    text += "strata leaks: nothing is lost in " + std::to_string(clean) +
            (clean == 1 ? " look at a process\n" : " looks at processes\n");
  }
  return text;
}

}  // namespace strata::cli
