// How reports show calls: where one is, and which of a tree are worth a line.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "cli/model/capture/view.hpp"
#include "cli/report/style.hpp"

namespace strata::cli {

// "name  file.c:17" in so many columns, if these are not very few: the end of the name is cut off.
std::string where_text(const capture::call_site& where, int columns);
// What a terminal has left of a line that begins with the text; elsewhere lines have no end.
int columns_left(const style& look, const std::string& text);

// Calls add(call, depth) for the calls of a tree, those with most weight first, and for theirs; weight 0 is not
// worth a line.
template <typename Tree, typename Weight, typename Add>
void each_call(const Tree& of, std::size_t most, int depth, Weight weight, Add add) {
  std::vector<const Tree*> calls;
  for (const Tree& one : of.calls) {
    if (weight(one) > 0) calls.push_back(&one);
  }
  std::sort(calls.begin(), calls.end(),
            [&](const Tree* a, const Tree* b) { return weight(*a) > weight(*b); });
  if (calls.size() > most) calls.resize(most);
  for (const Tree* one : calls) {
    add(*one, depth);
    // A call that is the only one stands below its caller.
    each_call(*one, most, one->calls.size() > 1 ? depth + 1 : depth, weight, add);
  }
}

}  // namespace strata::cli
