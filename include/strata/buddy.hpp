// Buddy: blocks of powers of two that split into halves and grow together again (Knowlton, 1965).
//
//   order 3  |               8               |     bits   free[3]  0
//   order 2  |       4       |       4       |            free[2]  0 1      live[2]  0 0
//   order 1  |   2   |   2   |               |            free[1]  0 1 ..   live[1]  1 0 ..
//   order 0  | 1 | 1 |                                    free[0]  ....     live[0]  ....
//             '-live-' free   '---- free ----'
//
//   the buddy of a block of b bytes at a    = the block of b bytes at a ^ b
//   each block's address is a multiple of its length
//   a block has a free or a live bit in its order, and no block over or under it has
//   never are two buddies both free, unless they are of the longest order
//   summary[k] bit = the word of free[k] is not 0; free_blocks[k] = bits set in free[k]
//
// An allocation takes a free block of the smallest order that has one, and halves it until it fits; a
// free joins with its buddy while that is free. The tables stand apart from the blocks, which hold nothing:
// writes beyond a block don't break the heap, and each wrong free is noticed at once.
//
// The region may have any length: its blocks are aligned by their addresses, and what is free at first is
// the longest blocks that fit in it. It never grows.
//
//   time      try_allocate O(log n) splits, and a search of the summary of one order; deallocate O(log n)
//   overhead  rounding to a power of two: up to half, a quarter on average; half a byte of tables for each
//             smallest block
//   threads   one at a time
//   exhausted null
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>

#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

struct buddy_options {
  std::size_t smallest_block_bytes = 64;                   // a power of two
  std::size_t largest_block_bytes = std::size_t{1} << 47;  // a power of two; longer requests fail
};

class STRATA_RESOURCES_API buddy {
 public:
  using options = buddy_options;

  // In a buffer that outlives it: the tables at its start, blocks behind them.
  explicit buddy(std::span<std::byte> buffer, options chosen = {});
  // In so many bytes, a power of two, from upstream; the tables come in addition. Without memory when
  // upstream has none.
  explicit buddy(std::size_t bytes,
                 std::pmr::memory_resource* upstream = std::pmr::get_default_resource(),
                 options chosen = {});
  buddy(const buddy&) = delete;
  buddy& operator=(const buddy&) = delete;
  ~buddy();

  // Null when no free block is long enough.
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept;

  // What a request takes.
  [[nodiscard]] std::size_t block_bytes(std::size_t bytes, std::size_t alignment) const noexcept;
  [[nodiscard]] std::size_t longest_free_bytes() const noexcept;
  [[nodiscard]] bool owns(const void* address) const noexcept;
  [[nodiscard]] resource_statistics statistics() const noexcept;
  void verify() const;
  template <class Visit>
  void each_region(Visit visit) const;

 private:
  static constexpr std::size_t most_orders = 48;

  struct order {
    std::uintptr_t base;  // address of bit 0: at or before the region's start
    std::size_t blocks;   // bits
    std::size_t free_blocks;
    std::uint64_t* free;
    std::uint64_t* live;
    std::uint64_t* summary;
  };
  struct piece {
    std::size_t bytes;
    region_kind kind;
  };

  explicit buddy(options chosen);
  [[nodiscard]] std::size_t bytes_of(std::size_t k) const { return smallest_ << k; }
  [[nodiscard]] std::size_t index_of(std::size_t k, std::uintptr_t at) const {
    return (at - orders_[k].base) / bytes_of(k);
  }
  [[nodiscard]] std::size_t order_for(std::size_t bytes, std::size_t alignment) const noexcept;
  std::size_t shape(std::uintptr_t start, std::uintptr_t end) noexcept;
  void lay_out(void* tables) noexcept;
  void insert(std::size_t k, std::uintptr_t at) noexcept;
  void remove(std::size_t k, std::uintptr_t at) noexcept;
  [[nodiscard]] std::uintptr_t any_free(std::size_t k) const noexcept;
  [[nodiscard]] bool is_free(std::size_t k, std::uintptr_t at) const noexcept;
  [[nodiscard]] bool is_live(std::size_t k, std::uintptr_t at) const noexcept;
  [[nodiscard]] piece block_at(std::uintptr_t at) const noexcept;
  [[noreturn]] void refuse(std::uintptr_t at, std::size_t bytes) const;

  std::size_t smallest_;
  std::size_t largest_;
  std::size_t orders_used_ = 0;
  std::uintptr_t start_ = 0;
  std::uintptr_t end_ = 0;
  std::array<order, most_orders> orders_{};
  void* tables_ = nullptr;
  std::size_t table_bytes_ = 0;
  std::size_t region_alignment_ = 0;
  std::pmr::memory_resource* upstream_ = nullptr;  // null in a buffer
  std::size_t used_bytes_ = 0;
  std::size_t peak_used_bytes_ = 0;
  std::size_t live_blocks_ = 0;
};

template <class Visit>
void buddy::each_region(Visit visit) const {
  visit(region{tables_, table_bytes_, region_kind::overhead});
  for (std::uintptr_t at = start_; at < end_;) {
    piece next = block_at(at);
    visit(region{detail::pointer_to(at), next.bytes, next.kind});
    at += next.bytes;
  }
}

}  // namespace strata
