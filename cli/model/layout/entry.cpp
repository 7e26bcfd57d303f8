#include "cli/model/layout/entry.hpp"

namespace strata::cli::layout {

bool is_record_tag(int tag) {
  return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

bool is_qualifier_tag(int tag) {
  switch (tag) {
    case DW_TAG_typedef:
    case DW_TAG_const_type:
    case DW_TAG_volatile_type:
    case DW_TAG_restrict_type:
    case DW_TAG_atomic_type:
      return true;
    default:
      return false;
  }
}

bool entry::flag(unsigned attribute) const {
  Dwarf_Attribute found;
  bool value = false;
  return dwarf_attr(&die_, attribute, &found) != nullptr && dwarf_formflag(&found, &value) == 0 &&
         value;
}

std::optional<std::uint64_t> entry::number(unsigned attribute) const {
  Dwarf_Attribute found;
  Dwarf_Word value = 0;
  if (dwarf_attr_integrate(&die_, attribute, &found) == nullptr) return std::nullopt;
  if (dwarf_formudata(&found, &value) == 0) return value;
  // DWARF 2 wrote offsets of members as expressions of one operation.
  Dwarf_Op* operations = nullptr;
  std::size_t count = 0;
  if (dwarf_getlocation(&found, &operations, &count) == 0 && count == 1 &&
      operations[0].atom == DW_OP_plus_uconst) {
    return operations[0].number;
  }
  return std::nullopt;
}

std::optional<entry> entry::reference(unsigned attribute) const {
  Dwarf_Attribute found;
  Dwarf_Die target;
  if (dwarf_attr_integrate(&die_, attribute, &found) == nullptr ||
      dwarf_formref_die(&found, &target) == nullptr) {
    return std::nullopt;
  }
  // A declaration may say by a signature where the definition is.
  if (dwarf_hasattr(&target, DW_AT_signature) != 0 &&
      dwarf_attr(&target, DW_AT_signature, &found) != nullptr) {
    Dwarf_Die definition;
    if (dwarf_formref_die(&found, &definition) != nullptr) return entry(definition);
  }
  return entry(target);
}

entry entry::peeled() const {
  entry at = *this;
  constexpr int longest = 64;  // damaged files may go in circles
  for (int i = 0; i < longest && is_qualifier_tag(at.tag()); ++i) {
    const auto next = at.type();
    if (!next) break;
    at = *next;
  }
  return at;
}

}  // namespace strata::cli::layout
