#include "cli/model/replay/replay.hpp"

#include <algorithm>

#include "cli/model/replay/helper.hpp"

namespace strata::cli::replay {
namespace {

// One pass. What is wrong, or empty.
std::string run_pass(const trace& of, const policy_kind& kind, const pass_request& request,
                     const replay_options& options, pass_figures& into) {
  if (kind.where == seat::under_strata && options.strata_library.empty()) {
    into.how = outcome::died;
    return options.why_no_strata;
  }
  if (kind.make == nullptr) {
    const bool preloads = kind.where == seat::under_strata;
    return run_in_helper({options.program, preloads ? options.strata_library : std::string()}, of,
                         request, into);
  }
  const std::unique_ptr<policy> one = kind.make(of.facts());
  pass replayed(*one, request);
  of.each_batch([&](std::span<const operation> batch) { return replayed.run(batch); });
  into = replayed.finish();
  return {};
}

}  // namespace

double policy_result::median_ns() const {
  if (ns.empty()) return 0;
  std::vector<double> sorted = ns;
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

std::vector<policy_result> replay_all(const trace& of, const std::vector<const policy_kind*>& kinds,
                                      const replay_options& options,
                                      const std::function<void(const policy_kind&)>& tell) {
  std::vector<policy_result> made;
  pass_request request{pass_kind::measures, of.facts().operations, options.limit_ns};
  for (const policy_kind* kind : kinds) {
    tell(*kind);
    policy_result& one = made.emplace_back();
    one.kind = kind;
    one.trouble = run_pass(of, *kind, request, options, one.figures);
  }
  request.kind = pass_kind::times;
  const int rounds = of.is_kept() ? options.rounds : 1;
  for (int round = 0; round < rounds; ++round) {
    for (policy_result& one : made) {
      if (one.figures.how == outcome::too_slow || one.figures.how == outcome::died) continue;
      tell(*one.kind);
      pass_figures timed;
      run_pass(of, *one.kind, request, options, timed);
      if (timed.operations == 0 || timed.how != one.figures.how) continue;
      one.ns.push_back(static_cast<double>(timed.nanoseconds) /
                       static_cast<double>(timed.operations));
    }
  }
  return made;
}

}  // namespace strata::cli::replay
