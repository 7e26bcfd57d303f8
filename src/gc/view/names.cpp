#include "gc/view/names.hpp"

#include <iterator>

#include "base/text.hpp"

namespace strata::gc {

const char* name_of(plan one) {
  static constexpr const char* names[] = {
      "semispace", "mark_sweep", "immix",     "generational", "generational_concurrent",
      "lisp2",     "compressor", "two_finger"};
  static_assert(std::size(names) == all_plans.size());
  return names[static_cast<std::size_t>(one)];
}

const char* name_of(shape one) {
  static constexpr const char* names[] = {"unresolved",   "leaf",       "masked",
                                          "listed",       "leaf_array", "ref_array",
                                          "struct_array", "weak",       "ephemeron"};
  return names[static_cast<std::size_t>(one)];
}

const char* name_of(root_kind one) {
  static constexpr const char* names[] = {"local", "pinned", "frame", "global"};
  return names[static_cast<std::size_t>(one)];
}

std::string name_of(const type& one) {
  std::string_view name = one.name;
  // g++ and clang++: "... [with T = tree::node]" and "... [T = tree::node]".
  constexpr std::string_view before = "T = ";
  std::size_t start = name.find('[');
  start = start == name.npos ? start : name.find(before, start);
  if (name.ends_with(']') && start != name.npos) {
    name.remove_suffix(1);
    name.remove_prefix(start + before.size());
  }
  std::string made;
  constexpr std::string_view ours = "strata::";
  while (!name.empty()) {
    if (name.starts_with(ours)) {
      name.remove_prefix(ours.size());
      continue;
    }
    made += name.front();
    name.remove_prefix(1);
  }
  return made;
}

std::string member_name(const type& of, std::size_t offset) {
  char name[256];
  base::text made(name, sizeof name);
  detail::field_text into{&made, [](void* text, std::string_view part) {
                            for (char each : part) static_cast<base::text*>(text)->put(each);
                          }};
  if (of.name_field != nullptr) of.name_field(of, offset, into);
  if (of.kind == shape::ephemeron) made << (offset == 0 ? "key" : "value");
  if (made.length() == 0) return "+" + std::to_string(offset);
  return std::string(made.data(), made.stored());
}

std::string field_name(type& of, std::size_t offset) {
  if (of.element_bytes == 0) return member_name(of, offset);
  if (shape_of(of) == shape::unresolved) of.resolve(of);
  std::size_t inside = offset - of.bytes;
  std::string made = "[" + std::to_string(inside / of.element_bytes) + "]";
  if (shape_of(of) != shape::struct_array) return made;
  std::string member = member_name(of, inside % of.element_bytes);
  return made + (member.starts_with('[') || member.starts_with('+') ? "" : ".") + member;
}

}  // namespace strata::gc
