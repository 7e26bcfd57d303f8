#include "cli/model/layout/type_names.hpp"

namespace strata::cli::layout {
namespace {

constexpr int deepest = 32;  // of types in types: damaged files may go in circles

// "[4][2]"; "[]" where the length is not told.
std::string dimensions(const entry& array) {
  std::string text;
  array.each_child([&](const entry& child) {
    if (child.tag() != DW_TAG_subrange_type) return;
    if (const auto count = child.number(DW_AT_count)) {
      text += "[" + std::to_string(*count) + "]";
    } else if (const auto last = child.number(DW_AT_upper_bound)) {
      text += "[" + std::to_string(*last + 1) + "]";
    } else {
      text += "[]";
    }
  });
  return text;
}

const char* word_for(int tag) {
  switch (tag) {
    case DW_TAG_structure_type:
      return "(anonymous struct)";
    case DW_TAG_class_type:
      return "(anonymous class)";
    case DW_TAG_union_type:
      return "(anonymous union)";
    case DW_TAG_enumeration_type:
      return "(anonymous enum)";
    default:
      return "?";
  }
}

}  // namespace

scope type_names::enter(scope outer, const char* name, bool is_function) {
  frames_.push_back({outer, name, is_function});
  return static_cast<scope>(frames_.size() - 1);
}

void type_names::place(const entry& which, scope in) {
  if (in != 0) places_.emplace(which.identity(), in);
}

void type_names::alias(const entry& unnamed, const entry& typedef_of_it) {
  aliases_.emplace(unnamed.identity(), typedef_of_it);
}

scope type_names::scope_of(const entry& which) const {
  const auto found = places_.find(which.identity());
  return found == places_.end() ? 0 : found->second;
}

std::string type_names::prefix(scope in) const {
  std::string text;
  for (; in != 0; in = frames_[in].outer) {
    const frame& one = frames_[in];
    std::string name = one.name != nullptr ? one.name : "(anonymous)";
    if (one.is_function) name += "()";
    text.insert(0, name + "::");
  }
  return text;
}

std::string type_names::full_name(const entry& which) const {
  if (const char* name = which.name()) {
    // A definition that stands outside of its class has its scope where it is declared.
    const auto declared = which.reference(DW_AT_specification);
    return prefix(scope_of(declared ? *declared : which)) + name;
  }
  const auto found = aliases_.find(which.identity());
  return found == aliases_.end() ? std::string() : full_name(found->second);
}

std::string type_names::of(const entry& owner, int depth) const {
  const auto type = owner.type();
  return type ? of_type(*type, depth) : "void";
}

std::string type_names::of_function(const entry& type, const char* declarator, int depth) const {
  std::string parameters;
  type.each_child([&](const entry& child) {
    const int tag = child.tag();
    if (tag != DW_TAG_formal_parameter && tag != DW_TAG_unspecified_parameters) return;
    if (!parameters.empty()) parameters += ", ";
    parameters += tag == DW_TAG_formal_parameter ? of(child, depth + 1) : "...";
  });
  return of(type, depth + 1) + " (" + declarator + ")(" + parameters + ")";
}

std::string type_names::of_type(const entry& type, int depth) const {
  if (depth > deepest) return "...";
  const auto target_is_function = [&] {
    const auto target = type.type();
    return target && target->tag() == DW_TAG_subroutine_type;
  };
  switch (type.tag()) {
    case DW_TAG_pointer_type:
      if (type.name() != nullptr) return type.name();  // Rust: "*const T", "&str"
      return target_is_function() ? of_function(*type.type(), "*", depth)
                                  : of(type, depth + 1) + "*";
    case DW_TAG_reference_type:
      return target_is_function() ? of_function(*type.type(), "&", depth)
                                  : of(type, depth + 1) + "&";
    case DW_TAG_rvalue_reference_type:
      return of(type, depth + 1) + "&&";
    case DW_TAG_ptr_to_member_type: {
      const auto in = type.reference(DW_AT_containing_type);
      return of(type, depth + 1) + " " + (in ? full_name(*in) : "?") + "::*";
    }
    case DW_TAG_const_type:
      return "const " + of(type, depth + 1);
    case DW_TAG_volatile_type:
      return "volatile " + of(type, depth + 1);
    case DW_TAG_atomic_type:
      return "_Atomic " + of(type, depth + 1);
    case DW_TAG_restrict_type:
      return of(type, depth + 1);
    case DW_TAG_array_type:
      return of(type, depth + 1) + dimensions(type);
    case DW_TAG_subroutine_type:
      return of_function(type, "", depth);
    default:
      break;
  }
  const std::string name = full_name(type);
  return name.empty() ? word_for(type.tag()) : name;
}

}  // namespace strata::cli::layout
