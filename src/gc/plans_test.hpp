// Every plan, for tests that run on each.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "gc/view/names.hpp"

namespace strata::gc {

inline const auto every_plan = testing::ValuesIn(all_plans);

inline std::string name_of_plan(const testing::TestParamInfo<plan>& of) {
  return name_of(of.param);
}

}  // namespace strata::gc
