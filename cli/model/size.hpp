// Reads a size as people write it: 4096, 64K, 64KiB, 2G.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace strata::cli {

// The bytes that text stands for. Suffixes K, M, G and T (also KB, KiB, in any case) are powers of
// 1024. Nothing for empty, negative, fractional or too large sizes.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace strata::cli
