// The JSON of `strata report`; docs/report.md explains its keys.
#include <cmath>
#include <map>
#include <utility>

#include "cli/report/addresses_json.hpp"
#include "cli/report/calls_json.hpp"
#include "cli/report/capture_report.hpp"
#include "cli/report/mappings.hpp"

namespace strata::cli {
namespace {

using capture::stack_figures;

std::int64_t whole(double value) { return std::llround(value); }

json_value amount_json(const capture::amount& of) {
  return {{"blocks", whole(of.blocks)}, {"bytes", whole(of.bytes)}};
}

json_value figures_json(const stack_figures& of, capture_figure shown) {
  json_value lived = json_value::array();
  for (double one : of.lived) lived.push_back(whole(one));
  json_value made = {
      {"at_peak", amount_json(of.at_peak)},  {"at_end", amount_json(of.live)},
      {"total", amount_json(of.total)},      {"temporary_blocks", whole(of.temporary)},
      {"resized_blocks", whole(of.resized)}, {"lifetimes", lived}};
  if (shown == capture_figure::moment) made["at_moment"] = amount_json(of.at_moment);
  return made;
}

json_value mapped_json(const stack_figures& of, capture_figure shown) {
  const auto mappings = [](const capture::amount& much) {
    return json_value{{"mappings", whole(much.blocks)}, {"bytes", whole(much.bytes)}};
  };
  json_value lived = json_value::array();
  for (double one : of.lived) lived.push_back(whole(one));
  json_value made = {{"at_peak", mappings(of.at_peak)},
                     {"at_end", mappings(of.live)},
                     {"total", mappings(of.total)},
                     {"moved_mappings", whole(of.resized)},
                     {"lifetimes", lived}};
  if (shown == capture_figure::moment) made["at_moment"] = mappings(of.at_moment);
  return made;
}

json_value processes_json(const capture_result& result) {
  json_value made = json_value::array();
  for (const capture::recorded_process& one : result.recording.processes) {
    json_value status;
    if (one.has_ended && one.end.has_status) status = one.end.wait_status;
    made.push_back(
        {{"number", one.facts.number},
         {"pid", one.facts.pid},
         {"forked_from", one.facts.parent == 0 ? json_value() : json_value(one.facts.parent)},
         {"executable", one.facts.executable},
         {"command", one.facts.command},
         {"started_ms", one.facts.time_ms},
         {"ended_ms", one.has_ended ? json_value(one.end.time_ms) : json_value()},
         {"wait_status", status},
         {"peak_bytes", whole(one.memory.peak_bytes())},
         {"total", amount_json(one.memory.all().total)}});
  }
  return made;
}

json_value sizes_json(const capture::heap& of) {
  json_value made = json_value::array();
  for (std::size_t i = 0; i < of.by_size().size(); ++i) {
    if (of.by_size()[i].blocks == 0) continue;
    const std::uint64_t below = i == 64 ? UINT64_MAX : std::uint64_t{1} << i;
    made.push_back({{"below_bytes", below}, {"total", amount_json(of.by_size()[i])}});
  }
  return made;
}

json_value points_json(const std::vector<capture::curve_point>& of) {
  json_value made = json_value::array();
  for (const capture::curve_point& at : of) made.push_back({at.time_ms, whole(at.live_bytes)});
  return made;
}

json_value curve_json(const capture::recorded_process& of) {
  const json_value live = points_json(of.memory.curve());
  json_value resident = json_value::array();
  for (const capture::resident& at : of.curve) resident.push_back({at.time_ms, at.bytes});
  return {{"live_bytes", live}, {"resident_bytes", resident}};
}

json_value steps_json(const std::vector<capture::step_figures>& of) {
  json_value made = json_value::array();
  for (const capture::step_figures& one : of) {
    made.push_back({one.step, whole(one.made.blocks), whole(one.made.bytes),
                    whole(one.freed.blocks), whole(one.freed.bytes), whole(one.temporary)});
  }
  return made;
}

json_value stack_json(const capture::view& of, std::uint32_t node, call_form form,
                      place_numbers& frames) {
  json_value made = json_value::array();
  for (const capture::call_site& one : of.stack(node)) {
    made.push_back(form == call_form::numbered ? json_value(frames.of(one)) : where_json(one));
  }
  return made;
}

json_value site_json(const capture::site_figures& one, capture_figure shown) {
  json_value made = where_json(one.where);
  made["stacks"] = one.stacks;
  made.update(figures_json(one.figures, shown));
  return made;
}

json_value summary_json(const capture::heap& of, capture_figure shown) {
  json_value made = figures_json(of.all(), shown);
  made["peak_ms"] = of.peak_time_ms();
  made["unknown_frees"] = of.unknown_frees();
  return made;
}

// As summary, sites, stacks and curve of blocks are; null: the program tells of no pools.
json_value pools_json(const capture_result& result, call_form form, place_numbers& frames) {
  const capture::heap& all = result.process.pooled;
  if (all.events() == 0) return {};
  const capture::view view(result.recording, result.process, capture::memory_kind::pools);
  json_value pools = json_value::array();
  for (const capture::site_figures& one : view.pools()) {
    pools.push_back(site_json(one, result.figure));
  }
  place_numbers numbers;
  json_value sites = json_value::array();
  for (const capture::site_figures& one : view.sites()) {
    numbers.of(one.where);
    sites.push_back(site_json(one, result.figure));
  }
  json_value stacks = json_value::array();
  view.each_stack([&](std::uint32_t node, const stack_figures& figures) {
    json_value stack = {{"calls", stack_json(view, node, form, frames)},
                        {"site", numbers.of(view.site(node))}};
    stack.update(figures_json(figures, result.figure));
    stacks.push_back(stack);
  });
  return {{"summary", summary_json(all, result.figure)},
          {"pools", std::move(pools)},
          {"sites", std::move(sites)},
          {"stacks", std::move(stacks)},
          {"curve", points_json(all.curve())}};
}

// As summary, sites, stacks and curve of blocks are; null: the program mapped nothing.
json_value mappings_json(const capture_result& result, call_form form, place_numbers& frames) {
  const capture::mapped_memory& all = result.process.mapped;
  if (all.empty()) return {};
  const capture::view view(result.recording, result.process, capture::memory_kind::mappings);
  json_value summary = mapped_json(all.all(), result.figure);
  summary["peak_ms"] = all.peak_time_ms();
  summary["unknown_unmaps"] = all.unknown_unmaps();
  const auto about = mapped_about(view);
  place_numbers numbers;
  json_value sites = json_value::array();
  for (const capture::site_figures& one : view.sites()) {
    json_value site = where_json(one.where);
    numbers.of(one.where);
    site["stacks"] = one.stacks;
    site["kinds"] = mapped_kinds(about.at(one.where));
    site.update(mapped_json(one.figures, result.figure));
    sites.push_back(site);
  }
  json_value stacks = json_value::array();
  for (const auto& [node, one] : all.by_node()) {
    json_value stack = {{"calls", stack_json(view, node, form, frames)},
                        {"site", numbers.of(view.site(node))},
                        {"kinds", mapped_kinds(one.about)}};
    stack.update(mapped_json(one.sums, result.figure));
    stacks.push_back(stack);
  }
  return {{"summary", summary},
          {"sites", std::move(sites)},
          {"stacks", std::move(stacks)},
          {"curve", points_json(all.curve())}};
}

// Sites, stacks, the calls that these refer to by number, and the blocks that refer to stacks.
void add_places(const capture_result& result, call_form form, json_value& document) {
  const capture::view view(result.recording, result.process);
  place_numbers numbers;
  json_value sites = json_value::array();
  for (const capture::site_figures& one : view.sites()) {
    numbers.of(one.where);
    sites.push_back(site_json(one, result.figure));
  }
  json_value heaps = json_value::array();
  for (const capture::site_figures& one : view.heaps()) {
    heaps.push_back(site_json(one, result.figure));
  }
  document["heaps"] = std::move(heaps);
  place_numbers frames;
  stack_places places;
  json_value stacks = json_value::array();
  view.each_stack([&](std::uint32_t node, const stack_figures& figures) {
    places.emplace(node, stacks.size());
    json_value stack = {{"calls", stack_json(view, node, form, frames)},
                        {"site", numbers.of(view.site(node))}};
    stack.update(figures_json(figures, result.figure));
    stack["steps"] = steps_json(result.process.memory.steps().of(node));
    stacks.push_back(stack);
  });
  document["mappings"] = mappings_json(result, form, frames);
  document["pools"] = pools_json(result, form, frames);
  if (form == call_form::numbered) document["frames"] = frames.listed();
  document["sites"] = std::move(sites);
  document["stacks"] = std::move(stacks);
  document["address_map"] =
      result.addresses == nullptr ? json_value() : addresses_json(*result.addresses, places);
}

}  // namespace

json_value capture_facts(const capture_result& result) {
  const capture::capture& all = result.recording;
  const capture::recorded_process& one = result.process;
  return {{"file", result.file},
          {"command", all.facts.command},
          {"sample_bytes",
           all.facts.sample_bytes == 0 ? json_value() : json_value(all.facts.sample_bytes)},
          {"started_unix_s", all.facts.started_unix_s},
          {"length_ms", all.length_ms},
          {"events", all.events},
          {"is_complete", all.is_complete},
          {"is_rolled_up", all.is_rolled_up},
          {"is_cut", all.is_broken},
          {"lost",
           {{"events", all.lost.events},
            {"stacks", all.lost.stacks},
            {"threads", all.lost.threads},
            {"samples", all.lost.samples}}},
          {"processes", processes_json(result)},
          {"process", one.facts.number},
          {"moment_ms",
           result.figure == capture_figure::moment ? json_value(result.moment_ms) : json_value()},
          {"summary", summary_json(one.memory, result.figure)},
          {"lifetime_limits_ms", capture::lifetime_limits_ms},
          {"sizes", sizes_json(one.memory)},
          {"curve", curve_json(one)},
          {"step_ms", one.memory.steps().is_empty() ? json_value()
                                                    : json_value(one.memory.steps().step_ms())}};
}

json_value capture_document(const capture_result& result, call_form calls) {
  json_value document = {{"schema", "strata-report-1"}};
  document.update(capture_facts(result));
  add_places(result, calls, document);
  return document;
}

std::string capture_json(const capture_result& result) {
  return json_text(capture_document(result, call_form::written_out));
}

}  // namespace strata::cli
