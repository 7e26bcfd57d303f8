// Stacks that the user does not want to hear of, as LeakSanitizer's files of suppressions name them:
//
//   # a comment
//   leak:PATTERN
//
// A stack is suppressed when the pattern is found in the name of a function of it, of a file of source, or
// of the program or library that the function is in. * stands for any text; a ^ at the beginning and a $ at
// the end for the beginning and the end of the name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strata::cli::leaks {

bool matches(std::string_view pattern, std::string_view text);

class suppressions {
 public:
  // Adds those of a file's text. Empty: done; otherwise what is wrong, with its line.
  std::string add(const std::string& text);

  bool empty() const { return patterns_.empty(); }
  bool match(std::string_view name) const;

 private:
  std::vector<std::string> patterns_;
};

}  // namespace strata::cli::leaks
