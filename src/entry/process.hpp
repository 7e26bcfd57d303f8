// Start-up, thread exit and fork: how the allocator lives in a process. See process.cpp.
#pragma once

namespace strata::entry {

// Writes the process's statistics where STRATA_STATS_DIR says; called by the clock and at exit.
void publish_statistics();
// The process ends: publishes for the last time.
void publish_final_statistics();
// Once more, after that, as more has become known of resources. Before it: nothing.
void publish_resources_at_end();

}  // namespace strata::entry
