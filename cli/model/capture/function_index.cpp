#include "cli/model/capture/function_index.hpp"

#include <dwarf.h>

#include <algorithm>

namespace strata::cli::capture {
namespace {

constexpr int most_depth =
    64;  // of namespaces, or scopes, in one another: a damaged file may go in circles

// Whether functions may be inlined in there.
bool has_code(int tag) {
  return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
         tag == DW_TAG_try_block || tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

// The part of the scope that has the address.
bool go_down(Dwarf_Die& scope, Dwarf_Addr address) {
  Dwarf_Die child;
  if (dwarf_child(&scope, &child) != 0) return false;
  do {
    if (has_code(dwarf_tag(&child)) && dwarf_haspc(&child, address) == 1) {
      scope = child;
      return true;
    }
  } while (dwarf_siblingof(&child, &child) == 0);
  return false;
}

}  // namespace

function_index::function_index(Dwarf_Die* unit) {
  add_below(unit, 0);
  std::sort(ranges_.begin(), ranges_.end(),
            [](const range& a, const range& b) { return a.start < b.start; });
}

void function_index::add_below(Dwarf_Die* scope, int depth) {
  Dwarf_Die child;
  if (depth > most_depth || dwarf_child(scope, &child) != 0) return;
  do {
    const int tag = dwarf_tag(&child);
    if (tag == DW_TAG_subprogram) {
      add(&child);
    } else if (tag == DW_TAG_namespace || tag == DW_TAG_module) {
      add_below(&child, depth + 1);
    }
  } while (dwarf_siblingof(&child, &child) == 0);
}

void function_index::add(Dwarf_Die* function) {
  Dwarf_Addr base = 0;
  Dwarf_Addr start = 0;
  Dwarf_Addr end = 0;
  for (std::ptrdiff_t at = 0; (at = dwarf_ranges(function, at, &base, &start, &end)) > 0;) {
    ranges_.push_back({start, end, *function});
  }
}

std::vector<Dwarf_Die> function_index::at(Dwarf_Addr address) const {
  const auto above =
      std::upper_bound(ranges_.begin(), ranges_.end(), address,
                       [](Dwarf_Addr value, const range& one) { return value < one.start; });
  if (above == ranges_.begin() || address >= std::prev(above)->end) return {};
  Dwarf_Die scope = std::prev(above)->function;
  std::vector<Dwarf_Die> found{scope};
  for (int depth = 0; depth < most_depth && go_down(scope, address); ++depth) {
    if (dwarf_tag(&scope) == DW_TAG_inlined_subroutine) found.push_back(scope);
  }
  return found;
}

}  // namespace strata::cli::capture
