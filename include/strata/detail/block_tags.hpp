// Blocks that stand side by side in regions of memory, each with its size in a tag before it: what
// free_list and tlsf cut their blocks from.
//
//   region
//   | head | tag | payload | tag | payload ... | tag | next | previous | ..... | bytes | end |
//          '-- live -------'                   '-- free ----------------------------'
//     24      8   multiple of 16, and 8 more                                       8      8 bytes
//
// A block is named by the address of its tag, which is 8 above a multiple of 16; so payloads stand at
// multiples of 16. A block's bytes count its tag and are a multiple of 16, and 32 at least: a free
// block holds two links and, at its end, its bytes once more, by which the block behind it finds its
// start (Knuth, The Art of Computer Programming, volume 1, section 2.5, algorithm C). Only a free block
// needs them there; a live block's payload reaches to the next tag (Lea's malloc).
//
//   tag    63 .. 44 seal | 43 .. 4 bytes | 2 first | 1 after_free | 0 live
//
//   block + bytes  is the next block, or the end: a live tag of no bytes
//   after_free     is set exactly where the block before is free
//   first          is set in the first block of a region
//   seal           is a hash of the tag's other bits but after_free, its address, and a secret of the
//                  resource's own
//
// So a tag that was written over, or never was one, is noticed by its seal: once in a million such
// cases it isn't. No tag but a live block's is ever left behind sealed and live. after_free is no part
// of the seal so that it is turned on and off with one instruction; where it is believed, the free
// block that it speaks of has to bear a sealed tag that agrees.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>

#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata::detail {

// The address of a block's tag; 0 for none.
using block_address = std::uintptr_t;

inline constexpr std::size_t word_bytes = 8;
inline constexpr std::size_t granule_bytes = 16;
inline constexpr std::size_t least_block_bytes = 32;
inline constexpr std::size_t most_block_bytes = (std::size_t{1} << 40) - granule_bytes;

// Words of a region that are not the program's. To AddressSanitizer they are poisoned all the time, so
// that it sees strays from either side; only these may pass.
__attribute__((no_sanitize("address"))) inline std::uint64_t load(std::uintptr_t at) {
  return *pointer_to<std::uint64_t>(at);
}
__attribute__((no_sanitize("address"))) inline void store(std::uintptr_t at, std::uint64_t word) {
  *pointer_to<std::uint64_t>(at) = word;
}

struct tag {
  static constexpr std::uint64_t live = 1;
  static constexpr std::uint64_t after_free = 2;
  static constexpr std::uint64_t first = 4;
  static constexpr unsigned seal_shift = 44;
  static constexpr std::uint64_t unsealed = (std::uint64_t{1} << seal_shift) - 1;

  static std::size_t bytes_of(std::uint64_t word) { return word & unsealed & ~(granule_bytes - 1); }
};
inline std::size_t bytes_of(block_address block) { return tag::bytes_of(load(block)); }

// The bytes of a block whose payload has room for so many. bytes is at most most_block_bytes.
constexpr std::size_t block_bytes_for(std::size_t bytes) {
  std::size_t rounded = align_up(bytes + word_bytes, granule_bytes);
  return rounded < least_block_bytes ? least_block_bytes : rounded;
}

// Where a resource's blocks lie: all regions are in [lowest, lowest + span). name: for messages.
struct block_extent {
  const char* name;
  std::uintptr_t lowest = 0;
  std::size_t span = 0;

  [[nodiscard]] bool has(std::uintptr_t address) const { return address - lowest < span; }
};

// So many bytes of a free block are enough for any place that the alignment asks for.
constexpr std::size_t with_slack(std::size_t wanted, std::size_t alignment) {
  return wanted + alignment + granule_bytes;
}
// Where in a free block one of `wanted` bytes goes: as far behind as it can, so that what is left
// keeps its tag and its place in the lists. What is left before it is nothing or a block. 0: nowhere.
inline block_address place_in(block_address block, std::size_t bytes, std::size_t wanted,
                              std::size_t alignment) {
  if (bytes < wanted) return 0;
  std::uintptr_t payload = align_down(block + word_bytes + (bytes - wanted), alignment);
  if (payload - word_bytes - block == granule_bytes) payload -= granule_bytes;
  if (payload < block + word_bytes || payload % alignment != 0) return 0;
  return payload - word_bytes;
}

}  // namespace strata::detail

namespace strata {

// Where a resource of blocks gets its memory: regions that double from the first to the most. A block
// that is longer has a region of its own size.
struct region_options {
  std::size_t first_region_bytes = std::size_t{64} << 10;
  std::size_t most_region_bytes = std::size_t{4} << 20;
  std::size_t most_bytes = SIZE_MAX;  // of all regions; then allocation fails
};

// How free memory is cut up. Block sizes count a tag of 8 bytes.
struct free_figures {
  std::size_t free_bytes = 0;
  std::size_t free_blocks = 0;
  std::size_t largest_bytes = 0;  // the longest free block
};

}  // namespace strata

namespace strata::detail {

// The regions with their tags and figures; knows nothing of how free blocks are found.
class STRATA_RESOURCES_API tagged_regions {
 public:
  tagged_regions(const char* name, std::pmr::memory_resource* upstream,
                 const region_options& chosen);
  tagged_regions(const tagged_regions&) = delete;
  tagged_regions& operator=(const tagged_regions&) = delete;

