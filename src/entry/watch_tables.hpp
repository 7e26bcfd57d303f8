// What a program's resources say of themselves: libraries that have such tables (strata/watch.h) show them
// to us, and we copy them when statistics are taken. We call nothing of theirs, so that it makes no
// difference which thread takes statistics, and what it was in the middle of.
#pragma once

#include <strata/watch.h>

namespace strata::entry {

// The rows of all tables, as many as there is room for.
void take_resources(strata_watch_table& out);
void reset_resources_in_child();

}  // namespace strata::entry
