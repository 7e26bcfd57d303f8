// Reads a time as people write it: 250ms, 1.5s, 2min.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace strata::cli {

// The milliseconds that text stands for, rounded to the nearest. The unit, one of ms, s, min and h, must be
// there. Nothing for what is no time, or is longer than a hundred years.
std::optional<std::uint64_t> parse_ms(std::string_view text);

}  // namespace strata::cli
