// The reports of `strata run`: text for people, JSON for programs (docs/run.md explains both).
#pragma once

#include <string>

#include "cli/model/run_result.hpp"
#include "cli/report/style.hpp"

namespace strata::cli {

std::string run_text(const run_result& result, const style& look);
std::string run_json(const run_result& result);

}  // namespace strata::cli
