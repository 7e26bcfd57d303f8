// Three passes, so that what hundreds of units repeat is taken apart once:
//
//   collect   goes through all entries: where is a record, and in which scope does each type stand?
//   build     each record's fields by offset and size; one that is equal to an earlier one is dropped
//   finish    the records that are kept: names of types, nested records, alignments
#include "cli/model/layout/reader.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "cli/model/layout/entry.hpp"
#include "cli/model/layout/gaps.hpp"
#include "cli/model/layout/type_facts.hpp"
#include "cli/model/layout/type_names.hpp"

namespace strata::cli::layout {
namespace {

constexpr int deepest = 256;  // of scopes in scopes

language language_of(const entry& unit) {
  switch (unit.number(DW_AT_language).value_or(0)) {
    case DW_LANG_C:
    case DW_LANG_C89:
    case DW_LANG_C99:
    case DW_LANG_C11:
      return language::c;
    case DW_LANG_C_plus_plus:
    case DW_LANG_C_plus_plus_03:
    case DW_LANG_C_plus_plus_11:
    case DW_LANG_C_plus_plus_14:
      return language::cpp;
    case DW_LANG_Rust:
      return language::rust;
    default:
      return language::other;
  }
}

record_kind kind_of(int tag) {
  if (tag == DW_TAG_union_type) return record_kind::union_type;
  return tag == DW_TAG_class_type ? record_kind::class_type : record_kind::structure;
}

// Where a member starts, in bits from the start of its record.
std::uint64_t offset_bits_of(const entry& member, const field& as) {
  if (const auto bits = member.number(DW_AT_data_bit_offset)) return *bits;
  const std::uint64_t start = member.number(DW_AT_data_member_location).value_or(0) * byte_bits;
  // Before DWARF 4: counted from the other end of a unit.
  const auto from_end = member.number(DW_AT_bit_offset);
  if (!from_end) return start;
  const std::uint64_t unit = member.number(DW_AT_byte_size).value_or(as.unit_bytes) * byte_bits;
  return start + unit - *from_end - as.size_bits;
}

class reader {
 public:
  explicit reader(const debug_info& from) : machine_(from.machine()) {
    for (Dwarf* part : from.parts()) collect_units(part);
    for (const auto& [which, spoken] : found_) build(which, spoken);
    finish();
  }
  catalogue take() { return std::move(all_); }

 private:
  // ---- collect
  void collect_units(Dwarf* part);
  void collect_children(const entry& of, scope in, language spoken);
  void collect(const entry& one, scope in, language spoken);

  // ---- build
  void build(const entry& which, language spoken);
  void add_fields(const entry& of, bool is_variant, record& to, std::vector<entry>& members) const;
  field field_of(const entry& member, bool is_variant) const;

  // ---- finish
  void finish();
  void find_nested(field& one, const entry& type);
  void cut_circles(std::size_t index);
  bool is_empty(std::size_t index) const;
  std::uint64_t align(std::size_t index);
  static void fill_unknown(record& one);
  static void raise_to_padding(record& one);

  int machine_;
  Dwarf* part_ = nullptr;
  int depth_ = 0;
  type_names names_;
  std::vector<std::pair<entry, language>> found_;
  std::unordered_set<const void*> imported_;

