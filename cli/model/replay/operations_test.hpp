// Operations as text, for tests: "a0:100 r0:200 f0" is an allocation to slot 0, a resize and a free; in an
// arena "a0:100>arena".
#pragma once

#include <string>
#include <vector>

#include "cli/model/replay/operation.hpp"

namespace strata::cli::replay {

inline std::string text_of(const std::vector<operation>& all) {
  std::string text;
  for (const operation& each : all) {
    text += (text.empty() ? "" : " ") + std::string(1, "afr"[static_cast<int>(each.what)]) +
            std::to_string(each.slot);
    if (each.what != action::free) text += ":" + std::to_string(each.bytes);
    if (each.to == route::arena) text += ">arena";
    if (each.to == route::pool) text += ">pool";
  }
  return text;
}

}  // namespace strata::cli::replay
