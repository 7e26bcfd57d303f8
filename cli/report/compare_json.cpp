// The JSON report of `strata compare`; docs/compare.md documents its schema.
#include "cli/report/compare_report.hpp"
#include "cli/report/json.hpp"

namespace strata::cli {
namespace {

const char* key_of(channel which) {
  return which == channel::status ? "status" : which == channel::output ? "stdout" : "stderr";
}

const char* word_of(verdict against) {
  switch (against) {
    case verdict::lower:
      return "lower";
    case verdict::higher:
      return "higher";
    case verdict::same:
      return "same";
    case verdict::unknown:
      break;
  }
  return "unknown";
}

json_value metric_of(const contest& all, const contender& who, const metric& what) {
  const auto values = sample_of(who, what);
  const auto base = sample_of(all.base(), what);
  const spread range = spread_of(values);
  const double base_median = spread_of(base).median;
  return {{"median", range.median},
          {"lowest", range.lowest},
          {"highest", range.highest},
          {"ratio", base_median > 0 ? json_value(range.median / base_median) : json_value()},
          {"against_base",
           word_of(&who == &all.base() ? verdict::same : compare_samples(values, base))}};
}

json_value contender_of(const contest& all, const contender& who) {
  json_value differs = json_value::array();
  for (const channel which : all.differences(who)) differs.push_back(key_of(which));
  json_value runs = json_value::array();
  for (const ending& end : who.runs) runs.push_back(ending_json(end));
  return {{"name", who.choice.name},
          {"library", who.choice.library.empty() ? json_value() : json_value(who.choice.library)},
          {"differs", differs},
          {"wall_seconds", metric_of(all, who, metrics[0])},
          {"processor_seconds", metric_of(all, who, metrics[1])},
          {"peak_resident_bytes", metric_of(all, who, metrics[2])},
          {"runs", runs}};
}

}  // namespace

std::string compare_json(const contest& all) {
  json_value repeatable = json_value::object();
  for (const channel which : channels) repeatable[key_of(which)] = all.repeatable(which);
  json_value contenders = json_value::array();
  for (const contender& who : all.contenders) contenders.push_back(contender_of(all, who));
  return json_text({{"schema", "strata-compare-1"},
                    {"program", all.program},
                    {"runs", all.runs},
                    {"warmup", all.warmup},
                    {"repeatable", repeatable},
                    {"launch_floor_bytes", all.floor_bytes},
                    {"allocators", contenders}});
}

}  // namespace strata::cli
