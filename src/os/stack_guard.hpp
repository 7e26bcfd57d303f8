// What stacks of fibers want of the kernel: a guard below each, and how deep each has been.
//
// A guard made by mprotect (os::guard) cuts a mapping in three, and the kernel allows a process
// some 65,000 mappings. Guard markers (Linux 6.13) are notes in the page table instead: an access
// to a page that bears one raises SIGSEGV, purge() and fork leave it where it is, and mappings stay
// whole.
//
// Ranges are whole pages of a committed mapping. errno stays. None takes a lock of ours.
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::os {

// False where the kernel knows no guard markers, or has none for this mapping (locked into memory).
bool mark_as_guard(void* range, std::size_t bytes);
// Marks up to `count` ranges of so many bytes, the next one distance_bytes after the last, by one
// call where the kernel takes lists of ranges of its caller. Returns how many it has marked, from
// the first on: a list may be cut short.
inline constexpr std::size_t most_guards_at_once = 32;
std::size_t mark_as_guards(void* first, std::size_t bytes, std::size_t distance_bytes,
                           std::size_t count);
// Where the first page of the range with something behind it starts, from the range's start;
// `bytes` when there is none. A page that was swapped out counts as one with nothing.
std::size_t first_resident(const void* range, std::size_t bytes);
// How many mappings the kernel allows a process.
std::size_t most_mappings();

}  // namespace strata::os
