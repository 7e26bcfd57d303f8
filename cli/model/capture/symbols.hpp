// Names for code: what functions, with those inlined, and what lines an instruction belongs to.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/model/capture/modules.hpp"

struct Dwfl;

namespace strata::cli::capture {

struct symbol {
  std::string function;  // empty: unknown
  std::string file;      // empty: unknown
  std::uint32_t line = 0;
};

// The innermost first: a function that is inlined comes before the one that it is in.
using symbols = std::vector<symbol>;
using symbol_table = std::map<code_place, symbols>;

// Looks into the files of modules, while they are what was recorded.
class symbolizer {
 public:
  symbolizer();
  symbolizer(const symbolizer&) = delete;
  symbolizer& operator=(const symbolizer&) = delete;
  ~symbolizer();

  // Those of the instruction at the offset of the file. Empty: nothing is known.
  symbols look_up(const module& in, std::uint64_t offset);

 private:
  struct opened;
  opened& open(const module& in);

  std::map<std::pair<std::string, std::string>, std::unique_ptr<opened>> files_;
};

// The build-id of an ELF file, as hexadecimal digits; empty: it has none, or can't be read.
std::string build_id_of(const std::string& path);

// Symbols of one module as they are kept in a recording.
void put_symbols(byte_writer& to, const module& of, std::size_t index, const symbol_table& all);
void get_symbols(byte_reader& from, module_table& modules, symbol_table& into);

}  // namespace strata::cli::capture
