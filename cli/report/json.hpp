// What the JSON reports share.
#pragma once

#include <sys/wait.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/model/process.hpp"

namespace strata::cli {

using json_value = nlohmann::ordered_json;  // keys stay in the order of the documentation

// Indented, with a newline at the end. What is not UTF-8 (a path may be anything) becomes U+FFFD.
inline std::string json_text(const json_value& document) {
  return document.dump(2, ' ', false, json_value::error_handler_t::replace) + "\n";
}

// Exit status or signal (the other is null), times and peak.
inline json_value ending_json(const ending& end) {
  const bool killed = WIFSIGNALED(end.wait_status);
  return {{"status", killed ? json_value() : json_value(WEXITSTATUS(end.wait_status))},
          {"signal", killed ? json_value(WTERMSIG(end.wait_status)) : json_value()},
          {"wall_seconds", end.wall_seconds()},
          {"user_seconds", end.user_seconds()},
          {"system_seconds", end.system_seconds()},
          {"peak_resident_bytes", end.peak_resident_bytes()}};
}

}  // namespace strata::cli
