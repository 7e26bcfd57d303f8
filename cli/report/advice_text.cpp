// The text report of `strata advise`.
#include "cli/model/file.hpp"
#include "cli/report/advice_report.hpp"
#include "cli/report/format.hpp"

namespace strata::cli {
namespace {

using advice::finding;
using advice::finding_kind;

std::string count_of(std::uint64_t count) { return format_count(static_cast<double>(count)); }
std::string blocks_of(std::uint64_t count) {
  return count_of(count) + (count == 1 ? " block" : " blocks");
}

std::string share(std::uint64_t part, std::uint64_t all) {
  return formatted("%.1f %%",
                   all == 0 ? 0.0 : 100 * static_cast<double>(part) / static_cast<double>(all));
}

std::string sizes_of(const advice::site_facts& of) {
  if (of.least_bytes == of.most_bytes) return "of " + format_size(of.least_bytes);
  return "of " + format_size(of.least_bytes) + " to " + format_size(of.most_bytes);
}

std::string lifetime_of(const advice::site_facts& of) {
  if (of.frees == 0) return "none was freed";
  return "lived " +
         format_seconds(static_cast<double>(of.lived_ms) / static_cast<double>(of.frees) * 1e-3) +
         " on average";
}

std::string padding_of(const advice::padded_type& of) {
  std::string text = count_of(rounded(of.objects)) + " live at the peak, of " +
                     std::to_string(of.bytes) + " bytes each, of which another order saves " +
                     std::to_string(of.bytes - of.better_bytes);
  if (of.objects_by_source > 0) {
    text += " (" +
            (of.objects_by_source < of.objects ? count_of(rounded(of.objects_by_source)) + " known"
                                               : std::string("known")) +
            " by the line of source that allocates)";
  }
  return text;
}

std::string evidence(const finding& one) {
  const advice::site_facts& of = one.facts;
  switch (one.kind) {
    case finding_kind::temporary:
      return count_of(of.temporary) + " of " + blocks_of(of.blocks) + " " + sizes_of(of) +
             " were freed by their thread before it allocated anything else";
    case finding_kind::grown:
      return count_of(of.growths) + " times a block was given up for a longer one, " +
             format_size(of.copied_bytes) + " copied in all; " + sizes_of(of);
    case finding_kind::together:
      return count_of(of.wave_blocks) + " of " + blocks_of(of.blocks) + " " + sizes_of(of) +
             " died in " + count_of(of.waves) + " waves, none of which left anything; " +
             lifetime_of(of);
    case finding_kind::one_size:
      return blocks_of(of.blocks) + " " + sizes_of(of) + ", " + count_of(of.most_live) +
             " live at most; " + lifetime_of(of);
    case finding_kind::pinned:
      return blocks_of(of.pinning_blocks) + " " + sizes_of(of) + " lay alone in " +
             count_of(of.pinned_pages) + " pages, which have " + format_size(of.pinned_bytes) +
             " besides";
    case finding_kind::padded:
      return padding_of(*one.type) + "; in " + blocks_of(of.blocks) + " " + sizes_of(of);
  }
  return {};
}

const char* remedy(finding_kind kind) {
  switch (kind) {
    case finding_kind::temporary:
      return "a variable on the stack, or a buffer that is kept";
    case finding_kind::grown:
      return "reserve: ask for the final length at once";
    case finding_kind::together:
      return "an arena (strata/bump.hpp) that is reset when they die";
    case finding_kind::one_size:
      return "a pool of their size (strata/slab.hpp)";
    case finding_kind::pinned:
      return "a pool of their own (strata/pools.hpp, strata_heap_create), apart from what goes";
    case finding_kind::padded:
      break;  // says its fields
  }
  return "";
}

std::string order_of(const advice::padded_type& of) {
  std::string text = "its fields in this order:";
  for (const std::string& field : of.order) text += " " + field + ",";
  text.pop_back();
  return text;
}

std::string saving(const finding& one, const advice::advice& all) {
  std::string text;
  if (one.saved_operations > 0) {
    text += count_of(one.saved_operations) + " operations less (" +
            share(one.saved_operations, all.trace.operations) + ")";
  }
  if (one.saved_bytes() > 0) {
    text += (text.empty() ? "" : ", ") + format_size(one.saved_bytes()) +
            " less from the system (" + share(one.saved_bytes(), all.peak_bytes) + " of the peak)";
  }
  if (one.before_ns > 0) {
    text += "; all operations in " + format_seconds(one.after_ns * 1e-9) + " instead of " +
            format_seconds(one.before_ns * 1e-9);
  }
  return text;
}

std::string place_of(const capture::call_site& where) {
  std::string text = capture::short_name(where.function);
  if (!where.file.empty()) text += "  " + base_name(where.file) + ":" + std::to_string(where.line);
  return text;
}

std::string finding_text(int number, const finding& one, const advice::advice& all,
                         const style& look) {
  std::string kind = name_of(one.kind);
  if (one.kind == finding_kind::one_size) kind = "one size";
  return "\n" + pad_left(std::to_string(number), 3) + "  " +
         look.paint(colour::bold, kind + ": " + place_of(one.where)) + "\n     " + evidence(one) +
         "\n     " + (one.type ? order_of(*one.type) : remedy(one.kind)) +
         "\n     replayed so: " + saving(one, all) + "\n";
}

// ---- An advice that was tried

const char* route_of(wire::route_place place) {
  switch (place) {
    case wire::route_place::stack:
      return "a buffer of the thread";
    case wire::route_place::arena:
      return "an arena of the thread, reset whenever none is left";
    case wire::route_place::pool:
      return "pools of the thread";
    case wire::route_place::reserve:
      return "blocks that are as long as they get";
    case wire::route_place::heap:
      break;
  }
  return "the heap";
}

std::string row(const std::string& name, const std::string& promised, const std::string& measured,
                const std::string& more) {
  return "     " + pad_right(name, 24) + pad_left(promised, 12) + pad_left(measured, 12) + "  " +
         more + "\n";
}

std::string counts_table(const finding& one, const advice::attempt& tried, const style& look) {
  const bool has_bytes = one.kind != finding_kind::grown;
  return look.paint(colour::dim, row("", "promised", "measured", "")) +
         row("operations less", count_of(one.saved_operations), count_of(tried.saved_operations),
             "of " + count_of(tried.plain.operations)) +
         row("less from the system", has_bytes ? format_size(one.saved_bytes()) : "-",
             format_size(tried.saved_bytes()),
             format_size(tried.after_bytes) + " instead of " + format_size(tried.before_bytes));
}

std::string figure_of(const contender& who, const metric& what, bool is_bytes) {
  const spread range = spread_of(sample_of(who, what));
  const auto format = [&](double value) {
    return is_bytes ? format_size(rounded(value)) : format_seconds(value);
  };
  return pad_left(format(range.median), 10) + " [" + format(range.lowest) + " to " +
         format(range.highest) + "]";
}

std::string verdict_of(const contest& all, const contender& who, const metric& what) {
  switch (compare_samples(sample_of(who, what), sample_of(all.base(), what))) {
    case verdict::lower:
      return std::string("  ") + what.better;
    case verdict::higher:
      return std::string("  ") + what.worse;
    case verdict::same:
      return "  no difference beyond noise";
    case verdict::unknown:
      break;
  }
  return {};
}

std::string times_table(const contest& all, const style& look) {
  std::string text;
  for (const metric& what : metrics) {
    const bool is_bytes = &what == &metrics.back();
    text += look.paint(colour::dim, "     " + std::string(what.name)) + "\n";
    for (const contender& who : all.contenders) {
      text += "       " + pad_right(who.choice.name, 12) + figure_of(who, what, is_bytes) +
              (&who == &all.base() ? "" : verdict_of(all, who, what)) + "\n";
    }
  }
  return text;
}

std::string differences_text(const contest& all) {
  std::string text;
  for (const contender& who : all.contenders) {
    for (const channel which : all.differences(who)) {
      text += "     " + std::string(name_of(which)) + " is another when " + who.choice.name + "\n";
    }
  }
  return text;
}

std::string attempt_text(const advice_result& result, const style& look) {
  const advice::attempt& tried = *result.tried;
  const finding& one = result.found.findings[static_cast<std::size_t>(result.number) - 1];
  std::string text = finding_text(result.number, one, result.found, look);
  text += "\n     tried with " + joined(tried.runs.program) + ": " +
          blocks_of(tried.routed.blocks) + " of the site in " + route_of(tried.place) + "\n";
  text += counts_table(one, tried, look);
  text += "     " + std::to_string(tried.runs.runs) + (tried.runs.runs == 1 ? " run" : " runs") +
          " each way, in turns: median [least to most]\n";
  return text + times_table(tried.runs, look) + differences_text(tried.runs);
}

}  // namespace

const char* name_of(wire::route_place place) {
  switch (place) {
    case wire::route_place::heap:
      return "heap";
    case wire::route_place::stack:
      return "stack";
    case wire::route_place::arena:
      return "arena";
    case wire::route_place::pool:
      return "pool";
    case wire::route_place::reserve:
      return "reserve";
  }
  return "";
}

const char* name_of(finding_kind kind) {
  switch (kind) {
    case finding_kind::temporary:
      return "temporary";
    case finding_kind::grown:
      return "grown";
    case finding_kind::together:
      return "together";
    case finding_kind::one_size:
      return "one_size";
    case finding_kind::pinned:
      return "pinned";
    case finding_kind::padded:
      return "padded";
  }
  return "";
}

std::string advice_text(const advice_result& result, const style& look) {
  const advice::advice& all = result.found;
  std::string text = look.heading("strata advise: " + base_name(result.file)) + "\n";
  text += "  " + count_of(all.trace.operations) + " operations, " + format_size(all.peak_bytes) +
          " from the system at the peak\n";
  if (all.findings.empty()) {
    return text + "  nothing to advise: no site would save one percent of either\n";
  }
  if (result.tried != nullptr) return text + attempt_text(result, look);
  int number = 0;
  for (const finding& one : all.findings) text += finding_text(++number, one, all, look);
  return text;
}

}  // namespace strata::cli
