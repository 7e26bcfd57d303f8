// Memory beside the heap in chunks of 1 to 64 KiB: a binary buddy system (Knowlton, 1965) over blocks of
// 64 KiB, with all of its tables elsewhere but the links of free chunks.
//
//   reservation  | block            | block            | ...
//   chunks       | 2K | 2K | 4K | 8K ...                          each a power of two, aligned to itself
//   starts_      | 81   00   81 ..                                a byte a KiB: 0x80 + order where a free
//                                                                 chunk starts, 0 elsewhere
//   free_[order]  a list through the free chunks of that order
//
//   a free chunk's buddy of the same order is not free: they would have been merged
//   a block that is wholly free is in free_[top_order], if fewer than kept_blocks are, or in cold_: the
//   system has its pages back
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "base/list.hpp"

namespace strata::gc {

// Callers see to it that one thread at a time is in here.
class chunks {
 public:
  static constexpr std::size_t least_bytes = base::KiB;
  static constexpr unsigned top_order = 6;
  static constexpr std::size_t block_bytes = least_bytes << top_order;

  chunks() = default;
  chunks(const chunks&) = delete;
  chunks& operator=(const chunks&) = delete;
  ~chunks();

  // False when the system refuses.
  bool open(std::size_t most_bytes);
  [[nodiscard]] bool is_open() const { return base_ != nullptr; }

  static constexpr std::size_t bytes_of(unsigned order) { return least_bytes << order; }
  // bytes <= block_bytes
  static unsigned order_for(std::size_t bytes);

  // Null when there is none.
  void* take(unsigned order);
  void give(void* chunk, unsigned order);

  [[nodiscard]] std::size_t used_bytes() const { return used_bytes_; }
  // What the system backs, or would on a touch.
  [[nodiscard]] std::size_t held_bytes() const { return held_blocks_ * block_bytes; }
  // Stops the process when tables and lists disagree.
  void verify() const;

 private:
  struct free_chunk : base::list_node<free_chunk> {};
  static constexpr std::uint8_t free_mark = 0x80;
  static constexpr std::size_t kept_blocks = 4;

  [[nodiscard]] std::size_t unit_of(const void* chunk) const {
    return (base::address_of(chunk) - base::address_of(base_)) / least_bytes;
  }
  [[nodiscard]] std::byte* at_unit(std::size_t unit) const { return base_ + unit * least_bytes; }
  std::byte* take_block();
  void put(std::byte* chunk, unsigned order);
  void drop(std::byte* chunk);

  std::byte* base_ = nullptr;
  std::uint8_t* starts_ = nullptr;
  std::size_t table_bytes_ = 0;
  std::size_t block_count_ = 0;
  std::size_t committed_blocks_ = 0;  // those from here on were never used
  std::size_t held_blocks_ = 0;
  std::size_t used_bytes_ = 0;
  std::size_t free_blocks_ = 0;  // in free_[top_order]
  base::bit_row cold_{nullptr};
  base::list<free_chunk> free_[top_order + 1];
};

}  // namespace strata::gc
