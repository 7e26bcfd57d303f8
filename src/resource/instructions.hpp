// How much work something is, counted: what is to take constant time is tested without a clock.
#pragma once

#include <functional>
#include <optional>

namespace strata {

// How many instructions the work takes, in a child that is stepped through them; none where the system
// doesn't let us.
std::optional<long> instructions_of(const std::function<void()>& work);

}  // namespace strata
