// Which records of a program are shown: by name, or those that a filter lets through.
#pragma once

#include <regex.h>

#include <string>
#include <string_view>
#include <vector>

#include "cli/model/layout/record.hpp"

namespace strata::cli::layout {

// A POSIX extended regular expression, or none, which everything matches.
class pattern {
 public:
  pattern() = default;
  pattern(const pattern&) = delete;
  pattern& operator=(const pattern&) = delete;
  ~pattern();

  // Empty: it is set; otherwise what is wrong with it.
  std::string set(const std::string& text);
  bool matches(const std::string& text) const;

 private:
  bool is_set_ = false;
  regex_t compiled_{};
};

// The records that a name means: those of exactly this name; otherwise those of this name in some
// scope; otherwise templates of this name, whatever their arguments. Empty: none.
std::vector<std::size_t> records_named(const catalogue& all, std::string_view name);

// Named records that both patterns match; without the variants of enums, which are shown there.
std::vector<std::size_t> records_matching(const catalogue& all, const pattern& name,
                                          const pattern& file);

}  // namespace strata::cli::layout
