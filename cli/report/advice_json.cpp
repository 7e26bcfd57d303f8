// The JSON of `strata advise`; docs/advise.md explains its keys.
#include "cli/report/advice_report.hpp"
#include "cli/report/json.hpp"

namespace strata::cli {
namespace {

using advice::finding;

json_value finding_json(const finding& one) {
  const advice::site_facts& of = one.facts;
  return {{"kind", name_of(one.kind)},
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
}

}  // namespace

std::string advice_json(const advice_result& result) {
  json_value findings = json_value::array();
  for (const finding& one : result.found.findings) findings.push_back(finding_json(one));
  const json_value document = {{"schema", "strata-advice-1"},
                               {"file", result.file},
                               {"process", result.process.facts.number},
                               {"command", result.process.facts.command},
                               {"operations", result.found.trace.operations},
                               {"need_bytes", result.found.trace.peak_bytes},
                               {"peak_bytes", result.found.peak_bytes},
                               {"findings", findings}};
  return json_text(document);
}

}  // namespace strata::cli
