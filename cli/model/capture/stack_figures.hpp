// What the blocks, or mappings, of one stack amount to, or of several together.
#pragma once

#include <array>
#include <cstdint>

#include "cli/model/capture/amount.hpp"
#include "cli/model/capture/bytes.hpp"

namespace strata::cli::capture {

// How long blocks lived, up to these many milliseconds, and longer.
inline constexpr std::array<std::uint64_t, 6> lifetime_limits_ms = {1,     10,     100,
                                                                    1'000, 10'000, 100'000};
using lifetimes = std::array<double, lifetime_limits_ms.size() + 1>;
// The place there of a block that lived so long.
std::size_t lifetime_class(std::uint64_t ms);

struct stack_figures {
  amount live;
  amount at_peak;
  amount at_moment;  // that was asked for, by keep_moment
  amount total;
  double temporary = 0;          // freed by their thread before it allocated again
  double resized = 0;            // of the total, those that came of realloc
  double gone_less_come_ms = 0;  // when blocks went, summed up, less when they came; see life_ms
  lifetimes lived{};

  stack_figures& operator+=(const stack_figures& other);
  // How long its blocks have lived, summed up, at a time when no more has happened.
  double life_ms(std::uint64_t now_ms) const {
    return gone_less_come_ms + live.blocks * static_cast<double>(now_ms);
  }
};

// As files have them: without what was live at a moment.
void put(byte_writer& to, const stack_figures& of);
stack_figures get_figures(byte_reader& from);

}  // namespace strata::cli::capture
