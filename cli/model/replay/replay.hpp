// Replays a trace against several policies, one after the other.
//
// A trace that can be kept in memory is timed several times, in rounds through all policies, so that what
// else goes on on the machine hits them alike; the median counts. A longer one is timed once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/model/replay/pass.hpp"

namespace strata::cli::replay {

struct replay_options {
  std::uint64_t limit_ns = 0;  // of each pass
  int rounds = 3;              // of timing
  std::string program;         // this command, for helpers
  std::string strata_library;  // empty: not found
  std::string why_no_strata;
};

struct policy_result {
  const policy_kind* kind = nullptr;
  pass_figures figures;
  std::vector<double> ns;  // for an operation, by round; empty: not timed
  std::string trouble;     // of a process that died, or could not be started

  double median_ns() const;
};

// tell: called before each pass.
std::vector<policy_result> replay_all(const trace& of, const std::vector<const policy_kind*>& kinds,
                                      const replay_options& options,
                                      const std::function<void(const policy_kind&)>& tell);

}  // namespace strata::cli::replay
