// Which objects lie in the blocks of a recording. Nothing in a program says so for each; of some stacks it
// can be told:
//
//   malloc, operator new <- std::allocator<item>::allocate      as many items as there is room for
//   operator new         <- std::make_unique<item>              one item
//   malloc, operator new <- load   load.cpp:12: new item(4)     one item, if the source is as it was
//
// The function that allocates has the type as its argument, or its line of source names one type alone. Either
// way the debug information must have one type of that name and of a size that fits all blocks.
#pragma once

#include <string>
#include <vector>

#include "cli/model/capture/view.hpp"
#include "cli/model/layout/named_records.hpp"

namespace strata::cli::objects {

enum class type_evidence { argument, source };

// What a stack says of the type in its blocks.
struct named_type {
  std::uint32_t node = 0;
  std::size_t module = 0;  // whose code allocates
  std::string name;        // of source it may lack scopes
  type_evidence by = type_evidence::argument;
  bool is_one = false;  // in each block; otherwise as many as fit
};

// Of all stacks that have at least so much live at the peak. Sources are read where they were compiled.
std::vector<named_type> named_types(const capture::view& of, double least_bytes);

// The type argument of an allocating function; empty: it has none. is_one: see above.
std::string type_argument(const std::string& function, bool& is_one);
// The one type that a line of source allocates; empty: it names none, or more.
std::string type_in_line(const std::string& line);

struct object_blocks {
  std::uint32_t node = 0;
  std::size_t record = 0;  // of the catalogue
  std::uint64_t unit_bytes = 0;
  type_evidence by = type_evidence::argument;
};

// Those of the module whose type the catalogue has.
std::vector<object_blocks> blocks_of(const std::vector<named_type>& types, std::size_t module,
                                     const capture::view& of, const layout::named_records& names);

// Live at the peak; not whole where a recording is a sample.
struct object_count {
  double objects = 0;
  double by_source = 0;  // of these, whose type a line of source has told
};

// Of each record of the catalogue, those inside others too.
std::vector<object_count> counts_at_peak(const std::vector<object_blocks>& blocks,
                                         const capture::view& of,
                                         const layout::named_records& names);

}  // namespace strata::cli::objects
