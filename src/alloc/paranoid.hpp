// Paranoid hardening (STRATA_HARDEN=paranoid): what is put around the tiers so that stray writes and
// uses of freed memory are found. Every operation then takes the slow way.
//
//   a block   | the program's bytes: size | pattern ... | seal: 8 bytes |      room of its class or run
//
//     seal      the size, encoded with a secret and the address. It is checked at free, at realloc and
//               by malloc_usable_size, and tells the exact size
//     pattern   one secret byte repeated; also wrong where somebody wrote past the size
//
//   freed     all bytes zero. The block waits in the quarantine, first in, first out, until 2048 others
//             or 16 MiB have come after it; then it must still be zero, and again when it is handed
//             out anew. A large block is inaccessible while it waits
//   new       filled with junk, unless it is to be zero
//   large     between two inaccessible pages
//
// Blocks of first-class heaps have no seal and no quarantine.
//
// The mechanisms are those of hardened_malloc (slab canaries, zero on free, write-after-free check,
// quarantines) and, older, Electric Fence (guard pages).
#pragma once

#include <cstddef>

#include "ground/address_map.hpp"

namespace strata::alloc {
struct block_row;
}

namespace strata::alloc::paranoid {

// Reads the option; before anything is allocated.
void set_up();
extern bool chosen __attribute__((visibility("hidden")));
inline bool on() { return chosen; }

// A block is handed out. Stops the process when somebody has written to it while it was free.
void seal(void* block, std::size_t room, std::size_t size, bool zero);
// The same for a large block, whose bytes are as the caller made them.
void seal_large(void* block, std::size_t room, std::size_t size);
// The size of a live block; stops the process when something was written behind it.
std::size_t size_of(const void* block, std::size_t room);

// What waits in the quarantine. number: the class, or large_kind; item: the block, or its descriptor.
struct waiting {
  void* item = nullptr;
  std::size_t number = 0;
  std::size_t bytes = 0;
};
inline constexpr std::size_t most_leaving = 4;
// Puts one in; returns how many leave for it. Those are the caller's.
std::size_t push(const waiting& one, waiting (&leaving)[most_leaving]);
// Takes the oldest out; false when there is none.
bool pop(waiting& oldest);

// A freed block, all of it.
void wipe(void* block, std::size_t room);
// Stops the process when the block is not as wipe left it.
void check_wiped(const void* block, std::size_t room);
// Checks all that waits. For the end of the process.
void check_waiting();

// Mixes up the order in which blocks will be handed out.
void shuffle(block_row* rows, std::size_t row_count);

void lock_for_fork();
void unlock_after_fork();
void reset_in_child();

}  // namespace strata::alloc::paranoid
