// The address maps of a recording in the JSON of `strata report`.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "cli/model/capture/address_map.hpp"
#include "cli/report/json.hpp"

namespace strata::cli {

// Where each stack is in the document, by node.
using stack_places = std::unordered_map<std::uint32_t, std::size_t>;

json_value addresses_json(const capture::address_maps& maps, const stack_places& places);

}  // namespace strata::cli
