// The JSON report of `strata run`; docs/run.md documents its schema.
#include <sys/wait.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/report/json.hpp"
#include "cli/report/run_report.hpp"

namespace strata::cli {
namespace {

json_value classes_of(const strata_stats& stats) {
  json_value classes = json_value::array();
  for (std::uint32_t i = 0; i < stats.class_count; ++i) {
    const strata_class_stats& c = stats.classes[i];
    classes.push_back({{"size", c.size},
                       {"allocations", c.allocations},
                       {"frees", c.frees},
                       {"requested_bytes", c.requested},
                       {"live_blocks", c.live_blocks},
                       {"cached_blocks", c.cached_blocks},
                       {"free_slots", c.free_slots},
                       {"spans", c.spans}});
  }
  return classes;
}

json_value histogram_of(const strata_stats& stats) {
  json_value histogram = json_value::array();
  for (int i = 0; i < STRATA_STATS_HISTOGRAM; ++i) {
    if (stats.histogram[i] == 0) continue;
    histogram.push_back({{"up_to_bytes", 1ull << i}, {"allocations", stats.histogram[i]}});
  }
  return histogram;
}

json_value figure_of(std::uint64_t value) {
  return value == STRATA_WATCH_NONE ? json_value() : json_value(value);
}

json_value resources_of(const process_figures& figures) {
  json_value resources = json_value::array();
  for (const strata_watch_row& row : figures.resources) {
    resources.push_back({{"name", row.name},
                         {"kind", row.kind},
                         {"instances", row.instances},
                         {"made", row.made},
                         {"live_bytes", figure_of(row.live_bytes)},
                         {"live_blocks", figure_of(row.live_blocks)},
                         {"held_bytes", figure_of(row.held_bytes)},
                         {"peak_live_bytes", figure_of(row.peak_live_bytes)}});
  }
  return resources;
}

double seconds_between(std::uint64_t from_ns, std::uint64_t to_ns) {
  return to_ns > from_ns ? static_cast<double>(to_ns - from_ns) * 1e-9 : 0;
}

json_value process_of(const process_figures& stats, const run_result& result, bool main) {
  return {{"pid", stats.pid},
          {"parent_pid", stats.parent_pid},
          {"program", stats.program},
          {"main", main},
          {"counted", (stats.flags & STRATA_STATS_COUNTED) != 0},
          {"final", (stats.flags & STRATA_STATS_FINAL) != 0},
          {"sparse", (stats.flags & STRATA_STATS_SPARSE) != 0},
          {"started_seconds", seconds_between(result.end.started_ns, stats.started_ns)},
          {"taken_seconds", seconds_between(result.end.started_ns, stats.taken_ns)},
          {"allocations", stats.allocations},
          {"frees", stats.frees},
          {"failures", stats.failures},
          {"live_blocks", stats.live_blocks},
          {"live_bytes", stats.live_bytes},
          {"peak_live_bytes", stats.peak_live_bytes},
          {"rounding_bytes", stats.rounding_bytes},
          {"free_slot_bytes", stats.free_slot_bytes},
          {"cached_bytes", stats.cached_bytes},
          {"retained_bytes", stats.retained_bytes},
          {"metadata_bytes", stats.metadata_bytes},
          {"otherwise_bytes", resident_parts(stats).back().bytes},
          {"large_blocks", stats.large_blocks},
          {"large_bytes", stats.large_bytes},
          {"returned_bytes", stats.returned_bytes},
          {"returns", stats.returns},
          {"resident_bytes", stats.resident_bytes},
          {"peak_resident_bytes", stats.peak_resident_bytes},
          {"limit_bytes", stats.limit_bytes},
          {"threads", stats.threads},
          {"histogram", histogram_of(stats)},
          {"classes", classes_of(stats)},
          {"resources", resources_of(stats)},
          {"unlisted_resources", stats.unlisted_resources}};
}

}  // namespace

std::string run_json(const run_result& result) {
  const process_figures* main = result.tree.last_of(result.pid);
  json_value processes = json_value::array();
  for (const process_figures& stats : result.tree.processes) {
    processes.push_back(process_of(stats, result, &stats == main));
  }
  const tree_totals totals = totals_of(result.tree);
  const json_value document = {{"schema", "strata-run-1"},
                               {"program", result.program},
                               {"library", result.library},
                               {"sanitizer", result.sanitizer},
                               {"pid", result.pid},
                               {"end", ending_json(result.end)},
                               {"totals",
                                {{"allocations", totals.allocations},
                                 {"frees", totals.frees},
                                 {"peak_live_bytes", totals.peak_live_bytes},
                                 {"peak_resident_bytes", totals.peak_resident_bytes}}},
                               {"unreadable_files", result.tree.unreadable},
                               {"processes", processes}};
  return json_text(document);
}

}  // namespace strata::cli
