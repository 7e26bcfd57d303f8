// The text reports of `strata report --diff`.
#include <algorithm>
#include <cmath>

#include "cli/model/file.hpp"
#include "cli/report/calls_text.hpp"
#include "cli/report/diff_report.hpp"
#include "cli/report/format.hpp"

namespace strata::cli {
namespace {

using capture::stack_figures;
using pair_tree = capture::tree_of<pair_of_values>;

constexpr int columns = 11;

// Calls visit(view, node, values) for each stack of the one, then of the other.
template <typename Visit>
void each_stack(const diff_result& of, Visit visit) {
  for (const capture_result* one : {&of.here, &of.other}) {
    const capture::view view(one->recording, one->process);
    view.each_stack([&](std::uint32_t node, const stack_figures& figures) {
      const double value = value_of(figures, one->figure);
      visit(view, node, one == &of.here ? pair_of_values{value, 0} : pair_of_values{0, value});
    });
  }
}

std::string value_text(const diff_result& of, double value) {
  const std::uint64_t figure = rounded(std::abs(value));
  return is_size(of.here.figure) ? format_size(figure) : format_count(static_cast<double>(figure));
}

std::string values_text(const diff_result& of, const pair_of_values& values) {
  const auto shown = [&](double value) {
    return pad_left(std::round(value) == 0 ? "-" : value_text(of, value), columns);
  };
  const double difference = std::round(values.difference());
  const char* sign = difference < 0 ? "-" : "+";
  return shown(values.other) + shown(values.here) +
         pad_left(difference == 0 ? "-" : sign + value_text(of, difference), columns);
}

std::string title(const diff_result& of) {
  return "strata report: " + base_name(of.here.file) + " against " + base_name(of.other.file);
}

std::string start_of(const diff_result& of, const char* what, const style& look) {
  std::string text = look.heading(title(of)) + "\n";
  for (const capture_result* one : {&of.other, &of.here}) {
    text += "  " + pad_right(one == &of.here ? "this" : "other", 8) +
            joined(one->process.facts.command) + " (pid " + std::to_string(one->process.facts.pid) +
            ")\n";
  }
  text +=
      look.heading(std::string(what) + " by difference: " + figure_name(of.here, of.here.figure)) +
      "\n";
  return text + pad_left("other", columns) + pad_left("this", columns) +
         pad_left("difference", columns) + "  where\n";
}

std::string end_of(const diff_result& of) {
  return values_text(of, paired_sums(of)) + "  in all\n";
}

}  // namespace

site_pairs paired_sites(const diff_result& of) {
  site_pairs made;
  each_stack(of, [&](const capture::view& view, std::uint32_t node, const pair_of_values& values) {
    made[view.site(node)] += values;
  });
  return made;
}

stack_pairs paired_stacks(const diff_result& of) {
  stack_pairs made;
  each_stack(of, [&](const capture::view& view, std::uint32_t node, const pair_of_values& values) {
    made[view.stack(node)] += values;
  });
  return made;
}

pair_of_values paired_sums(const diff_result& of) {
  return {value_of(of.here.process.memory.all(), of.here.figure),
          value_of(of.other.process.memory.all(), of.other.figure)};
}

std::string diff_text(const diff_result& result, const style& look) {
  const site_pairs all = paired_sites(result);
  std::vector<const site_pairs::value_type*> sites;
  for (const auto& one : all) {
    if (std::round(one.second.difference()) != 0) sites.push_back(&one);
  }
  std::stable_sort(sites.begin(), sites.end(), [](const auto* a, const auto* b) {
    return std::abs(a->second.difference()) > std::abs(b->second.difference());
  });
  std::string text = start_of(result, "sites", look);
  const std::size_t shown = std::min(sites.size(), result.here.shown);
  for (std::size_t i = 0; i < shown; ++i) {
    const std::string line = values_text(result, sites[i]->second) + "  ";
    text += line + where_text(sites[i]->first, columns_left(look, line)) + "\n";
  }
  if (shown < sites.size()) {
    text += "  and " + format_count(static_cast<double>(sites.size() - shown)) + " more (--all)\n";
  }
  return text + end_of(result);
}

std::string diff_tree_text(const diff_result& result, const style& look) {
  constexpr double least = 0.01;  // of the largest difference
  pair_tree tree;
  for (const auto& [stack, values] : paired_stacks(result)) tree.add(stack, values);
  double most = 0;
  for (const pair_tree& one : tree.calls) {
    most = std::max(most, std::abs(one.figures.difference()));
  }
  const auto weight = [&](const pair_tree& one) {
    const double difference = std::abs(one.figures.difference());
    return std::round(difference) > 0 && difference >= least * most ? difference : 0;
  };
  std::string text = start_of(result, "calls", look);
  each_call(tree, result.here.shown, 0, weight, [&](const pair_tree& one, int depth) {
    const std::string line =
        values_text(result, one.figures) + "  " + std::string(static_cast<std::size_t>(depth), ' ');
    text += line + where_text(one.where, columns_left(look, line)) + "\n";
  });
  return text + end_of(result);
}

std::string diff_folded(const diff_result& result) {
  std::map<std::string, pair_of_values> lines;
  for (const auto& [stack, values] : paired_stacks(result)) lines[folded_calls(stack)] += values;
  std::string text;
  for (const auto& [line, values] : lines) {
    const long long other = std::llround(values.other);
    const long long here = std::llround(values.here);
    if (other == 0 && here == 0) continue;
    text += line + " " + std::to_string(other) + " " + std::to_string(here) + "\n";
  }
  return text;
}

}  // namespace strata::cli