  catalogue all_;
  std::vector<entry> entries_;               // of each kept record
  std::vector<std::vector<entry>> members_;  // of each kept record's fields
  std::unordered_map<std::string, std::size_t> by_content_;
  std::unordered_map<const void*, std::size_t> by_entry_;
  std::unordered_map<std::string, std::size_t> by_name_;
  enum class visit : char { not_yet, inside, done };
  std::vector<visit> visit_;  // by cut_circles, then by align
};

// ---- collect ------------------------------------------------------------------------------------

void reader::collect_units(Dwarf* part) {
  part_ = part;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die top;
  Dwarf_Die split;
  std::uint8_t type = 0;
  while (dwarf_get_units(part, unit, &unit, nullptr, &type, &top, &split) == 0) {
    const bool is_skeleton = type == DW_UT_skeleton;
    if (is_skeleton && split.addr == nullptr) {
      ++all_.missing_units;
      continue;
    }
    const entry whole(is_skeleton ? split : top);
    collect_children(whole, 0, language_of(whole));
  }
}

void reader::collect_children(const entry& of, scope in, language spoken) {
  if (depth_ == deepest) return;
  ++depth_;
  of.each_child([&](const entry& child) { collect(child, in, spoken); });
  --depth_;
}

void reader::collect(const entry& one, scope in, language spoken) {
  const int tag = one.tag();
  switch (tag) {
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type: {
      names_.place(one, in);
      if (!one.flag(DW_AT_declaration)) found_.emplace_back(one, spoken);
      const auto declared = one.reference(DW_AT_specification);
      const scope home = declared ? names_.scope_of(*declared) : in;
      // In type units an enclosing class may be but the signature of its own unit.
      const auto elsewhere = one.name() == nullptr ? one.reference(DW_AT_signature) : std::nullopt;
      collect_children(one, names_.enter(home, (elsewhere ? *elsewhere : one).name()), spoken);
      return;
    }
    case DW_TAG_namespace:
    case DW_TAG_module:
      return collect_children(one, names_.enter(in, one.name()), spoken);
    case DW_TAG_subprogram:
      // The body of a function that is also inlined elsewhere repeats what its abstract form has.
      if (one.has(DW_AT_abstract_origin)) return;
      return collect_children(one, names_.enter(in, one.name(), true), spoken);
    case DW_TAG_lexical_block:
      return collect_children(one, in, spoken);
    case DW_TAG_typedef: {
      names_.place(one, in);
      const auto target = one.type();
      if (target && target->name() == nullptr) names_.alias(*target, one);
      return;
    }
    case DW_TAG_enumeration_type:
    case DW_TAG_base_type:
    case DW_TAG_unspecified_type:
      names_.place(one, in);
      return;
    case DW_TAG_imported_unit: {
      // Units in a file that several programs share; those of this file are met anyway.
      const auto target = one.reference(DW_AT_import);
      if (target && dwarf_cu_getdwarf(target->raw()->cu) != part_ &&
          imported_.insert(target->identity()).second) {
        collect_children(*target, 0, spoken);
      }
      return;
    }
    default:
      return;
  }
}

// ---- build --------------------------------------------------------------------------------------

field reader::field_of(const entry& member, bool is_variant) const {
  field made;
  made.is_variant = is_variant;
  if (const char* name = member.name()) made.name = name;
  if (made.name.empty() && member.flag(DW_AT_artificial)) made.name = "(discriminant)";
  if (member.tag() == DW_TAG_inheritance) {
    const bool is_virtual = member.number(DW_AT_virtuality).value_or(0) != DW_VIRTUALITY_none;
    made.kind = is_virtual ? field_kind::virtual_base : field_kind::base;
  } else if (made.name.starts_with("_vptr")) {
    made.kind = field_kind::vtable;
  }
  const auto type = member.type();
  const auto size = type ? size_of(*type) : std::nullopt;
  made.is_size_known = size.has_value();
  made.unit_bytes = size.value_or(0);
  if (const auto bits = member.number(DW_AT_bit_size)) {
    made.is_bitfield = true;
    made.size_bits = *bits;
  } else {
    made.size_bits = made.unit_bytes * byte_bits;
  }
  if (made.kind == field_kind::virtual_base) return made;
  made.offset_bits = offset_bits_of(member, made);
  return made;
}

void reader::add_fields(const entry& of, bool is_variant, record& to,
                        std::vector<entry>& members) const {
  of.each_child([&](const entry& child) {
    switch (child.tag()) {
      case DW_TAG_member:
        if (child.flag(DW_AT_external) || child.flag(DW_AT_declaration)) return;  // static
        [[fallthrough]];
      case DW_TAG_inheritance:
        to.fields.push_back(field_of(child, is_variant));
        members.push_back(child);
        return;
      case DW_TAG_variant_part:
      case DW_TAG_variant:
        return add_fields(child, child.tag() == DW_TAG_variant, to, members);
      default:
        return;
    }
  });
}

// Where the entry is defined; empty: unknown. (libdw's own function stops the process on units of
// .dwo files.)
std::string file_of(const entry& one) {
  const auto number = one.number(DW_AT_decl_file);
  Dwarf_Die unit;
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  if (!number || dwarf_diecu(one.raw(), &unit, nullptr, nullptr) == nullptr ||
      dwarf_getsrcfiles(&unit, &files, &count) != 0 || *number >= count) {
    return {};
  }
  const char* name = dwarf_filesrc(files, *number, nullptr, nullptr);
  return name != nullptr ? name : "";
}

// What makes two definitions of one name the same.
std::string content_of(const record& one) {
  std::string text = one.name + '\n' + std::to_string(static_cast<int>(one.kind)) + ' ' +
                     std::to_string(one.size_bytes);
  for (const field& each : one.fields) {
    text += '\n' + each.name + ' ' + std::to_string(each.offset_bits) + ' ' +
            std::to_string(each.size_bits) + ' ' + std::to_string(static_cast<int>(each.kind));
  }
  return text;
}

void reader::build(const entry& which, language spoken) {
  const auto size = which.number(DW_AT_byte_size);
  if (!size) return;
  record made;
  made.kind = kind_of(which.tag());
  made.written_in = spoken;
  made.name = names_.full_name(which);
  made.size_bytes = *size;
  std::vector<entry> members;
  add_fields(which, false, made, members);
  std::string content = content_of(made);
  // Unnamed ones have nothing else that tells them apart.
  if (made.name.empty()) {
    content += "\n@" + std::to_string(which.number(DW_AT_decl_line).value_or(0));
  }
  const auto [at, is_new] = by_content_.emplace(std::move(content), all_.records.size());
  by_entry_.emplace(which.identity(), at->second);
  if (!is_new) {
    ++all_.records[at->second].units;
    return;
  }
  if (!made.name.empty()) by_name_.emplace(made.name, all_.records.size());
  all_.records.push_back(std::move(made));
  entries_.push_back(which);
  members_.push_back(std::move(members));
}

// ---- finish -------------------------------------------------------------------------------------

void reader::find_nested(field& one, const entry& type) {
  const elements parts = elements_of(type);
  if (!is_record_tag(parts.type.tag())) return;
  one.count = parts.count;
  const auto found = by_entry_.find(parts.type.identity());
  if (found != by_entry_.end()) {
    one.nested = found->second;
    return;
  }
  // Only declared here (clang leaves definitions to one unit): by its name.
  const auto named = by_name_.find(names_.full_name(parts.type));
  if (named == by_name_.end()) return;
  one.nested = named->second;
  if (!one.is_size_known) {
    one.size_bits = all_.records[named->second].size_bytes * parts.count * byte_bits;
    one.is_size_known = true;
  }
}

// No record holds itself, but a damaged file may say so. After this the nested ones form no circle.
void reader::cut_circles(std::size_t index) {
  if (visit_[index] != visit::not_yet) return;
  visit_[index] = visit::inside;
  for (field& each : all_.records[index].fields) {
    if (each.nested == no_record) continue;
    if (visit_[each.nested] == visit::inside) {
      each.nested = no_record;
    } else {
      cut_circles(each.nested);
    }
  }
  visit_[index] = visit::done;
}

bool reader::is_empty(std::size_t index) const {
  const auto& fields = all_.records[index].fields;
  return std::all_of(fields.begin(), fields.end(), [&](const field& one) {
    return one.kind == field_kind::base && one.nested != no_record && is_empty(one.nested);
  });
}

// A field whose type is nowhere defined takes what there is up to the next.
void reader::fill_unknown(record& one) {
  for (std::size_t i = 0; i < one.fields.size(); ++i) {
    field& here = one.fields[i];
    if (here.is_size_known || here.kind == field_kind::virtual_base) continue;
    std::uint64_t end = one.size_bytes * byte_bits;
    for (std::size_t k = i + 1; k < one.fields.size(); ++k) {
      if (one.fields[k].offset_bits > here.offset_bits) {
        end = one.fields[k].offset_bits;
        break;
      }
    }
    here.size_bits = end - std::min(end, here.offset_bits);
  }
}

// The alignments of the record's fields and its own: as the types demand, unless the offsets show that
// the program wanted it packed.
std::uint64_t reader::align(std::size_t index) {
  record& one = all_.records[index];
  if (visit_[index] == visit::done) return one.alignment;
  visit_[index] = visit::done;
  const std::uint64_t demanded = entries_[index].number(DW_AT_alignment).value_or(1);
  for (field& each : one.fields) {
    if (each.nested != no_record) each.alignment = std::max(each.alignment, align(each.nested));
    if (each.kind == field_kind::virtual_base) continue;
    if (each.is_bitfield) {
      const std::uint64_t unit = each.alignment * byte_bits;
      const bool straddles =
          each.size_bits > 0 && each.offset_bits / unit != (each.end_bits() - 1) / unit;
      one.is_packed = one.is_packed || straddles;
      if (!straddles) one.alignment = std::max(one.alignment, each.alignment);
      continue;
    }
    while (each.alignment > 1 && each.offset_bits / byte_bits % each.alignment != 0) {
      each.alignment /= 2;
      one.is_packed = true;
    }
    one.alignment = std::max(one.alignment, each.alignment);
  }
  while (one.alignment > 1 && one.size_bytes % one.alignment != 0) {
    one.alignment /= 2;
    one.is_packed = true;
  }
  one.alignment = std::max(one.alignment, demanded);
  raise_to_padding(one);
  return one.alignment;
}

// Older DWARF does not tell what alignas demands. More padding than the fields' alignment explains does.
void reader::raise_to_padding(record& one) {
  if (one.fields.empty() || one.is_packed || one.is_variant) return;
  const std::uint64_t padding = waste_of(one).padding_bytes;
  while (padding >= one.alignment && one.size_bytes % (2 * one.alignment) == 0) one.alignment *= 2;
}

void reader::finish() {
  for (std::size_t i = 0; i < all_.records.size(); ++i) {
    record& one = all_.records[i];
    one.file = file_of(entries_[i]);
    one.line = entries_[i].number(DW_AT_decl_line).value_or(0);
    for (std::size_t k = 0; k < one.fields.size(); ++k) {
      const entry& member = members_[i][k];
      one.fields[k].type = names_.of(member);
      const auto type = member.type();
      if (!type) continue;
      one.fields[k].alignment =
          std::max({scalar_alignment(*type, machine_), demanded_alignment(*type),
                    member.number(DW_AT_alignment).value_or(1)});
      find_nested(one.fields[k], *type);
    }
  }
  const std::size_t count = all_.records.size();
  visit_.assign(count, visit::not_yet);
  for (std::size_t i = 0; i < count; ++i) cut_circles(i);
  for (record& one : all_.records) {
    for (field& each : one.fields) {
      if (each.nested == no_record) continue;
      if (each.is_variant) all_.records[each.nested].is_variant = true;
      each.is_empty = each.count == 1 && is_empty(each.nested);
      if (each.is_empty && each.kind == field_kind::base) each.size_bits = 0;
    }
    // Compilers of C and C++ list fields by offset; Rust's does not.
    std::stable_sort(one.fields.begin(), one.fields.end(), [](const field& a, const field& b) {
      return std::pair(a.kind == field_kind::virtual_base, a.offset_bits) <
             std::pair(b.kind == field_kind::virtual_base, b.offset_bits);
    });
    fill_unknown(one);
  }
  visit_.assign(count, visit::not_yet);
  for (std::size_t i = 0; i < count; ++i) align(i);
}

}  // namespace

catalogue read_records(const debug_info& from) { return reader(from).take(); }

}  // namespace strata::cli::layout
