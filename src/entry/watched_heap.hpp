// A watched heap: what a first-class heap is where a tool serves malloc (watched.hpp). Its blocks come
// from that malloc, and notes say which they are, so that the tool knows each of them.
//
// To destroy it is to free its blocks, but not those that the program has freed by itself, and perhaps
// got again from malloc. A sanitizer calls us at each free, and the note goes. Memcheck calls nobody;
// there a stamp behind the block tells:
//
//   | the program's bytes | 4 inaccessible | stamp: 4 set |     for Memcheck the block ends before both
//
// When the block is freed the stamp becomes inaccessible, and when that memory is handed out again it
// is inaccessible, unset or the program's. Valgrind's other tools keep no such account: under them
// blocks that outlive their heap stay until the process ends.
//
// Tools that look for leaks see what they should: a heap and its notes come from malloc as well, and
// the list of all heaps holds no pointers.
//
// One lock guards the list and all notes.
#pragma once

#include <cstddef>

#include "entry/watched.hpp"

namespace strata::entry::watched {

struct heap;

// As the functions of alloc with these names; null on exhaustion.
heap* make_heap();
void destroy_heap(heap* old);
void* allocate_in(heap* owner, std::size_t alignment, std::size_t size, bool zero);
void* reallocate_in(heap* owner, void* block, std::size_t size);

void lock_heaps_for_fork();
void unlock_heaps_after_fork();  // in parent and child

}  // namespace strata::entry::watched
