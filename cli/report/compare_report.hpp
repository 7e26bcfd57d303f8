// The reports of `strata compare`: text for people, JSON for programs (docs/compare.md explains
// both).
#pragma once

#include <string>

#include "cli/model/contest.hpp"
#include "cli/report/style.hpp"

namespace strata::cli {

std::string compare_text(const contest& all, const style& look);
std::string compare_json(const contest& all);

}  // namespace strata::cli
