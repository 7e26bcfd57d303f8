// The JSON of `strata replay`; docs/replay.md explains its keys.
#include "cli/report/json.hpp"
#include "cli/report/replay_report.hpp"

namespace strata::cli {
namespace {

using replay::outcome;
using replay::policy_result;

json_value moment_json(const replay::moment& of) {
  return {{"operation", of.operation},
          {"asked_bytes", of.at.asked},
          {"granted_bytes", of.at.granted},
          {"footprint_bytes", of.at.footprint},
          {"internal_bytes", internal_bytes(of.at)},
          {"external_bytes", external_bytes(of.at)}};
}

json_value policy_json(const policy_result& one) {
  json_value made = {{"name", one.kind->name},
                     {"outcome", name_of(one.figures.how)},
                     {"trouble", one.trouble.empty() ? json_value() : json_value(one.trouble)},
                     {"operations", one.figures.operations}};
  if (one.figures.how == outcome::died) return made;
  json_value curve = json_value::array();
  for (std::size_t i = 0; i < one.figures.moments; ++i) {
    const replay::moment& at = one.figures.curve[i];
    curve.push_back({at.operation, at.at.asked, at.at.granted, at.at.footprint});
  }
  made["ns_per_operation"] = one.ns.empty() ? json_value() : json_value(one.median_ns());
  made["ns_by_round"] = one.ns;
  made["resets"] = one.figures.resets;
  made["peak"] = moment_json(one.figures.peak);
  made["end"] = moment_json(one.figures.end);
  made["curve"] = curve;
  return made;
}

}  // namespace

std::string replay_json(const replay_result& result) {
  const replay::trace_facts& all = result.trace;
  json_value policies = json_value::array();
  for (const policy_result& one : result.policies) policies.push_back(policy_json(one));
  const json_value document = {{"schema", "strata-replay-1"},
                               {"file", result.file},
                               {"process", result.process.facts.number},
                               {"command", result.process.facts.command},
                               {"operations", all.operations},
                               {"allocations", all.allocations},
                               {"frees", all.frees},
                               {"resizes", all.resizes},
                               {"unknown_frees", all.unknown_frees},
                               {"peak_bytes", all.peak_bytes},
                               {"end_bytes", all.end_bytes},
                               {"most_blocks", all.most_blocks},
                               {"longest_bytes", all.longest_bytes},
                               {"policies", policies}};
  return json_text(document);
}

}  // namespace strata::cli
