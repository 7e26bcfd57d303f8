// The JSON of `strata report --diff`; docs/report.md explains its keys.
#include <cmath>

#include "cli/report/calls_json.hpp"
#include "cli/report/diff_report.hpp"

namespace strata::cli {
namespace {

void add_values(json_value& to, const pair_of_values& values) {
  to["this"] = std::llround(values.here);
  to["other"] = std::llround(values.other);
  to["difference"] = std::llround(values.difference());
}

json_value recording_json(const capture_result& of) {
  return {{"file", of.file},
          {"process", of.process.facts.number},
          {"command", of.process.facts.command}};
}

}  // namespace

std::string diff_json(const diff_result& result) {
  json_value sites = json_value::array();
  for (const auto& [where, values] : paired_sites(result)) {
    json_value site = where_json(where);
    add_values(site, values);
    sites.push_back(site);
  }
  json_value stacks = json_value::array();
  for (const auto& [calls, values] : paired_stacks(result)) {
    json_value stack = {{"calls", calls_json(calls)}};
    add_values(stack, values);
    stacks.push_back(stack);
  }
  json_value summary = json_value::object();
  add_values(summary, paired_sums(result));
  return json_text({{"schema", "strata-report-diff-1"},
                    {"this", recording_json(result.here)},
                    {"other", recording_json(result.other)},
                    {"figure", figure_name(result.here, result.here.figure)},
                    {"unit", is_size(result.here.figure) ? "bytes" : "blocks"},
                    {"summary", summary},
                    {"sites", sites},
                    {"stacks", stacks}});
}

}  // namespace strata::cli