  [[nodiscard]] bool owns(const void* address) const noexcept {
    return region_of(address_of(address)) != nullptr;
  }
  [[nodiscard]] resource_statistics statistics() const noexcept {
    return {held_bytes_, used_bytes_, peak_used_bytes_, live_blocks_};
  }
  template <class Visit>
  void each_region(Visit visit) const;

 protected:
  struct region_head {
    region_head* next;
    region_head* previous;
    std::size_t bytes;

    [[nodiscard]] block_address first() const { return address_of(this) + sizeof(region_head); }
    [[nodiscard]] block_address end() const { return address_of(this) + bytes - word_bytes; }
  };
  static constexpr std::size_t region_overhead = sizeof(region_head) + word_bytes;

  // A seal in its place, for bits without one.
  [[nodiscard]] std::uint64_t sealed(block_address at, std::uint64_t bits) const {
    std::uint64_t hash = ((bits & ~tag::after_free) ^ at ^ secret_) * 0x9E3779B97F4A7C15U;
    return bits | hash >> tag::seal_shift << tag::seal_shift;
  }
  [[nodiscard]] bool is_sealed(block_address at, std::uint64_t word) const {
    std::uint64_t bits = word & tag::unsealed & ~tag::after_free;
    std::uint64_t hash = (bits ^ at ^ secret_) * 0x9E3779B97F4A7C15U;
    return (hash ^ word) >> tag::seal_shift == 0;
  }
  void set_tag(block_address at, std::uint64_t bits) { store(at, sealed(at, bits)); }
  // What is left of a free block when its end became a block.
  void set_rest(block_address at, std::size_t bytes, std::uint64_t flags) {
    set_tag(at, bytes | flags);
    store(at + bytes - word_bytes, bytes);
  }
  // Makes a free block of it, with flags first and after_free; its links are another's.
  void set_free(block_address at, std::size_t bytes, std::uint64_t flags) {
    set_rest(at, bytes, flags);
    store(at + bytes, load(at + bytes) | tag::after_free);
  }
  void set_live(block_address at, std::size_t bytes, std::uint64_t flags) {
    set_tag(at, bytes | flags | tag::live);
    store(at + bytes, load(at + bytes) & ~tag::after_free);
  }
  // The tag of a block that the lists or its neighbour say is free.
  [[nodiscard]] std::uint64_t checked_free_tag(block_address at) const {
    std::uint64_t word = load(at);
    if (!is_sealed(at, word) || (word & tag::live) != 0) [[unlikely]]
      stop(misuse::corrupt, extent_.name, pointer_to(at));
    return word;
  }
  // Whether a payload may be at the address: not whether there is one.
  [[nodiscard]] bool may_start_at(std::uintptr_t address) const {
    return extent_.has(address) && address % granule_bytes == 0;
  }
  void count_live(std::size_t block_bytes) {
    used_bytes_ += block_bytes - word_bytes;
    ++live_blocks_;
    if (used_bytes_ > peak_used_bytes_) peak_used_bytes_ = used_bytes_;
  }
  void count_freed(std::size_t block_bytes) {
    used_bytes_ -= block_bytes - word_bytes;
    --live_blocks_;
  }
  [[nodiscard]] std::size_t free_bytes() const {
    return held_bytes_ - regions_ * region_overhead - used_bytes_ - live_blocks_ * word_bytes;
  }

  static region_head* region_at(block_address first) {
    return pointer_to<region_head>(first - sizeof(region_head));
  }
  static bool is_empty(const region_head* one) {
    block_address first = one->first();
    return (load(first) & tag::live) == 0 && first + bytes_of(first) == one->end();
  }
  // Says what is wrong with a free that was refused.
  [[noreturn]] void explain(const void* address, std::size_t bytes) const;
  // Memory that becomes one free block; 0 where the span is too short for one.
  block_address adopt(std::span<std::byte> memory);
  // One more region with a free block of that size, at least; 0 when there is no memory.
  block_address grow(std::size_t block_bytes) noexcept;
  // The region becomes one free block again, whatever is live there.
  block_address clear(region_head* one);
  // Gives the region back; only where there is an upstream.
  void give_back(region_head* one) noexcept;
  [[nodiscard]] region_head* region_of(std::uintptr_t address) const noexcept;
  // Ends the life of all blocks: no tag that is left anywhere is sealed any more.
  void forget_live();
  // Stops the process where tags disagree. Returns the number of free blocks.
  [[nodiscard]] std::size_t verify_tags(bool neighbours_merged) const;

  block_extent extent_;
  std::uint64_t secret_ = 0;
  std::size_t used_bytes_ = 0;
  std::size_t live_blocks_ = 0;
  std::size_t peak_used_bytes_ = 0;
  std::size_t held_bytes_ = 0;
  std::size_t regions_ = 0;
  region_head* newest_ = nullptr;
  std::pmr::memory_resource* upstream_;  // null: one region, the caller's
  region_options chosen_;
  std::size_t next_region_bytes_;
};

template <class Visit>
void tagged_regions::each_region(Visit visit) const {
  for (const region_head* one = newest_; one != nullptr; one = one->next) {
    visit(region{one, sizeof(region_head), region_kind::overhead});
    for (block_address at = one->first(); at != one->end(); at += bytes_of(at)) {
      bool live = (load(at) & tag::live) != 0;
      std::size_t head = live ? word_bytes : 0;
      if (live) visit(region{pointer_to(at), head, region_kind::overhead});
      visit(region{pointer_to(at + head), bytes_of(at) - head,
                   live ? region_kind::live : region_kind::free});
    }
    visit(region{pointer_to(one->end()), word_bytes, region_kind::overhead});
  }
}

}  // namespace strata::detail
