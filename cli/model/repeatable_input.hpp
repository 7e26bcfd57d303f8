// Standard input for a program that is run several times.
#pragma once

#include "cli/model/file.hpp"

namespace strata::cli {

// A copy of ours, read to its end, which is to be rewound before each run; nothing when ours is a terminal.
// Not open: it failed, with errno.
descriptor repeatable_input();

}  // namespace strata::cli
