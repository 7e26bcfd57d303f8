// A call as the JSON reports have it.
#pragma once

#include "cli/model/capture/view.hpp"
#include "cli/report/json.hpp"

namespace strata::cli {

inline json_value where_json(const capture::call_site& where) {
  return {{"function", where.function},
          {"file", where.file.empty() ? json_value() : json_value(where.file)},
          {"line", where.line == 0 ? json_value() : json_value(where.line)}};
}

inline json_value calls_json(const std::vector<capture::call_site>& calls) {
  json_value made = json_value::array();
  for (const capture::call_site& one : calls) made.push_back(where_json(one));
  return made;
}

}  // namespace strata::cli
