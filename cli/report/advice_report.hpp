// What `strata advise` shows.
#pragma once

#include <string>

#include "cli/model/advice/attempt.hpp"
#include "cli/report/style.hpp"

namespace strata::cli {

struct advice_result {
  std::string file;
  const capture::recorded_process& process;
  const advice::advice& found;
  int number = 0;                          // of the advice that was tried
  const advice::attempt* tried = nullptr;  // null: none was
};

const char* name_of(advice::finding_kind kind);
const char* name_of(wire::route_place place);

std::string advice_text(const advice_result& result, const style& look);
std::string advice_json(const advice_result& result);

}  // namespace strata::cli
