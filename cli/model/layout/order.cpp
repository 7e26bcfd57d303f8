#include "cli/model/layout/order.hpp"

#include <algorithm>
#include <utility>

namespace strata::cli::layout {
namespace {

// Fields that move as one: a field, or neighbouring bit-fields.
struct group {
  std::vector<std::size_t> fields;
  std::uint64_t alignment = 1;  // bytes
  bool starts_unit = false;     // the program made these bit-fields start a new unit (": 0")
};

std::uint64_t rounded_up(std::uint64_t value, std::uint64_t to) {
  return (value + to - 1) / to * to;
}

bool is_head(const field& one) {
  return one.kind == field_kind::base || one.kind == field_kind::vtable;
}

// An empty field that shares its place with another ([[no_unique_address]]) takes no room anywhere.
bool is_shared(const record& of, const field& one) {
  if (!one.is_empty) return false;
  return std::any_of(of.fields.begin(), of.fields.end(), [&](const field& other) {
    return &other != &one && one.offset_bits < other.end_bits() &&
           other.offset_bits < one.end_bits();
  });
}

bool stays(const record& of, const field& one) { return is_head(one) || is_shared(of, one); }

// An array without elements behind everything else.
bool is_open_array(const record& of, std::size_t index) {
  const field& one = of.fields[index];
  return one.size_bits == 0 && index + 1 == of.fields.size() && one.kind == field_kind::data &&
         !one.is_empty;
}

bool may_move(const record& of) {
  if (of.is_union() || of.is_packed) return false;
  return std::none_of(of.fields.begin(), of.fields.end(), [](const field& one) {
    return one.kind == field_kind::virtual_base || !one.is_size_known || one.is_variant;
  });
}

// Where the first field behind bases and vtable pointer may start: in the tail of the last base if
// the compiler has put one there.
std::uint64_t start_bytes(const record& of) {
  std::uint64_t head_end = 0;
  for (const field& one : of.fields) {
    if (is_head(one)) head_end = std::max(head_end, one.end_bits() / byte_bits);
  }
  for (const field& one : of.fields) {
    if (!stays(of, one)) return std::min(head_end, one.offset_bits / byte_bits);
  }
  return head_end;
}

// Where a field lands that is placed at the bit or behind: bit-fields follow each other without a hole
// unless they would reach beyond the unit of their type.
std::uint64_t start_of(const field& one, std::uint64_t at_bits) {
  if (!one.is_bitfield) return rounded_up(at_bits, one.alignment * byte_bits);
  const std::uint64_t unit = std::max<std::uint64_t>(one.unit_bytes, 1) * byte_bits;
  const bool fits = one.size_bits > 0 && at_bits / unit == (at_bits + one.size_bits - 1) / unit;
  return fits ? at_bits : rounded_up(at_bits, unit);
}

std::uint64_t start_of(const record& of, const group& one, std::uint64_t at_bits) {
  if (one.starts_unit) at_bits = rounded_up(at_bits, one.alignment * byte_bits);
  return start_of(of.fields[one.fields.front()], at_bits);
}

std::uint64_t end_of(const record& of, const group& one, std::uint64_t at_bits) {
  std::uint64_t at = start_of(of, one, at_bits);
  for (const std::size_t index : one.fields) {
    const field& each = of.fields[index];
    at = start_of(each, at) + each.size_bits;
  }
  return at;
}

std::vector<group> groups_of(const record& of) {
  std::vector<group> groups;
  for (std::size_t i = 0; i < of.fields.size(); ++i) {
    const field& one = of.fields[i];
    if (stays(of, one) || is_open_array(of, i)) continue;
    const bool behind_bits = i > 0 && one.is_bitfield && of.fields[i - 1].is_bitfield;
    const bool broken =
        behind_bits && start_of(one, of.fields[i - 1].end_bits()) != one.offset_bits;
    if (!behind_bits || broken) groups.push_back({});
    groups.back().fields.push_back(i);
    groups.back().alignment = std::max(groups.back().alignment, one.alignment);
    groups.back().starts_unit = groups.back().starts_unit || broken;
  }
  return groups;
}

// The group to place at the bit.
std::vector<group>::iterator next_group(const record& of, std::vector<group>& left,
                                        std::uint64_t at_bits) {
  const auto worth = [&](const group& one) {
    return std::pair(start_of(of, one, at_bits) - at_bits,
                     ~one.alignment);  // the smaller, the better
  };
  return std::min_element(left.begin(), left.end(),
                          [&](const group& a, const group& b) { return worth(a) < worth(b); });
}

}  // namespace

std::optional<better_order> order_of(const record& of) {
  if (!may_move(of)) return std::nullopt;
  better_order made{};
  for (std::size_t i = 0; i < of.fields.size(); ++i) {
    if (stays(of, of.fields[i])) made.fields.push_back(i);
  }
  std::uint64_t at_bits = start_bytes(of) * byte_bits;
  std::vector<group> left = groups_of(of);
  while (!left.empty()) {
    const auto next = next_group(of, left, at_bits);
    at_bits = end_of(of, *next, at_bits);
    made.fields.insert(made.fields.end(), next->fields.begin(), next->fields.end());
    left.erase(next);
  }
  std::uint64_t at = rounded_up(at_bits, byte_bits) / byte_bits;
  if (!of.fields.empty() && is_open_array(of, of.fields.size() - 1)) {
    at = rounded_up(at, of.fields.back().alignment);
    made.fields.push_back(of.fields.size() - 1);
  }
  made.size_bytes = rounded_up(at, of.alignment);
  if (made.size_bytes == 0 || made.size_bytes >= of.size_bytes) return std::nullopt;
  return made;
}

std::vector<std::string> order_notes(const record& of) {
  std::vector<std::string> notes;
  const auto any = [&](auto is) { return std::any_of(of.fields.begin(), of.fields.end(), is); };
  if (of.is_union()) return {"a union: its fields share their bytes, whatever their order"};
  if (of.is_packed) notes.emplace_back("packed: it has no holes to close");
  if (any([](const field& one) { return one.kind == field_kind::base; })) {
    notes.emplace_back("bases come first: the ABI does not let them move");
  }
  if (any([](const field& one) { return one.kind == field_kind::vtable; })) {
    notes.emplace_back("the vtable pointer comes first: the ABI does not let it move");
  }
  if (any([](const field& one) { return one.kind == field_kind::virtual_base; })) {
    notes.emplace_back("virtual bases stand behind the fields; how far, only whole objects know");
  }
  if (any([](const field& one) { return !one.is_size_known; })) {
    notes.emplace_back("a field's type is nowhere defined: its size is a guess");
  }
  if (any([](const field& one) { return one.is_variant; })) {
    notes.emplace_back("variants of an enum share their bytes");
  }
  if (of.written_in == language::rust) {
    notes.emplace_back("Rust orders fields itself, unless the type has repr(C)");
  } else if (!of.fields.empty() && is_open_array(of, of.fields.size() - 1)) {
    notes.emplace_back("the array of open length stays last");
  }
  return notes;
}

}  // namespace strata::cli::layout
