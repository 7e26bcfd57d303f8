// What a process that is not timed counts of its routed blocks (wire/routes.hpp).
#pragma once

#include "wire/routes.hpp"

namespace strata::route {

// Null: nothing is counted.
inline constinit wire::routed_process* figures = nullptr;

// relaxed, both: the command reads them when the process has ended.
inline void count_spared(std::uint64_t more) {
  if (figures != nullptr) figures->spared.fetch_add(more, std::memory_order_relaxed);
}
inline void count_reset() {
  if (figures != nullptr) figures->resets.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace strata::route
