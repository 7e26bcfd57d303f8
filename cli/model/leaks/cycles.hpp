// Circles of owners among lost blocks: objects of std::shared_ptr, strata::rc and the like that keep each other
// alive, so that none of them is ever freed.
//
//   block       what the program allocated
//   object      a block, or with a control block of its own two
//   link        a field of one object that leads to another
//
// What does not own is left out: weak pointers, plain pointers in fields that are known, and what leads from
// the nodes of a container back into it.
//
// Of a circle one link is named that would best become weak: a field without which no circle is left, and
// that leads from younger objects to older ones, as from a child to its parent.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/model/leaks/graph.hpp"
#include "cli/model/leaks/types.hpp"

namespace strata::cli::leaks {

struct cycle_step {
  std::string type;         // of the object; empty: unknown
  std::uint32_t node = 0;   // the stack that allocated it
  std::uint64_t bytes = 0;  // of the block
  // That leads to the next object: from the last to the first.
  std::string field;  // empty: unknown
  std::string field_type;
  std::uint64_t offset =
      0;  // of the field in the object, or of the word in a block of unknown type
};

// Circles that look the same are one.
struct cycle {
  std::vector<cycle_step> steps;  // the last one's field is the link that would best become weak
  bool is_enough = false;         // without such links no circle is left among the objects
  std::uint64_t count = 0;
  std::uint64_t objects = 0;  // in all of them
  std::uint64_t bytes = 0;
};

// symbol: the demangled name, and the file, of what a word points to.
using symbol_source = std::function<block_type(std::uint64_t word)>;

std::vector<cycle> find_cycles(const lost_graph& of, const judgement& by,
                               const symbol_source& symbol, type_book& types);

}  // namespace strata::cli::leaks
