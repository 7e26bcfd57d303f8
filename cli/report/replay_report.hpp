// What `strata replay` shows.
#pragma once

#include <string>
#include <vector>

#include "cli/model/capture/capture.hpp"
#include "cli/model/replay/replay.hpp"
#include "cli/report/style.hpp"

namespace strata::cli {

struct replay_result {
  std::string file;
  const capture::recorded_process& process;
  const replay::trace_facts& trace;
  const std::vector<replay::policy_result>& policies;
};

const char* name_of(replay::outcome how);
// Bytes that no block has.
inline std::uint64_t internal_bytes(const replay::usage& of) {
  return of.granted > of.asked ? of.granted - of.asked : 0;
}
inline std::uint64_t external_bytes(const replay::usage& of) {
  return of.footprint > of.granted ? of.footprint - of.granted : 0;
}

std::string replay_text(const replay_result& result, const style& look);
std::string replay_json(const replay_result& result);
// For each policy, what its footprint is made of over time.
std::string replay_svg(const replay_result& result);

}  // namespace strata::cli
