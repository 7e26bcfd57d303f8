// One entry (DIE) of the debug information, and the few questions that the reader has.
#pragma once

#include <dwarf.h>
#include <elfutils/libdw.h>

#include <cstdint>
#include <optional>
#include <string>

namespace strata::cli::layout {

// Copies are cheap; valid as long as the debug_info it comes from.
class entry {
 public:
  explicit entry(const Dwarf_Die& die) : die_(die) {}

  int tag() const { return dwarf_tag(&die_); }
  // The same entry has the same identity, whichever way it was reached.
  const void* identity() const { return die_.addr; }
  Dwarf_Die* raw() const { return &die_; }

  bool has(unsigned attribute) const { return dwarf_hasattr(&die_, attribute) != 0; }
  bool flag(unsigned attribute) const;
  // Null: it has none.
  const char* name() const { return dwarf_diename(&die_); }
  // An attribute that is a constant; nothing when it is missing, or an expression.
  std::optional<std::uint64_t> number(unsigned attribute) const;
  // An attribute that refers to another entry. A type that lies in a type unit is followed there.
  std::optional<entry> reference(unsigned attribute) const;
  std::optional<entry> type() const { return reference(DW_AT_type); }

  // What is left without const, volatile, typedefs and the like.
  entry peeled() const;

  template <typename Visit>
  void each_child(Visit visit) const {
    Dwarf_Die child;
    const void* former = nullptr;
    for (int found = dwarf_child(&die_, &child); found == 0 && child.addr > former;
         found = dwarf_siblingof(&child, &child)) {
      former = child.addr;  // in a damaged file the next may lie before it
      visit(entry(child));
    }
  }

 private:
  mutable Dwarf_Die die_;  // libdw's functions fill in its cache
};

bool is_record_tag(int tag);
bool is_qualifier_tag(int tag);  // typedef, const, volatile ...

}  // namespace strata::cli::layout
