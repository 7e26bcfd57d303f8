// Sends the blocks of one site to a place of their own, while the program runs as it is: what
// `strata advise --try` preloads. The site is known by the stack (site.hpp), a block by its address
// (region.hpp). Each thread has its own part of the place (seat.hpp); what others free comes back by atomics.
//
//   malloc --> its caller is the site? --no--> the heap          free --> in the region? --no--> the heap
//                       | yes                                                  | yes
//                       v                                                      v
//                  arena or cells of the thread's seat               its chunk's seat
//
// Takes no lock. A handler that interrupts it may allocate and free in turn. What there is no room for goes to
// the heap.
#pragma once

#include "route/figures.hpp"
#include "route/region.hpp"
#include "route/site.hpp"

namespace strata::route {

enum class phase : std::uint8_t { before, attaching, on, off };
extern std::atomic<phase> now __attribute__((visibility("hidden")));

// By the first allocation. False: nothing is routed.
bool attach();

inline bool is_on() {
  // acquire: what attach has made. On x86 and in practice on ARM a plain load.
  phase seen = now.load(std::memory_order_acquire);
  if (STRATA_UNLIKELY(seen == phase::before)) return attach();
  return seen == phase::on;
}

inline bool watches() { return figures != nullptr; }  // the process counts
bool trims();
std::uint64_t moment_step();
wire::route_place place();

// A block of the place, for the site; null: the heap is to serve it.
void* allocate(std::size_t size, std::size_t alignment);
inline bool owns(const void* block) { return region::owns(block); }
// Of what is owned. Anything but a live block stops the process.
void deallocate(void* block);
// The same for a block that has moved, which is no operation of the program.
void give_back(void* block);
std::size_t usable_size(void* block);
// Whether the block can have this size where it is.
bool stays(void* block, std::size_t size);
// Stops the process unless a block of this size and alignment would be as long, or could be by now.
enum class told_size { exactly, perhaps_reallocated };
void check_size(void* block, std::size_t size, std::size_t alignment, told_size told);

// What the thread made last is no new block of the place.
void note_other_block();

void thread_exits();
void forked_in_child();

}  // namespace strata::route
