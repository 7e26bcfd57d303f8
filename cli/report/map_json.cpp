// The figures of `strata map` as JSON.
#include "cli/report/json.hpp"
#include "cli/report/map_report.hpp"

namespace strata::cli {
namespace {

void add_usage(json_value& to, const map::usage& memory, bool is_known) {
  const auto value = [&](std::uint64_t bytes) {
    return is_known ? json_value(bytes) : json_value();
  };
  to["resident_bytes"] = value(memory.resident_bytes);
  to["proportional_bytes"] = value(memory.proportional_bytes);
  to["dirty_bytes"] = value(memory.dirty_bytes);
  to["swapped_bytes"] = value(memory.swapped_bytes);
  to["huge_bytes"] = value(memory.huge_bytes);
  to["locked_bytes"] = value(memory.locked_bytes);
}

json_value total_json(const purpose_total& one, bool is_known) {
  json_value made = {{"mappings", one.mappings}, {"size_bytes", one.bytes}};
  add_usage(made, one.memory, is_known);
  return made;
}

json_value mapping_json(const map::mapping& one, bool is_known) {
  json_value made = {{"start", one.start},
                     {"end", one.end},
                     {"permissions", one.permissions},
                     {"path", one.path},
                     {"purpose", map::name_of(one.what)},
                     {"label", one.label}};
  add_usage(made, one.memory, is_known);
  return made;
}

json_value allocator_json(const map_result& result) {
  if (!result.allocator || !result.allocator_note.empty()) return {};
  const map::allocator_view& view = *result.allocator;
  json_value states = json_value::object();
  for (std::size_t i = 0; i < map::page_state_count; ++i) {
    states[map::name_of(map::page_state{static_cast<std::uint8_t>(i)})] = {
        {"bytes", view.state_bytes[i]},
        {"resident_bytes",
         view.is_residence_known ? json_value(view.resident_bytes[i]) : json_value()}};
  }
  json_value classes = json_value::array();
  for (const map::class_use& one : view.classes) {
    classes.push_back({{"block_bytes", one.block_bytes},
                       {"spans", one.spans},
                       {"blocks", one.blocks},
                       {"free_blocks", one.free_blocks}});
  }
  return {{"library", view.library},           {"sparse", view.is_sparse},
          {"page_bytes", view.page_bytes},     {"heap", states},
          {"large_runs", view.large_runs},     {"mapped_blocks", view.mapped_blocks},
          {"mapped_bytes", view.mapped_bytes}, {"classes", classes}};
}

}  // namespace

std::string map_json(const map_result& result) {
  const bool is_known = result.space.has_usage;
  json_value purposes = json_value::object();
  for (const purpose_total& one : totals_of(result.space)) {
    if (one.mappings > 0) purposes[map::name_of(one.what)] = total_json(one, is_known);
  }
  json_value mappings = json_value::array();
  for (const map::mapping& one : result.space.mappings) {
    mappings.push_back(mapping_json(one, is_known));
  }
  return json_text({{"schema", "strata-map-1"},
                    {"source", result.space.source},
                    {"program", result.space.program},
                    {"totals", total_json(sum_of(result.space), is_known)},
                    {"purposes", purposes},
                    {"allocator", allocator_json(result)},
                    {"allocator_note", result.allocator_note},
                    {"mappings", mappings}});
}

}  // namespace strata::cli
