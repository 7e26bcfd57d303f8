#include "cli/model/leaks/types.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <unordered_map>

#include "cli/model/layout/reader.hpp"

namespace strata::cli::leaks {
namespace {

constexpr std::uint64_t counts_bytes = 16;  // a vtable or ops, and two counts

// The first argument of the template whose brackets open before the text.
std::string first_argument(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char one = text[i];
    if (depth == 0 && (one == ',' || one == '>')) return std::string(text.substr(0, i));
    if (one == '<' || one == '(') ++depth;
    if (one == '>' || one == ')') --depth;
  }
  return {};
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

// Symbols and debug information write the same name differently: "(anonymous namespace)::a<b<int> >" and
// "(anonymous)::a<b<int>>", "main::node" and "main()::node".
std::string common_name(std::string name) {
  replace_all(name, "(anonymous namespace)", "(anonymous)");
  replace_all(name, "()::", "::");
  replace_all(name, "> >", ">>");
  replace_all(name, "> >", ">>");
  replace_all(name, "__cxx11::", "");
  return name;
}

}  // namespace

block_type type_of_symbol(const std::string& symbol) {
  constexpr std::string_view vtable = "vtable for ";
  constexpr std::string_view in_place = "std::_Sp_counted_ptr_inplace<";
  constexpr std::string_view block = "counted_block<";
  block_type made;
  std::string_view name = symbol;
  if (name.starts_with(vtable)) {
    name.remove_prefix(vtable.size());
    if (name.starts_with(in_place)) {
      made = {block_kind::counted, first_argument(name.substr(in_place.size())), counts_bytes, {}};
    } else if (name.starts_with("std::_Sp_counted_ptr<") ||
               name.starts_with("std::_Sp_counted_deleter<")) {
      std::string type = first_argument(name.substr(name.find('<') + 1));
      if (type.ends_with('*')) type.pop_back();
      made = {block_kind::control, type, counts_bytes, {}};
    } else {
      made.type = name;
    }
  } else if (const auto at = name.find(block);
             name.starts_with("strata::") && at != name.npos && name.ends_with(">::ops")) {
    made = {block_kind::counted, first_argument(name.substr(at + block.size())), counts_bytes, {}};
  }
  return made;
}

hold hold_of(const std::string& type) {
  if (type.ends_with('*') || type.ends_with('&')) return hold::pointer;
  const std::string_view head = std::string_view(type).substr(0, type.find('<'));
  const auto ends_as = [&](std::initializer_list<std::string_view> all) {
    return std::any_of(all.begin(), all.end(), [&](auto one) { return head.ends_with(one); });
  };
  if (head.starts_with("std::") && ends_as({"::shared_ptr", "::__shared_ptr"})) return hold::owner;
  if (head.starts_with("std::") &&
      ends_as({"::weak_ptr", "::__weak_ptr", "::enable_shared_from_this"})) {
    return hold::weak;
  }
  if (head.starts_with("strata::") &&
      ends_as({"::counted_ptr", "::counted_alias", "::rc", "::arc"})) {
    return hold::owner;
  }
  if (head.starts_with("strata::") &&
      ends_as({"::counted_weak", "::knows_its_header", "::weak_rc", "::weak_arc"})) {
    return hold::weak;
  }
  return head.starts_with("std::") ? hold::container : hold::other;
}

// A file's records, by name.
struct type_book::page {
  layout::catalogue records;
  std::unordered_map<std::string, std::size_t> by_name;

  explicit page(const std::string& file) {
    const layout::debug_info info(file);
    if (!info.error().empty()) return;
    records = layout::read_records(info);
    for (std::size_t i = 0; i < records.records.size(); ++i) {
      by_name.emplace(common_name(records.records[i].name), i);
    }
  }

  // Goes into fields until one says how it holds, or has no fields.
  std::optional<field_place> at(std::size_t record, std::uint64_t offset,
                                const field_place& from) const {
    for (const layout::field& one : records.records[record].fields) {
      const std::uint64_t start = one.offset_bits / layout::byte_bits;
      const std::uint64_t bytes = one.size_bits / layout::byte_bits;
      if (one.kind == layout::field_kind::virtual_base || offset < start || offset - start >= bytes)
        continue;
      field_place here = from;
      const std::uint64_t element = std::max<std::uint64_t>(bytes / one.count, 1);
      const std::uint64_t index = (offset - start) / element;
      here.offset += start + index * element;
      here.type = one.type;
      here.how = hold_of(one.type);
      if (one.kind == layout::field_kind::data && !one.name.empty()) {
        here.path += (here.path.empty() ? "" : ".") + one.name;
        if (one.count > 1) here.path += "[" + std::to_string(index) + "]";
      }
      if (here.how != hold::other || one.nested == layout::no_record) return here;
      return at(one.nested, offset - start - index * element, here);
    }
    return std::nullopt;
  }
};

type_book::type_book() = default;
type_book::~type_book() = default;

type_book::page& type_book::open(const std::string& file) {
  auto& kept = pages_[file];
  if (kept == nullptr) kept = std::make_unique<page>(file);
  return *kept;
}

std::optional<field_place> type_book::field(const std::string& file, const std::string& type,
                                            std::uint64_t offset) {
  const page& in = open(file);
  const auto found = in.by_name.find(common_name(type));
  if (found == in.by_name.end()) return std::nullopt;
  return in.at(found->second, offset, {});
}

}  // namespace strata::cli::leaks
