// The address map: what lies at an address. Every face asks it.
//
//   block map   one byte a granule of 16 bytes: the *mark* of the live small block that starts
//               there, 0 where none does. So "is this a live block, and of which class?" is one
//               load, and the answer is exact: not for interior, freed or foreign addresses.
//               Large blocks have no mark; the page map tells of them.
//   page map    one pointer a page: the run that the page belongs to (page_heap.hpp)
//
// Contiguous ground: the heap is one reservation and the block map one flat array over the whole
// user address space, of which only the heap's part is ever written:
//
//   0                    heap_base          heap_end                     2^47
//   |- - - - - - - - - - |##### heap #######| - - - - - - - - - - - - - - |   addresses
//   |0 0 0 0 0 0 0 0 0 0 |m m 0 m 0 0 m 0 m | 0 0 0 0 0 0 0 0 0 0 0 0 0 0 |   marks[address / 16]
//
// Reading the untouched parts costs no memory: the kernel backs them with one page of zeros. This is
// Go 1.10's contiguous arena (runtime/malloc.go) with AddressSanitizer's kind of shadow.
//
// Sparse ground, where the system does not grant that much address space: pieces of 4 MiB, each with
// its own marks and pages, found through a table of two levels (Go 1.11's heapArena). The flat array
// is then empty, so that the allocator's fast path, which only knows it, always takes the slow way.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "ground/size_class.hpp"

namespace strata::ground {

struct chunk;
struct run;

// Marks. 1 .. class_count - 1 are the size classes of small blocks.
using mark = std::uint8_t;
inline constexpr mark mark_none = 0;
inline constexpr mark mark_heap = class_count;  // a small block of a first-class heap
inline constexpr std::size_t mark_count = class_count + 1;

// What the fast path reads: nothing else of the map.
struct flat_map {
  mark* marks;           // marks[address / granule_bytes]
  std::uintptr_t limit;  // the last index that may be looked up; 0 on sparse ground
};
extern flat_map flat __attribute__((visibility("hidden")));

// A stretch of the heap with its tables.
struct region {
  std::uintptr_t start = 0;
  std::atomic<std::size_t> bytes = 0;    // in use; grows on contiguous ground
  mark* marks = nullptr;                 // of the granule at start
  run** pages = nullptr;                 // of the page at start
  chunk* chunks = nullptr;               // of the chunk at start
  std::uint64_t* free_chunks = nullptr;  // bit row: chunks without a used page
};

// A page: the unit of runs. At least 8 KiB, at least the system's.
std::size_t page_bytes();
unsigned page_shift();

enum class ground_kind { none, contiguous, sparse };
ground_kind kind();

// Chooses and sets up the ground; again: does nothing. False: no memory at all.
bool set_up();

// More heap: at least `chunks` chunks side by side, with tables, committed. On sparse ground one
// request is at most sparse_region_bytes. The caller holds the page heap's lock. start == 0 when
// refused.
struct stretch {
  region* in = nullptr;
  std::size_t first_chunk = 0;
  std::size_t count = 0;
};
inline constexpr std::size_t chunk_bytes = 2 * base::MiB;
inline constexpr std::size_t sparse_region_bytes = 4 * base::MiB;
stretch grow(std::size_t chunks);
// Gives a region of sparse ground back, addresses and all. No page of it is in use, and the caller
// holds the page heap's lock.
void shrink(region* unused);

// The one region of contiguous ground; null on sparse ground.
region* contiguous_region();
// The region that holds the address, or null. No lock; any address.
region* region_of(std::uintptr_t address);

// The region with the lowest start at or above the address; null at the end. For walking.
region* next_region(std::uintptr_t address);

// The run that the address belongs to, or null. No lock; any address.
run* run_of(const void* address);
// Enters (or with null: takes out) the run of the pages [start, start + pages). The caller owns
// the pages.
void set_run(std::uintptr_t start, std::size_t pages, run* owner);

// The mark byte of an address in the heap.
inline mark* mark_at(const void* block) {
  std::uintptr_t address = base::address_of(block);
  if (kind() == ground_kind::contiguous) return flat.marks + address / granule_bytes;
  region* in = region_of(address);
  return in == nullptr ? nullptr : in->marks + (address - in->start) / granule_bytes;
}
// The mark of any address; 0 outside of the heap and at misaligned addresses.
mark mark_of(const void* address);

// What magazines hold of a block: its mark's address on contiguous ground, which saves the fast
// path two instructions; the block's own on sparse ground. Never 0.
using entry = std::uintptr_t;
inline entry entry_of(const void* block) {
  if (kind() == ground_kind::contiguous) {
    return base::address_of(flat.marks) + base::address_of(block) / granule_bytes;
  }
  return base::address_of(block);
}
inline void* block_of(entry held) {
  if (kind() == ground_kind::contiguous) {
    return base::pointer_to((held - base::address_of(flat.marks)) * granule_bytes);
  }
  return base::pointer_to(held);
}

}  // namespace strata::ground
