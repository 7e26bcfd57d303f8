// Records by name, whoever wrote it. Compilers and demanglers differ in blanks, in where const stands, in
// what they call integers, and in the suffixes of numbers:
//
//   std::pair<int const, box<long unsigned int, 3> >
//   std::pair<const int, box<unsigned long, 3UL>>
//
// clang writes enumerators by name, others by number; of those the one of std::shared_ptr's parts is known.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/model/layout/record.hpp"

namespace strata::cli::layout {

// The same for all ways to write it. Types that differ in const alone become one.
std::string common_name(std::string_view name);

class named_records {
 public:
  // all: outlives this.
  explicit named_records(const catalogue& all);

  // The only record of this full name; no_record: there is none, or more than one.
  std::size_t find(std::string_view name) const;
  // The same for a name that may lack scopes, as a source file has it.
  std::size_t find_in_scopes(std::string_view name) const;
  const catalogue& all() const { return all_; }

 private:
  const catalogue& all_;
  std::multimap<std::string, std::size_t> known_;
};

}  // namespace strata::cli::layout
