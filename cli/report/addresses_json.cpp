#include "cli/report/addresses_json.hpp"

namespace strata::cli {
namespace {

json_value others_json(const capture::address_map& of) {
  if (of.others.empty()) return {};
  json_value ranges = json_value::array();
  for (const capture::address_range& one : of.others) {
    ranges.push_back({one.start, one.blocks, one.bytes});
  }
  return {{"range_bytes", of.range_bytes}, {"ranges", std::move(ranges)}};
}

json_value map_json(const char* moment, const capture::address_map& of,
                    const stack_places& places) {
  json_value blocks = json_value::array();
  for (const capture::placed_block& one : of.blocks) {
    const auto stack = places.find(one.node);
    blocks.push_back({one.address, one.size,
                      stack == places.end() ? json_value() : json_value(stack->second),
                      one.time_ms});
  }
  return {{"moment", moment},
          {"time_ms", of.time_ms},
          {"live", {{"blocks", of.count}, {"bytes", of.bytes}}},
          {"pages", of.pages},
          {"extent_bytes", of.extent_bytes},
          {"blocks", std::move(blocks)},
          {"others", others_json(of)}};
}

}  // namespace

json_value addresses_json(const capture::address_maps& maps, const stack_places& places) {
  json_value made = json_value::array();
  if (maps.at_peak) made.push_back(map_json("peak", *maps.at_peak, places));
  made.push_back(map_json("end", maps.at_end, places));
  if (maps.at_moment) made.push_back(map_json("time", *maps.at_moment, places));
  return {{"page_bytes", capture::map_page_bytes}, {"maps", std::move(made)}};
}

}  // namespace strata::cli
