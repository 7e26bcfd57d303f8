// Where the verbs that replay have their helpers from.
#pragma once

#include "cli/model/replay/replay.hpp"

namespace strata::cli {

// limit_s: of each pass.
replay::replay_options replay_setup(int limit_s);

}  // namespace strata::cli
