// A first-class heap: blocks that are destroyed together.
//
// It has bins and large blocks of its own, and no caches: every operation takes a lock. Its small
// and medium blocks carry the mark `mark_heap`, so that free() of one always goes the slow way and finds the
// heap through the span.
#pragma once

#include <cstddef>
#include <cstdint>

#include "alloc/bin.hpp"
#include "alloc/large.hpp"
#include "base/list.hpp"
#include "ground/size_class.hpp"
#include "sync/mutex.hpp"

namespace strata::alloc {

struct heap : base::list_node<heap> {
  heap();

  // A small block of the class; null when there is no memory.
  void* allocate(std::size_t number, std::size_t size);
  // A block of this heap's span, which the caller found live.
  static void deallocate(void* block, span* from);

  void add(large* block);
  void remove(large* block);
  // Frees every block.
  void release_all();
  // Calls visit for every live block, under the lock of its bin.
  void each_block(void (*visit)(void* block));

  void lock_for_fork();
  void unlock_after_fork();
  void reset_in_child();

  bin bins[ground::class_count];
  std::uint32_t maker = 0;  // the recorder's: the calls that made it

 private:
  sync::mutex lock_{sync::rank::heap};
  base::list<large> larges_;
};

heap* make_heap();
void destroy_heap(heap* old);
// That the live block is in; null: in none. Not for null.
heap* heap_of(const void* block);

void lock_heaps_for_fork();
void unlock_heaps_after_fork();
void reset_heaps_in_child();

// Sums up the heaps' bins.
bin_usage heaps_usage(std::size_t number);

}  // namespace strata::alloc
