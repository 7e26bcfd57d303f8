// The page heap: runs of pages for every face, cut from chunks of 2 MiB.
//
//   chunk   | run | free | run | run | free, purged | run |  ...        2 MiB, 256 pages of 8 KiB
//   used    1 1 1 0 0 0 0 1 1 1 1 1 1 0 0 0 0 0 0 0 0 1 1              page belongs to a run
//   dirty   0 0 0 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0              page is free and was touched
//
// Invariants, for each chunk, under the page heap's lock:
//   dirty & used == 0;  retained() == the number of dirty bits of all chunks, in bytes
//   longest == the longest row of unused pages; the chunk stands in by_longest[longest]
//   the chunk is in the dirty list exactly when a dirty bit is set
//
// Placement: of the first few chunks that can take the run, those with the shortest longest row first,
// the place with the most dirty pages, since these need no page fault; of equals the fullest chunk, so
// that full chunks stay full and empty ones stay empty (the idea of TCMalloc's huge-page filler).
//
// Huge pages, where STRATA_HUGE_PAGES asks for them: a chunk that a long run covers as a whole may be
// backed by one (chunk::huge), once the heap is large: one page fault instead of 512. A program that uses a few bytes of many such blocks would
// hold 2 MiB for each; runs of less than a chunk never get one, and a chunk they are cut from loses it.
//
// Giving back: freed pages keep their memory for STRATA_PURGE_MS, in the hope of reuse, then go back
// to the system. There is no thread for it: whoever allocates next drives the clock (alloc/clock).
#pragma once

#include <cstddef>
#include <cstdint>

#include "ground/address_map.hpp"

namespace strata::ground {

enum class run_kind : std::uint8_t { span, block };

// A run in use. Its user derives from it, owns the object, and enters it with set_run.
struct run {
  std::uintptr_t start = 0;
  std::uint32_t pages = 0;
  run_kind kind = run_kind::span;

  [[nodiscard]] std::size_t bytes() const { return std::size_t{pages} << page_shift(); }
};

struct pages_taken {
  std::uintptr_t start = 0;  // 0: no memory, or the limit is reached
  bool zeroed = false;       // every page reads as zero
};

namespace page_heap {

// The largest run, in bytes. Larger requests want a mapping of their own.
std::size_t largest_run_bytes();

// count pages whose first is aligned to alignment pages (a power of two, at most a chunk).
pages_taken take(std::size_t count, std::size_t alignment = 1);
void give(std::uintptr_t start, std::size_t count);
// Lengthens a run in place by `more` pages. zeroed tells of the added pages. False: not free.
bool extend(std::uintptr_t start, std::size_t count, std::size_t more);

// Gives dirty pages back that have waited until now_ms - delay_ms, for at most budget_ns, and keeps
// at least keep_bytes. Returns the bytes given back.
std::size_t purge(std::uint64_t now_ms, std::uint64_t delay_ms, std::size_t keep_bytes,
                  std::uint64_t budget_ns);

// On sparse ground: gives unused regions back, addresses and all, so that mappings find room under
// a limit on address space. Returns whether it gave anything.
bool release_unused_regions();
// While one lives, no region goes back: for walking them without a lock.
class region_hold {
 public:
  region_hold();
  ~region_hold();
  region_hold(const region_hold&) = delete;
  region_hold& operator=(const region_hold&) = delete;
};

// Free pages that still hold memory, in bytes.
std::size_t retained_bytes();
// Pages in runs, in bytes.
std::size_t used_bytes();

// Checks the invariants above; stops the process when one fails. For tests.
void verify();

void lock_for_fork();
void unlock_after_fork();
void reset_in_child();

}  // namespace page_heap

}  // namespace strata::ground
