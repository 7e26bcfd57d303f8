// What lies in a block, as its first word tells, and what a place in it is called.
//
//   first word                                         the block is
//   vtable of std::_Sp_counted_ptr_inplace<T, ...>     make_shared's: counts, then a T
//   vtable of std::_Sp_counted_ptr<T*, ...>            counts and a pointer to a T in a block of its own
//   vtable of any other T                              a T
//   strata::detail::counted_block<T, ...>::ops         make_rc's or make_arc's: counts, then a T
//
// Names of fields come from the debug information of the file that has the vtable, or of the program.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cli/model/layout/record.hpp"

namespace strata::cli::leaks {

enum class block_kind { plain, counted, control };

struct block_type {
  block_kind kind = block_kind::plain;
  std::string type;  // of its object, or of the object that it controls; empty: unknown
  std::uint64_t object_offset = 0;  // of the object; of a control block: of the pointer to it
  std::string file;                 // that has the symbol
};

// symbol: demangled, of the first word.
block_type type_of_symbol(const std::string& symbol);

// How a field holds what it points to.
enum class hold { owner, weak, pointer, container, other };

struct field_place {
  std::string path;  // "next", "links.left", "slots[3]"
  std::string type;
  std::uint64_t offset = 0;  // of the field, in its record
  hold how = hold::other;
};

hold hold_of(const std::string& type);

// The records of files, read when they are first asked for.
class type_book {
 public:
  type_book();
  type_book(const type_book&) = delete;
  type_book& operator=(const type_book&) = delete;
  ~type_book();

  // The field of the type at the offset; nothing: not known.
  std::optional<field_place> field(const std::string& file, const std::string& type,
                                   std::uint64_t offset);

 private:
  struct page;
  page& open(const std::string& file);

  std::map<std::string, std::unique_ptr<page>> pages_;
};

}  // namespace strata::cli::leaks
