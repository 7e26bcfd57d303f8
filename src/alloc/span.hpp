// A span: a run of pages cut into blocks of one size class.
//
//   start                                                          start + bytes()
//   | block 0 | block 1 | block 2 | ...            | block capacity-1 | tail |
//
//   free bits   1 0 0 1 ...   bit i: block i is free and in no cache
//
// Free blocks hold nothing of ours: which are free is told by the bits, which lie in the metadata
// arena behind the descriptor. Those of other blocks are 0: see block_state.hpp.
//
// Invariants, under the lock of the span's bin:
//   free_count == the number of set bits; the span stands in the bin's list of its fullness
#pragma once

#include <cstddef>
#include <cstdint>

#include "alloc/canary.hpp"
#include "base/bits.hpp"
#include "base/list.hpp"
#include "ground/page_heap.hpp"
#include "ground/size_class.hpp"

namespace strata::alloc {

class bin;

struct span : ground::run, base::list_node<span> {
  bin* home = nullptr;
  std::uint64_t inverse = 0;  // 2^40 / block_bytes, rounded up
  std::uint64_t last_freed_ms = 0;
  std::uint32_t block_bytes = 0;
  ground::size_class number = 0;  // the bin knows it too, in a cache line that its lock is in
  std::uint16_t capacity = 0;
  std::uint16_t free_count = 0;
  std::uint8_t fullness = 0;      // which of the bin's lists
  bool holds_free_pages = false;  // blocks were freed since the free pages inside were purged
  canary::kind canaries = canary::kind::secret;

  [[nodiscard]] base::bit_row free_bits() {
    return base::bit_row(reinterpret_cast<std::uint64_t*>(this + 1));
  }
  // What a program may use of a block.
  [[nodiscard]] std::size_t usable_bytes() const;
  [[nodiscard]] bool holds(std::uintptr_t address) const { return address - start < bytes(); }
  // Which block the address lies in; capacity or more when in the tail.
  [[nodiscard]] std::size_t index_of(std::uintptr_t address) const {
    return ((address - start) * inverse) >> 40;
  }
  [[nodiscard]] std::uintptr_t block_at(std::size_t index) const {
    return start + index * block_bytes;
  }
};

// A new span of the class with all blocks free; null when there is no memory.
span* make_span(bin* home, ground::size_class number);
// Gives its pages back. Every block is free, or nobody will use them again.
void destroy_span(span* old);

}  // namespace strata::alloc
