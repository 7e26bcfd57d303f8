// Guarded blocks: now and then a block of malloc's lies alone between inaccessible pages, so that an
// access past it, before it or after its free faults at once, in a program that runs as it always does.
// Over many hours or many machines the rare stray access is met.
//
//   pool   | page | slot 0 | page | slot 1 | page | ... | slot 255 | page |      all inaccessible, but
//
//   a live block at the right:    |- - - - - - - - - - -|pattern| size bytes |p|    inaccessible page
//          or at the left:        |size bytes | pattern |- - - - - - - - - - - -|
//
//     at random   right for what runs over the end, left for what runs under the start
//     p           up to 15 bytes: at the right it is aligned to 16, below 16 bytes to 8
//     pattern     up to the ends of its OS pages; checked at free
//
//   slot   unused --> live --> freed --> live --> ...      the slot that was freed first is next
//
// A freed slot is inaccessible, holds no memory, and keeps both stacks until it is needed again. Of
// 256 slots, at a block each 20 ms that is soon freed, that takes five seconds.
//
// Which block: the clock (clock.hpp) finds that one is due in the process, and the thread that looked
// guards the allocation at which its tick, set anew to a random value, runs out. Programs start with a
// pause; and each 16 blocks that stay live double it, so that blocks that are never freed can't take
// all slots, nor more than 8 MiB.
//
// The pool lies outside of the heap, where the address map has no marks. So guarded blocks cost the fast
// path nothing: free, realloc and their kin are on the slow way when they ask owns().
//
// Never guarded: blocks above 32 KiB, of first-class heaps, aligned to more than an OS page, and all
// under paranoid hardening, which has means of its own. Where the system refuses, the block is an
// ordinary one.
//
// One lock guards the slots; messages, which come when the process ends, read them without.
//
// The idea is Electric Fence's (Perens, 1987), and that of a sample GWP-ASan's (Serebryany et al., 2023).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ground/size_class.hpp"

namespace strata::alloc::guard {

// Reads the options; before anything is allocated.
void set_up();
// Every block is to be guarded.
extern bool every_one __attribute__((visibility("hidden")));
inline bool all() { return every_one; }

// True for one caller when it is time for a guarded block.
bool is_due(std::uint64_t now_ms);
// At random from 0 to most.
std::int32_t some_of(std::int32_t most);

// number: the class that the block counts as. Null: none can be had.
void* allocate(std::size_t size, std::size_t alignment, std::size_t number);

// Whether the address lies in the pool. Any address.
bool owns(const void* address);

// For addresses in the pool. They stop the process when no live block starts there.
void deallocate(void* block);
std::size_t size_of(const void* block);
// What a block of its class would hold.
std::size_t room_of(const void* block);
// The block was freed with a size that it does not have.
[[noreturn]] void stop_for_size(const void* block);

struct block_info {
  void* start;
  std::size_t size;
  std::size_t number;
};
// The first live block from the slot on, and *slot is then its; false when there is none.
bool next_live(std::size_t& slot, block_info& found);

// Memory of all live blocks. In a forked child, or to look at.
std::size_t held_bytes();
void lock_for_fork();
void unlock_after_fork();
void reset_in_child();

}  // namespace strata::alloc::guard
