// The clock that gives memory back, without a thread of its own: whoever allocates or frees drives
// it. The fast path counts allocations down in thread_state::tick; at 0, and at every slow
// operation that is slow anyway, the clock is looked at.
//
//   each thread, once a second    half of what its magazines hold goes to the shared levels
//   one thread, each 50 ms        the page heap purges what has waited long enough
//   one thread, once a second     depots lose what nobody took, bins their empty spans and free
//                                 pages; caches of idle threads are lifted
//   one thread, each 20 ms        one of its next allocations is guarded (guard.hpp)
//
// The work is bounded: a step takes at most an eighth of the time since the last one, so that giving
// 4 GB back neither stalls a busy program nor takes long in an idle one. With STRATA_CLOCK=0 none of it is done.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::alloc {

class thread_cache;

// Looks at the clock and does what is due. cache: the caller's.
void poll_clock(thread_cache* cache);

// Everything at once: the caller's cache, depots, bins, and all free pages but keep_bytes. Returns
// the bytes that went back to the system.
std::size_t trim_all(std::size_t keep_bytes);

// The process ends: stops it when a write past the end of a block in a cache shows (canary.hpp).
void check_cached();

// Asked for when memory has run out: empties what can be emptied without the system's help.
void reclaim();

// What entry does when the allocator has started in this process, and when a thread gets its cache: it
// arranges to hear of forks and of the thread's end. Weak and empty where there is no entry.
void process_started();
void thread_started();

// Called about ten times a second while the program allocates; set by entry, to publish statistics.
extern void (*publisher)();

}  // namespace strata::alloc
