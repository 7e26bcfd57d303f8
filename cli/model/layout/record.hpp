// How the structures of a program lie in memory: what a compiler decided and its debug information
// tells. Read by reader.hpp, weighed by gaps.hpp and order.hpp.
//
//   offset 0        4        8                16  17       24
//          | count  | hole   | next           | c | padding |      size 24, alignment 8
//
// Invariants: fields are sorted by offset (virtual bases, whose place only a whole object knows, come
// last); where nothing overlaps, fields + holes + padding = size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace strata::cli::layout {

inline constexpr std::size_t no_record = static_cast<std::size_t>(-1);
inline constexpr std::uint64_t byte_bits = 8;
inline constexpr std::uint64_t cache_line_bytes = 64;

enum class record_kind { structure, class_type, union_type };
constexpr const char* name_of(record_kind kind) {
  switch (kind) {
    case record_kind::class_type:
      return "class";
    case record_kind::union_type:
      return "union";
    case record_kind::structure:
      break;
  }
  return "struct";
}
enum class field_kind {
  data,
  base,          // a base class: part of the object, before its own fields
  virtual_base,  // its offset differs from object to object
  vtable         // the pointer that the compiler adds for virtual functions
};
enum class language { c, cpp, rust, other };

struct field {
  std::string name;  // empty: anonymous
  std::string type;
  field_kind kind = field_kind::data;
  bool is_bitfield = false;
  bool is_size_known = true;  // false: its type is only declared; it takes what there is room for
  bool is_variant = false;    // of a Rust enum: shares its bytes with other variants
  bool is_empty = false;      // a class without fields
  std::uint64_t offset_bits = 0;   // from the start of the record
  std::uint64_t size_bits = 0;     // 0: an empty base, or an array without elements
  std::uint64_t unit_bytes = 0;    // of a bit-field: size of its declared type
  std::uint64_t alignment = 1;     // bytes
  std::size_t nested = no_record;  // the record that it is, or is an array of
  std::uint64_t count = 1;         // elements, of an array

  std::uint64_t end_bits() const { return offset_bits + size_bits; }
};

struct record {
  record_kind kind = record_kind::structure;
  language written_in = language::other;
  std::string name;  // with namespaces and enclosing classes; empty: it has none
  std::string file;  // where it is defined; empty: unknown
  std::uint64_t line = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t alignment = 1;
  bool is_packed = false;   // a field stands below its natural alignment
  bool is_variant = false;  // of a Rust enum: as large as the whole enum
  std::size_t units = 1;    // how many times the debug information has it
  std::vector<field> fields;

  bool is_union() const { return kind == record_kind::union_type; }
};

// All records of a program, those of one name and layout once. Names need not be unique.
struct catalogue {
  std::vector<record> records;
  std::size_t missing_units = 0;  // whose debug information is in .dwo files that are not there
};

}  // namespace strata::cli::layout
