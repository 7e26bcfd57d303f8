#include "cli/model/layout/order.hpp"

#include <algorithm>
#include <utility>

namespace strata::cli::layout {
namespace {

constexpr std::uint64_t byte_bits = 8;

// Fields that move as one.
struct group {
  std::vector<std::size_t> fields;
  std::uint64_t size_bytes;
  std::uint64_t alignment;
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

// A run of bit-fields takes what it takes now, from the first one's unit on.
group bitfields_from(const record& of, std::size_t first) {
  group made{{}, 0, 1};
  std::uint64_t end = 0;
  for (std::size_t i = first; i < of.fields.size() && of.fields[i].is_bitfield; ++i) {
    const field& one = of.fields[i];
    made.fields.push_back(i);
    made.alignment = std::max(made.alignment, one.alignment);
    end = std::max(end, one.end_bits());
  }
  const std::uint64_t unit = made.alignment * byte_bits;
  const std::uint64_t start = of.fields[first].offset_bits / unit * unit;
  made.size_bytes = (end - start + byte_bits - 1) / byte_bits;
  return made;
}

std::vector<group> groups_of(const record& of) {
  std::vector<group> groups;
  for (std::size_t i = 0; i < of.fields.size();) {
    const field& one = of.fields[i];
    if (stays(of, one) || is_open_array(of, i)) {
      ++i;
      continue;
    }
    if (one.is_bitfield) {
      groups.push_back(bitfields_from(of, i));
    } else {
      groups.push_back({{i}, one.size_bits / byte_bits, std::max<std::uint64_t>(one.alignment, 1)});
    }
    i += groups.back().fields.size();
  }
  return groups;
}

// The group to place at the offset.
std::vector<group>::iterator next_group(std::vector<group>& left, std::uint64_t offset) {
  const auto worth = [&](const group& one) {
    const std::uint64_t hole = rounded_up(offset, one.alignment) - offset;
    return std::pair(hole, ~one.alignment);  // the smaller, the better
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
  std::uint64_t at = start_bytes(of);
  std::vector<group> left = groups_of(of);
  while (!left.empty()) {
    const auto next = next_group(left, at);
    at = rounded_up(at, next->alignment) + next->size_bytes;
    made.fields.insert(made.fields.end(), next->fields.begin(), next->fields.end());
    left.erase(next);
  }
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
