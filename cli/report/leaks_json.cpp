// The JSON of `strata leaks`; docs/leaks.md explains its keys.
#include "cli/model/capture/view.hpp"
#include "cli/report/json.hpp"
#include "cli/report/leaks_report.hpp"

namespace strata::cli {
namespace {

using leaks::check_result;
using leaks::leak_group;
using leaks::loss;
using leaks::totals;

json_value totals_json(const totals& of) { return {{"blocks", of.blocks}, {"bytes", of.bytes}}; }

template <typename Text>
json_value known(const Text& text) {
  return text == Text() ? json_value() : json_value(text);
}

json_value where_json(const capture::call_site& where) {
  return {{"function", where.function}, {"file", known(where.file)}, {"line", known(where.line)}};
}

json_value groups_json(const std::vector<leak_group>& of, const capture::view& view, bool is_lost) {
  json_value made = json_value::array();
  for (const leak_group& one : of) {
    json_value calls = json_value::array();
    for (const capture::call_site& call : view.stack(one.node)) calls.push_back(where_json(call));
    json_value group;
    if (is_lost) group["kind"] = one.kind == loss::definite ? "definite" : "indirect";
    group["site"] = where_json(view.site(one.node));
    group.update(totals_json(one.sum));
    group["calls"] = calls;
    made.push_back(group);
  }
  return made;
}

json_value cycles_json(const std::vector<leaks::cycle>& of, const capture::view& view) {
  json_value made = json_value::array();
  for (const leaks::cycle& one : of) {
    json_value steps = json_value::array();
    for (const leaks::cycle_step& step : one.steps) {
      steps.push_back({{"type", known(step.type)},
                       {"site", where_json(view.site(step.node))},
                       {"field", known(step.field)},
                       {"field_type", known(step.field_type)},
                       {"offset", step.offset}});
    }
    made.push_back({{"count", one.count},
                    {"objects", one.objects},
                    {"bytes", one.bytes},
                    {"is_enough", one.is_enough},
                    {"steps", steps}});
  }
  return made;
}

json_value check_json(const check_result& of) {
  const capture::view view(of.code, of.process);
  return {{"pid", of.process.facts.pid},
          {"executable", of.process.facts.executable},
          {"command", of.process.facts.command},
          {"when", name_of(of.when)},
          {"problem", known(of.problem)},
          {"live", totals_json(of.live)},
          {"reachable", totals_json(of.reachable)},
          {"definite", totals_json(of.definite)},
          {"indirect", totals_json(of.indirect)},
          {"suppressed", totals_json(of.suppressed)},
          {"lost", groups_json(of.groups, view, true)},
          {"held", groups_json(of.held, view, false)},
          {"cycles", cycles_json(of.cycles, view)}};
}

}  // namespace

std::string leaks_json(const leaks_result& result) {
  json_value checks = json_value::array();
  for (const check_result& one : result.checks) checks.push_back(check_json(one));
  return json_text({{"schema", "strata-leaks-1"},
                    {"command", result.command},
                    {"wait_status", result.wait_status},
                    {"has_leaks", result.has_leaks()},
                    {"checks", checks}});
}

}  // namespace strata::cli
