// Every plan, for tests that run on each.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "strata/gc/heap.hpp"

namespace strata::gc {

inline const auto every_plan = testing::Values(plan::semispace, plan::mark_sweep, plan::immix,
                                               plan::generational, plan::generational_concurrent);

inline std::string name_of_plan(const testing::TestParamInfo<plan>& of) {
  static const char* const names[] = {"semispace", "mark_sweep", "immix", "generational",
                                      "generational_concurrent"};
  return names[static_cast<std::size_t>(of.param)];
}

}  // namespace strata::gc
