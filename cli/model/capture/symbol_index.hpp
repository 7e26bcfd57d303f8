// The symbol table of a file, for looking up many addresses: libdw's own look-up goes through all of the table
// each time.
//
//   symbols_   sorted by address; of those at one address the one to be preferred last
//              | start | end | furthest end up to here, but of labels | number |
//
// An address is that of the last function or object before it that reaches it. Going back ends where furthest
// says that none does. Labels of assembly code have no size: they reach to the end of their section, as far as
// nothing else lies between.
#pragma once

#include <cstdint>
#include <vector>

struct Dwfl_Module;

namespace strata::cli::capture {

class symbol_index {
 public:
  symbol_index() = default;
  // Names are the module's, and live as long.
  explicit symbol_index(Dwfl_Module* of);

  // Null: none is known.
  const char* name_at(std::uint64_t address) const;

 private:
  struct entry {
    std::uint64_t start;
    std::uint64_t end;
    std::uint64_t furthest;
    int number;  // in the table
    std::uint8_t rank;
    bool is_label;
  };
  static_assert(sizeof(entry) == 32);  // large programs have hundreds of thousands

  const entry* symbol_at(std::uint64_t address) const;

  Dwfl_Module* of_ = nullptr;
  std::vector<entry> symbols_;
};

}  // namespace strata::cli::capture
