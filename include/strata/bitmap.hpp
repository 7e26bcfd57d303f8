// Bitmap: a heap of equal blocks with its bits elsewhere.
//
//   tables   summary  | 1 bit a word of free bits: is any of them set? |
//            free     | 1110000 1111111 ...  1 bit a block             |
//            starts   | 0001010 0000000 ...  set where a run of live blocks starts
//
//   blocks   |  0  |  1  |  2  |  3  |  4  |  5  |  6  |  7  | ...
//             free  free  free '-- a run --' '-run-'
//
//   free bit    = the block is in nobody's hands        starts bit implies not free
//   a live run  = a block with its starts bit and those behind it that are neither free nor a start
//   summary bit = its word of free bits is not 0
//
// An allocation is a run of whole blocks, the first that is long enough: 64 blocks a step, words that are full
// passed over by the summary, and what lies before the first run of so many blocks, rounded down to a power of two,
// by a hint for each power. What programs write beyond their blocks hits other blocks, not the tables:
// the heap survives that. And because ends and starts are known, each wrong free is noticed at once: twice, inside
// a run, of another's memory, with a wrong size.
//
// From a buffer, the tables stand at its start and it never grows. From upstream, regions double, each
// of two blocks: its tables apart from its memory. A region that is empty goes back, all but one.
//
//   time      try_allocate O(words of free bits in the worst case), most often O(1) by hints and summary;
//             deallocate O(run), and up to 64 words on either side; with more than one region O(regions) to find it
//   overhead  2 bits a block and what rounding to whole blocks adds; no head in or between blocks
//   threads   one at a time
//   exhausted null
//
// Bitmaps beside the heap are as old as disks' free maps; MPS and bitmapped-fit allocators (Wilson's
// survey, 1995) have the search.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>

#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

struct bitmap_options {
  std::size_t block_bytes = 64;  // a power of two
  std::size_t first_region_bytes = std::size_t{64} << 10;
  std::size_t most_region_bytes = std::size_t{16} << 20;  // longer ones only for longer blocks
};

class STRATA_RESOURCES_API bitmap {
 public:
  using options = bitmap_options;

  bitmap() : bitmap(std::pmr::get_default_resource()) {}
  explicit bitmap(std::pmr::memory_resource* upstream, options chosen = {});
  // In a buffer that outlives it. One too short for a block is one without memory.
  explicit bitmap(std::span<std::byte> buffer, options chosen = {});
  bitmap(const bitmap&) = delete;
  bitmap& operator=(const bitmap&) = delete;
  ~bitmap();

  // Null when there is no run that is long enough and upstream has no memory.
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept;

  [[nodiscard]] std::size_t block_bytes() const noexcept { return block_bytes_; }
  [[nodiscard]] bool owns(const void* address) const noexcept;
  [[nodiscard]] resource_statistics statistics() const noexcept;
  void verify() const;
  template <class Visit>
  void each_region(Visit visit) const;

 private:
  static constexpr unsigned levels = 13;
  // Stands before its tables.
  struct heap {
    heap* next;
    std::uintptr_t start;  // of block 0
    std::size_t blocks;
    std::size_t free_blocks;
    std::array<std::size_t, levels>
        hints;  // no stretch of 2^level free blocks or more starts before this one
    std::size_t table_bytes;
    std::size_t alignment;  // of the region, for upstream
    std::uint64_t* summary;
    std::uint64_t* free;
    std::uint64_t* starts;
  };
  struct run {
    std::size_t first;
    std::size_t blocks;
    region_kind kind;
  };

  [[nodiscard]] std::size_t blocks_for(std::size_t bytes) const;
  [[nodiscard]] std::size_t table_bytes_for(std::size_t blocks) const;
  heap* lay_out(void* tables, std::uintptr_t start, std::size_t blocks) const noexcept;
  heap* grow(std::size_t blocks, std::size_t alignment) noexcept;
  void give_back(heap* one) noexcept;
  void* allocate_in(heap& one, std::size_t blocks, std::size_t alignment) noexcept;
  [[nodiscard]] std::size_t find_run(heap& one, std::size_t blocks, std::size_t alignment) const;
  void lower_hints(heap& one, std::size_t first, std::size_t blocks) const noexcept;
  [[nodiscard]] static unsigned level_of(std::size_t blocks);
  [[nodiscard]] std::size_t next_free(const heap& one, std::size_t from) const;
  [[nodiscard]] std::size_t next_used(const heap& one, std::size_t from, std::size_t end) const;
  [[nodiscard]] std::size_t start_of_free(const heap& one, std::size_t end,
                                          std::size_t least) const;
  void mark(heap& one, std::size_t first, std::size_t blocks, bool is_free) noexcept;
  [[nodiscard]] heap** link_of(const void* address);
  [[nodiscard]] run run_at(const heap& one, std::size_t first) const;
  void check_free(const heap& one, const void* block, std::size_t bytes) const;

  std::size_t block_bytes_;
  std::pmr::memory_resource* upstream_ = nullptr;  // null in a buffer
  std::size_t next_region_bytes_ = 0;
  std::size_t most_region_bytes_ = 0;
  std::size_t region_alignment_ = 0;
  heap* heaps_ = nullptr;  // oldest first
  std::size_t held_bytes_ = 0;
  std::size_t used_bytes_ = 0;
  std::size_t peak_used_bytes_ = 0;
  std::size_t live_blocks_ = 0;
};

template <class Visit>
void bitmap::each_region(Visit visit) const {
  for (const heap* one = heaps_; one != nullptr; one = one->next) {
    visit(region{one, one->table_bytes, region_kind::overhead});
    for (std::size_t at = 0; at < one->blocks;) {
      run next = run_at(*one, at);
      visit(region{detail::pointer_to(one->start + at * block_bytes_), next.blocks * block_bytes_,
                   next.kind});
      at += next.blocks;
    }
  }
}

}  // namespace strata
