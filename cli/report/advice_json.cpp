// The JSON of `strata advise`; docs/advise.md explains its keys.
#include "cli/report/advice_report.hpp"
#include "cli/report/json.hpp"

namespace strata::cli {
namespace {

using advice::finding;

json_value type_json(const advice::padded_type& of) {
  return {{"name", of.name},
          {"bytes", of.bytes},
          {"better_bytes", of.better_bytes},
          {"order", of.order},
          {"objects_at_peak", of.objects},
          {"objects_by_source", of.objects_by_source}};
}

json_value finding_json(const finding& one) {
  const advice::site_facts& of = one.facts;
  json_value made = {
      {"kind", name_of(one.kind)},
      {"function", one.where.function},
      {"file", one.where.file.empty() ? json_value() : json_value(one.where.file)},
      {"line", one.where.line == 0 ? json_value() : json_value(one.where.line)},
      {"blocks", of.blocks},
      {"bytes", of.bytes},
      {"least_bytes", of.least_bytes},
      {"most_bytes", of.most_bytes},
      {"most_live", of.most_live},
      {"frees", of.frees},
      {"mean_lifetime_ms", of.frees == 0 ? json_value()
                                         : json_value(static_cast<double>(of.lived_ms) /
                                                      static_cast<double>(of.frees))},
      {"temporary_blocks", of.temporary},
      {"growths", of.growths},
      {"growths_by_realloc", of.resizes},
      {"copied_bytes", of.copied_bytes},
      {"waves", of.waves},
      {"wave_blocks", of.wave_blocks},
      {"pinned_bytes", of.pinned_bytes},
      {"pinned_pages", of.pinned_pages},
      {"pinning_blocks", of.pinning_blocks},
      {"saved_operations", one.saved_operations},
      {"saved_bytes", one.saved_bytes()},
      {"before_bytes", one.before_bytes},
      {"after_bytes", one.after_bytes},
      {"before_ns", one.before_ns},
      {"after_ns", one.after_ns}};
  made["type"] = one.type ? type_json(*one.type) : json_value();
  return made;
}

json_value metric_json(const contest& all, std::size_t number, const metric& what) {
  const contender& who = all.contenders[number];
  const spread range = spread_of(sample_of(who, what));
  return {{"median", range.median}, {"lowest", range.lowest}, {"highest", range.highest}};
}

json_value contender_json(const contest& all, std::size_t number) {
  json_value differs = json_value::array();
  for (const channel which : all.differences(all.contenders[number]))
    differs.push_back(name_of(which));
  return {{"wall_seconds", metric_json(all, number, metrics[0])},
          {"processor_seconds", metric_json(all, number, metrics[1])},
          {"peak_resident_bytes", metric_json(all, number, metrics[2])},
          {"differs", differs}};
}

json_value attempt_json(const advice_result& result) {
  const advice::attempt& one = *result.tried;
  return {{"number", result.number},
          {"place", name_of(one.place)},
          {"command", one.runs.program},
          {"blocks", one.routed.blocks},
          {"resets", one.routed.resets},
          {"operations", one.plain.operations},
          {"saved_operations", one.saved_operations},
          {"saved_bytes", one.saved_bytes()},
          {"before_bytes", one.before_bytes},
          {"after_bytes", one.after_bytes},
          {"runs", one.runs.runs},
          {"as_it_is", contender_json(one.runs, advice::attempt::as_it_is)},
          {"site_found", contender_json(one.runs, advice::attempt::site_found)},
          {"routed", contender_json(one.runs, advice::attempt::is_routed)}};
}

}  // namespace

std::string advice_json(const advice_result& result) {
  json_value findings = json_value::array();
  for (const finding& one : result.found.findings) findings.push_back(finding_json(one));
  json_value document = {{"schema", "strata-advice-1"},
                         {"file", result.file},
                         {"process", result.process.facts.number},
                         {"command", result.process.facts.command},
                         {"operations", result.found.trace.operations},
                         {"need_bytes", result.found.trace.peak_bytes},
                         {"peak_bytes", result.found.peak_bytes},
                         {"findings", findings}};
  if (result.tried != nullptr) document["tried"] = attempt_json(result);
  return json_text(document);
}

}  // namespace strata::cli
