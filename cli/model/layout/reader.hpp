// Reads all records out of debug information (DWARF 2 to 5).
#pragma once

#include "cli/model/layout/debug_info.hpp"
#include "cli/model/layout/record.hpp"

namespace strata::cli::layout {

// Declarations and static members are left out. O(entries of the debug information); of records that
// many units define one is kept.
catalogue read_records(const debug_info& from);

}  // namespace strata::cli::layout
