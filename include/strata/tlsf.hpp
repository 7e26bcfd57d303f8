// TLSF: allocation and freeing in constant time, whatever the sizes and however many blocks there are.
//
//   levels    0 0 1 0 1           which powers of two have free blocks
//                 |   |
//   lists     0 1 0 0 ... 0 1     which of the 32 steps within that power have
//               |
//               '--> free block --> free block
//
//   two searches for the lowest set bit find the first list in which every block is long enough; its
//   first block serves, and what is left of it goes to the list of its own size
//   a block that is freed merges with free neighbours at once; boundary tags tell them
//   detail/block_tags.hpp and detail/free_lists.hpp have the bytes and the lists
//
// No operation has a loop, but where upstream is called for a region, or given one back; there is no
// upstream where a buffer was given. Blocks of one list differ by 1/32 of their size at most, and a
// request passes over no block that is longer than it by more than that (and, for alignments above 16, by
// the alignment and 16 bytes): that bounds what is lost to fragmentation by the search. One that is
// just long enough serves only where no list is sure to fit and it is the first of its list.
//
//   time      try_allocate, deallocate O(1)
//   overhead  8 bytes a block, rounded up to a multiple of 16, 32 at least; 32 bytes a region; the
//             object itself has 8 KiB
//   threads   one at a time
//   exhausted null from try_allocate; a block has 512 GiB at most
//
// Noticed, and stops the process: what free_list notices.
//
// Masmano, Ripoll, Crespo, Real: TLSF, a new dynamic memory allocator for real-time systems (ECRTS 2004).
#pragma once

#include <cstddef>
#include <memory_resource>
#include <span>

#include <strata/detail/tagged_heap.hpp>
#include <strata/resource.hpp>

namespace strata {

using tlsf_options = region_options;

class tlsf : private detail::tagged_heap<detail::good_lists> {
  using heap = detail::tagged_heap<detail::good_lists>;

 public:
  using options = tlsf_options;

  tlsf() : tlsf(std::pmr::get_default_resource()) {}
  explicit tlsf(std::pmr::memory_resource* upstream, const options& chosen = {})
      : heap("tlsf", upstream, chosen, coalescing::immediate, list_order::lifo) {}
  // This memory and no other; it outlives the tlsf.
  explicit tlsf(std::span<std::byte> memory)
      : heap("tlsf", memory, coalescing::immediate, list_order::lifo) {}

  // Null when upstream has no memory, or the memory given has no block that is long enough.
  using heap::try_allocate;
  // With what it was allocated with.
  using heap::deallocate;
  // Ends the life of all blocks and gives all regions back.
  using heap::release;

  using heap::each_region;
  using heap::owns;
  using heap::statistics;
  using heap::verify;
  // O(1) for bytes and blocks; the longest is sought in its list.
  using heap::free_space;
};

extern template class detail::tagged_heap<detail::good_lists>;

}  // namespace strata
