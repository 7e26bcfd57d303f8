// What the program has in its hands, counted exactly when STRATA_COUNT is on. Each thread counts for
// itself; the change of its live bytes goes to the shared total whenever it reaches 64 KiB, so the
// peak is exact to within that much a thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::alloc {

class thread_cache;
struct counters;

namespace live {

void note_start();
std::uint64_t started_ns();

// number: a size class or plain twin, or large_kind (thread_cache.hpp). Nothing is done unless counting. cache may be null.
void count_allocation(thread_cache* cache, std::size_t number, std::size_t requested,
                      std::size_t usable);
void count_free(thread_cache* cache, std::size_t number, std::size_t usable);
// The same for `blocks` blocks of together `usable` bytes.
void count_frees(thread_cache* cache, std::size_t number, std::size_t blocks, std::size_t usable);
void count_failure();
// A thread exits: what it has not yet told the shared total.
void settle(counters& counts);

// In usable bytes.
std::uint64_t peak_bytes();
std::uint64_t failures();

}  // namespace live
}  // namespace strata::alloc
