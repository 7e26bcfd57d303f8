// A call as the JSON reports have it.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

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

// Numbers of places in the order in which they are first asked for.
class place_numbers {
 public:
  std::size_t of(const capture::call_site& one) {
    return known_.try_emplace(one, known_.size()).first->second;
  }
  // All, by their numbers.
  json_value listed() const {
    std::vector<const capture::call_site*> in_order(known_.size());
    for (const auto& [one, number] : known_) in_order[number] = &one;
    json_value made = json_value::array();
    for (const capture::call_site* one : in_order) made.push_back(where_json(*one));
    return made;
  }

 private:
  std::map<capture::call_site, std::size_t> known_;
};

}  // namespace strata::cli
