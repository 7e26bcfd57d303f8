// Two recordings as the page shows them: the facts of each, and their stacks in one list. A stack that both have
// is listed once, with all its figures in the one and in the other; calls and sites are numbers of places that
// are listed once for both.
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "cli/report/calls_json.hpp"
#include "cli/report/diff_report.hpp"

namespace strata::cli {
namespace {

// In the order in which the page reads them.
constexpr std::array all_figures = {capture_figure::peak, capture_figure::end,
                                    capture_figure::total, capture_figure::count,
                                    capture_figure::temporary};
using figure_values = std::array<double, all_figures.size()>;

struct paired_stack {
  std::size_t site = 0;
  figure_values here{};
  figure_values other{};
};
// By their calls, the innermost first.
using numbered_stacks = std::map<std::vector<std::size_t>, paired_stack>;

void add_stacks(const capture_result& from, figure_values paired_stack::*side,
                place_numbers& places, numbered_stacks& to) {
  const capture::view view(from.recording, from.process);
  view.each_stack([&](std::uint32_t node, const capture::stack_figures& figures) {
    std::vector<std::size_t> calls;
    for (const capture::call_site& one : view.stack(node)) calls.push_back(places.of(one));
    paired_stack& stack = to[calls];
    stack.site = places.of(view.site(node));
    for (std::size_t i = 0; i < all_figures.size(); ++i) {
      (stack.*side)[i] += value_of(figures, all_figures[i]);
    }
  });
}

json_value values_json(const figure_values& of) {
  json_value made = json_value::array();
  for (double one : of) made.push_back(std::llround(one));
  return made;
}

}  // namespace

json_value diff_document(const diff_result& result) {
  place_numbers places;
  numbered_stacks paired;
  add_stacks(result.here, &paired_stack::here, places, paired);
  add_stacks(result.other, &paired_stack::other, places, paired);
  json_value stacks = json_value::array();
  for (const auto& [calls, stack] : paired) {
    stacks.push_back({{"calls", calls},
                      {"site", stack.site},
                      {"this", values_json(stack.here)},
                      {"other", values_json(stack.other)}});
  }
  return {{"schema", "strata-page-diff-1"},
          {"this", capture_facts(result.here)},
          {"other", capture_facts(result.other)},
          {"frames", places.listed()},
          {"stacks", std::move(stacks)}};
}

}  // namespace strata::cli
