// "Did you mean": names that are near to one that does not exist.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace strata::cli {

// How many characters must be added, removed, changed or swapped with their neighbour.
std::size_t distance_of(std::string_view a, std::string_view b);

// Up to `most` of the names that are near enough to be meant, the nearest first. Names count as near
// to their last part too: "node" to "tree::Node".
std::vector<std::string> near_names(std::string_view wanted, const std::vector<std::string>& names,
                                    std::size_t most);

}  // namespace strata::cli
