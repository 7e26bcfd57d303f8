// Free lists: first fit, next fit, best fit and segregated fit over blocks with boundary tags.
//
//   region
//   | head | tag | live ... | tag | links, free ... bytes | tag | live ... | end |
//                             ^         |
//   list of free blocks ------'         '--> next free block
//
//   a block's tag has its size; the block behind a free block is told so, and finds its start by the
//   size at its end: so a block that is freed merges with both neighbours in O(1)
//   a request is cut from the end of a free block; the rest keeps its place in the list
//   detail/block_tags.hpp and detail/free_lists.hpp have the bytes and the lists
//
//   first_fit       the first block in the list that is long enough
//   next_fit        the same, but the search goes on at the block that the last one was cut from
//   best_fit        the shortest that is long enough; among equals the first in its list
//   segregated_fit  a list for each of 1024 classes of size: the first that is long enough of the own
//                   class, else the first of the next class that has any
//
// Which of them keeps memory in larger pieces depends on the program; that is what there are four for.
// Sizes, alignments and order of frees may be anything. For blocks of one size a pool is better, for a
// bound on the time of each call tlsf.
//
//   time      try_allocate  first and next fit: O(free blocks); best and segregated fit: O(1), but
//                           O(free blocks of its class) from 1 KiB on, and O(free blocks) for
//                           alignments above 16 where memory is short
//             deallocate    O(1); in order of address O(free blocks), or of the class, where it doesn't
//                           merge with the block before
//             coalesce()    O(blocks)
//   overhead  8 bytes a block, rounded up to a multiple of 16, 32 at least; 32 bytes a region; the
//             object itself has 8 KiB for best and segregated fit
//   threads   one at a time
//   exhausted null from try_allocate; a block has 512 GiB at most
//
// Noticed, and stops the process: free of a foreign, interior or free block, or with a size or alignment
// that isn't its own; a write that hit the tag behind a block, when the block is freed; a smashed tag
// where it is met; smashed links of a free block when it leaves its list.
//
// Knuth, The Art of Computer Programming, volume 1, section 2.5 (algorithms A and C, and the roving
// pointer of exercise 6); one tag for a live block is Lea's malloc's.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <span>
#include <type_traits>

#include <strata/detail/tagged_heap.hpp>
#include <strata/resource.hpp>

namespace strata {

struct free_list_options {
  coalescing when = coalescing::immediate;
  list_order order = list_order::lifo;
  region_options regions{};  // where memory comes from an upstream
};

namespace detail {
template <fit Fit>
using index_of_fit =
    std::conditional_t<Fit == fit::best, best_lists,
                       std::conditional_t<Fit == fit::segregated, segregated_lists,
                                          one_list<Fit == fit::next ? fit::next : fit::first>>>;
}  // namespace detail

template <fit Fit>
class free_list : private detail::tagged_heap<detail::index_of_fit<Fit>> {
  using heap = detail::tagged_heap<detail::index_of_fit<Fit>>;

 public:
  using options = free_list_options;

  free_list() : free_list(std::pmr::get_default_resource()) {}
  explicit free_list(std::pmr::memory_resource* upstream, options chosen = {})
      : heap(name, upstream, chosen.regions, chosen.when, chosen.order) {}
  // This memory and no other; it outlives the free list.
  explicit free_list(std::span<std::byte> memory, options chosen = {})
      : heap(name, memory, chosen.when, chosen.order) {}

  // Null when upstream has no memory, or the memory given has no block that is long enough.
  using heap::try_allocate;
  // With what it was allocated with.
  using heap::deallocate;
  // Merges free neighbours: for coalescing::deferred. Of the regions that are then empty one stays.
  using heap::coalesce;
  // Ends the life of all blocks and gives all regions back.
  using heap::release;

  using heap::each_region;
  using heap::owns;
  using heap::statistics;
  using heap::verify;
  // O(1) for bytes and blocks; the longest is sought: O(free blocks), best and segregated fit O(blocks
  // of its class).
  using heap::free_space;

 private:
  static constexpr const char* name = Fit == fit::first  ? "first_fit"
                                      : Fit == fit::next ? "next_fit"
                                      : Fit == fit::best ? "best_fit"
                                                         : "segregated_fit";
};

using first_fit = free_list<fit::first>;
using next_fit = free_list<fit::next>;
using best_fit = free_list<fit::best>;
using segregated_fit = free_list<fit::segregated>;

namespace detail {
extern template class tagged_heap<index_of_fit<fit::first>>;
extern template class tagged_heap<index_of_fit<fit::next>>;
extern template class tagged_heap<index_of_fit<fit::best>>;
extern template class tagged_heap<index_of_fit<fit::segregated>>;
}  // namespace detail

}  // namespace strata
