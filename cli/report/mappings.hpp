// How reports tell what mappings are.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "cli/model/capture/view.hpp"

namespace strata::cli {

// "file, reserved": all that the mappings of one place were.
std::string mapped_kinds(std::uint16_t about);
// By site. of: a view of mappings.
std::map<capture::call_site, std::uint16_t> mapped_about(const capture::view& of);

}  // namespace strata::cli
