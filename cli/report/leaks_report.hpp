// What strata leaks shows.
#pragma once

#include <string>
#include <vector>

#include "cli/model/leaks/check.hpp"
#include "cli/report/style.hpp"

namespace strata::cli {

struct leaks_result {
  std::vector<std::string> command;
  int wait_status = 0;
  const std::vector<leaks::check_result>& checks;
  bool is_whole = false;  // all stacks, to their ends

  // At the end of any process.
  bool has_leaks() const;
  bool has_problem() const;
};

std::string leaks_text(const leaks_result& result, const style& look);
std::string leaks_json(const leaks_result& result);

}  // namespace strata::cli
