// The functions of a compilation unit by their code, from its debug information: for looking up many addresses.
// libdw's own look-up goes through all of the unit each time.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <vector>

namespace strata::cli::capture {

class function_index {
 public:
  // Of functions in the unit and in its namespaces.
  explicit function_index(Dwarf_Die* unit);

  // The function that has the address, and in it those that are inlined into one another there: the outermost
  // first. Empty: none is known.
  std::vector<Dwarf_Die> at(Dwarf_Addr address) const;

 private:
  struct range {
    Dwarf_Addr start;
    Dwarf_Addr end;
    Dwarf_Die function;
  };
  void add_below(Dwarf_Die* scope, int depth);
  void add(Dwarf_Die* function);

  std::vector<range> ranges_;  // sorted by start
};

}  // namespace strata::cli::capture
