// The address map: what lies at an address. Every face asks it.
//
//   block map   one byte a granule of 16 bytes: the *mark* of the small block that starts there and
//               is out of its span, 0 where none does. So "does a block start here, and of which
//               class?" is one load, and the answer is exact: not for interior or foreign
//               addresses. Malloc and free only read it (alloc/block_state.hpp).
//   start map   one word of 16 bits a KiB, for medium blocks, which are longer than a KiB, so that at
//               most one starts in each: its mark, and in which granule of the KiB it starts.
//               Exact too, and a thirtieth of the block map's size.
//   page map    one pointer a page: the run that the page belongs to (page_heap.hpp). It alone
//               tells of large blocks. Where no run is any more there may be a note of the last.
//
// Contiguous ground: the heap is one reservation; block map and start map are flat arrays over the
// whole user address space, of which only the heap's part is ever written:
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
#include "base/check.hpp"
#include "ground/size_class.hpp"

namespace strata::ground {

struct chunk;
struct run;

// Marks. 1 .. number_count - 1 are the size classes and their plain twins.
using mark = std::uint8_t;
inline constexpr mark mark_none = 0;
inline constexpr mark mark_heap = number_count;  // a block of a first-class heap
inline constexpr std::size_t mark_count = number_count + 1;

// A word of the start map:   | 0 0 | granule in the KiB: 6 bits | mark: 8 bits |   0: no block
using start_word = std::uint16_t;
inline constexpr std::size_t start_bytes = 1 * base::KiB;
static_assert(start_bytes / granule_bytes == 64 && small_bytes == start_bytes);

constexpr start_word start_word_of(std::uintptr_t address, std::size_t as) {
  return static_cast<start_word>(address % start_bytes / granule_bytes << 8 | as);
}
// The mark of the block that starts at the address, by the word of its KiB.
constexpr mark mark_in(start_word word, std::uintptr_t address) {
  std::size_t found = word ^ start_word_of(address, mark_none);
  return found < mark_count ? static_cast<mark>(found) : mark_none;
}

// How far from the start of its KiB the block starts, in bytes.
constexpr std::size_t offset_in(start_word word) { return (word >> 8) * granule_bytes; }

// What the fast path reads: nothing else of the maps. Alone in its cache line, since a neighbour that is
// written would take it from every thread. On sparse ground `marks` is an address like any other, of
// which nothing but marks[0] may be read.
struct alignas(base::cache_line_bytes) flat_map {
  mark* marks;           // marks[address / granule_bytes]
  start_word* starts;    // starts[address / start_bytes]
  std::uintptr_t limit;  // the last index of marks that may be looked up; 0 on sparse ground
};
extern flat_map flat __attribute__((visibility("hidden")));

// A run, or a note of a former one:   | block bytes / 16: 32 | pages from its start: 31 | 1 |
using page_entry = std::uintptr_t;

// A stretch of the heap with its tables.
struct region {
  std::uintptr_t start = 0;
  std::atomic<std::size_t> bytes = 0;    // in use; grows on contiguous ground
  mark* marks = nullptr;                 // of the granule at start
  start_word* starts = nullptr;          // of the KiB at start
  page_entry* pages = nullptr;           // of the page at start
  chunk* chunks = nullptr;               // of the chunk at start
  std::uint64_t* free_chunks = nullptr;  // bit row: chunks without a used page
};

// A page: the unit of runs. At least 8 KiB, at least the system's.
inline constexpr std::size_t least_page_bytes = 8 * base::KiB;
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
// Enters the run of the pages [start, start + pages). The caller owns the pages.
void set_run(std::uintptr_t start, std::size_t pages, run* owner);
// Takes it out again, and leaves a note of what lay there: blocks of so many bytes.
void clear_run(std::uintptr_t start, std::size_t pages, std::size_t block_bytes);

// What lay at an address where no run is now. For messages only: it may be overwritten.
struct former_run {
  std::uintptr_t start = 0;  // 0: unknown
  std::size_t block_bytes = 0;
};
former_run former_run_of(const void* address);

// The mark of any address; 0 outside of the heap and at misaligned addresses.
mark mark_of(const void* address);
// Enters what the block of the class is now: any mark. Its owner calls.
void set_mark_sparse(const void* block, std::size_t number, mark as);
inline void set_mark(const void* block, std::size_t number, mark as) {
  if (STRATA_UNLIKELY(flat.limit == 0)) return set_mark_sparse(block, number, as);
  std::uintptr_t at = base::address_of(block);
  if (is_medium(number))
    flat.starts[at / start_bytes] = as == mark_none ? start_word{0} : start_word_of(at, as);
  else
    flat.marks[at / granule_bytes] = as;
}
// mark_none for every block of the class that starts in [start, start + bytes).
void clear_marks(std::uintptr_t start, std::size_t bytes, std::size_t number);
// Gives back what the maps hold of pages where no block is live.
void purge_marks(std::uintptr_t start, std::size_t bytes);

}  // namespace strata::ground
