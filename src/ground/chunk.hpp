// A chunk: 2 MiB of heap, the unit in which the heap grows. Its pages are handed out by the page heap
// (page_heap.hpp, where the invariants stand); its descriptor lies in a table of its region.
#pragma once

#include "base/bits.hpp"
#include "base/list.hpp"
#include "ground/address_map.hpp"

namespace strata::ground {

struct by_longest_tag;
struct dirty_tag;

inline constexpr std::size_t most_chunk_pages = chunk_bytes / (8 * base::KiB);
inline constexpr std::size_t chunk_words = most_chunk_pages / 64;

struct chunk : base::list_node<by_longest_tag>, base::list_node<dirty_tag> {
  region* in = nullptr;
  std::uintptr_t start = 0;
  std::uint64_t used_words[chunk_words] = {};
  std::uint64_t dirty_words[chunk_words] = {};
  std::uint16_t used_pages = 0;
  std::uint16_t dirty_pages = 0;
  std::uint16_t longest = 0;
  bool huge = false;  // the kernel may back it by a huge page
  std::uint64_t dirty_since_ms = 0;
  std::uint64_t last_freed_ms = 0;

  base::bit_row used() { return base::bit_row(used_words); }
  base::bit_row dirty() { return base::bit_row(dirty_words); }
};

}  // namespace strata::ground
