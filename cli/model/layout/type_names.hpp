// Types as people write them: "const char*", "std::vector<int>[4]", "int (*)(void*)".
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/model/layout/entry.hpp"

namespace strata::cli::layout {

// Namespaces, classes and functions that enclose types. An index; 0: the program itself.
using scope = std::uint32_t;

class type_names {
 public:
  // A scope inside another. name: of libdw's; null: an unnamed one.
  scope enter(scope outer, const char* name, bool is_function = false);
  // Notes where an entry stands.
  void place(const entry& which, scope in);
  // An unnamed structure goes by the name of its typedef.
  void alias(const entry& unnamed, const entry& typedef_of_it);

  // Where a noted entry stands.
  scope scope_of(const entry& which) const;
  // With its scopes; empty: it has no name.
  std::string full_name(const entry& which) const;
  // The type of an entry that has DW_AT_type, as text; "void" where it has none.
  std::string of(const entry& owner, int depth = 0) const;

 private:
  struct frame {
    scope outer = 0;
    const char* name = nullptr;
    bool is_function = false;
  };
  std::string of_type(const entry& type, int depth) const;
  std::string of_function(const entry& type, const char* declarator, int depth) const;
  std::string prefix(scope in) const;

  std::vector<frame> frames_ = {{}};
  std::unordered_map<const void*, scope> places_;
  std::unordered_map<const void*, entry> aliases_;
};

}  // namespace strata::cli::layout
