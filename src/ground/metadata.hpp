// The metadata arena: where the allocator keeps its own tables, apart from user memory, so that a
// program that writes past its blocks does not reach them.
//
// Pieces are cut from mappings of 256 KiB and never go back to the system; freed ones wait in a
// list of their size (multiples of 64 bytes) for the next request of that size. Larger tables are
// mappings of their own.
#pragma once

#include <cstddef>
#include <new>

namespace strata::ground::metadata {

// Zeroed, aligned to 64 bytes; null when the system has no more.
void* allocate(std::size_t bytes);
// bytes: as allocated.
void free(void* piece, std::size_t bytes);

template <typename T>
T* make() {
  void* piece = allocate(sizeof(T));
  return piece == nullptr ? nullptr : new (piece) T();
}
template <typename T>
void destroy(T* object) {
  free(object, sizeof(T));
}

// Bytes taken from the system.
std::size_t mapped_bytes();
// Counts a table that lives elsewhere.
void count_mapped(std::size_t bytes);
void count_unmapped(std::size_t bytes);

// Around fork.
void lock_for_fork();
void unlock_after_fork();
void reset_in_child();

}  // namespace strata::ground::metadata
