// Large blocks: above the size classes, each is alone in its memory.
//
//   up to page_heap::largest_run_bytes()   a run of pages, found through the page map
//   above, or grown by realloc             a mapping of its own, which can grow by moving pages
//                                          (mremap); kept in an ordered tree by address
//
// Under paranoid hardening there is an inaccessible page before it and one behind it.
//
// The tree has one lock; runs need none of ours.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "alloc/canary.hpp"
#include "base/list.hpp"
#include "base/ordered_tree.hpp"
#include "ground/page_heap.hpp"

namespace strata::alloc {

struct heap;

struct large : ground::run, base::list_node<large>, base::tree_node<large> {
  std::size_t mapped = 0;    // bytes of the mapping; 0 for a run
  heap* owner = nullptr;     // null for malloc's
  std::uint32_t before = 0;  // bytes of the inaccessible page before and behind it
  std::uint32_t behind = 0;
  canary::kind canary = canary::kind::secret;
  // Freed, and in the quarantine or in a large cache. relaxed: a walk may read it meanwhile.
  std::atomic<bool> waits{false};

  [[nodiscard]] std::uintptr_t key() const { return start; }
  [[nodiscard]] std::size_t room() const { return mapped != 0 ? mapped : bytes(); }
  [[nodiscard]] std::size_t usable() const { return room() - canary::bytes; }
};

// How many pages a run for a block of this size has.
std::size_t large_pages(std::size_t size);
// Stops the process when something was written past the end of the live block.
void check_canary(const large& block);

// A large block; null when there is no memory. alignment: a power of two. zeroed tells whether it
// reads as zero.
large* make_large(std::size_t size, std::size_t alignment, heap* owner, bool* zeroed);
void destroy_large(large* old);
// Freed, but not given back yet; it counts as freed from here on. destroy_large or end_wait_of follows.
void begin_wait_of(large* freed);
void end_wait_of(large* waiting);
// The same, and its memory goes back, and any access to it faults. destroy_large follows.
void retire_large(large* freed);

// The large block that starts at the address; null when none does. Any address. Stops the process when
// the block has been freed and waits.
large* large_at(const void* address);

// Changes the size in place, or by moving the pages of a mapping; false when only a new block can
// help. On true old->start may have changed.
bool resize_large(large* block, std::size_t size);
// A block that grows by realloc is likely to grow again: a mapping serves it from here on.
inline constexpr std::size_t growing_bytes = 4 * base::MiB;
large* make_growing(std::size_t size);

struct large_usage {
  std::size_t blocks;
  std::size_t bytes;
};
large_usage large_total();

// The mapping with the lowest address above `address`, for walking; false at the end.
bool next_mapping(std::uintptr_t address, std::uintptr_t* start, std::size_t* bytes);

// Bytes of all mappings. In a forked child, where nobody changes them.
std::size_t mapped_bytes_in_child();
void lock_large_for_fork();
void unlock_large_after_fork();
void reset_large_in_child();

}  // namespace strata::alloc
