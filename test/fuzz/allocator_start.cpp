// How the allocator starts in a fuzzer, which calls it by Strata's own names and keeps its own malloc: in
// place of src/entry/process.cpp. No block is guarded unless the environment says so, for which one is
// would depend on the clock.
#include <cstdlib>

#include "alloc/allocate.hpp"
#include "alloc/clock.hpp"
#include "entry/watched.hpp"

namespace {

__attribute__((constructor)) void process_starts() {
  setenv("STRATA_GUARD_MS", "0", 0);
  // Where a sanitizer answers malloc the allocator would leave its work to that; here it may not.
  strata::entry::watched::malloc_server.store(strata::entry::watched::server::strata,
                                              std::memory_order_relaxed);
  strata::alloc::start();
}

}  // namespace

// Threads leave nothing: there is one.
void strata::alloc::process_started() {}
void strata::alloc::thread_started() {}
