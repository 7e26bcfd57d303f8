// What owned_spans.cpp is made of: spans, the segments that they lie in, and the pool of slabs that
// all threads share.
//
//   segment, 4 MiB, aligned to that
//   | header        | slab 1, 64 KiB | slab 2  | slab 3        ...        | slab 63 |
//     owners[64]      span             span of four slabs: blocks above 8 KiB
//     slabs[64]
//     spans[64]
//
// The header keeps what other threads read (owners, slabs) off the lines that an owner writes
// (spans). `slabs` changes only while no block of the span is out; `pool.lock` guards the pool.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <type_traits>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "base/list.hpp"
#include "ground/size_class.hpp"
#include "os/memory.hpp"
#include "sync/mutex.hpp"

namespace strata::owned {

using base::KiB;
using base::MiB;
using ground::class_bytes;
using ground::class_count;

inline constexpr bool checked = STRATA_OWNED_CHECKED != 0;

inline constexpr std::size_t slab_bytes = 64 * KiB;
inline constexpr std::size_t segment_bytes = 4 * MiB;
inline constexpr std::size_t slab_count = segment_bytes / slab_bytes;
inline constexpr std::size_t one_slab_bytes = 8 * KiB;  // blocks above have spans of wide_slabs
inline constexpr std::size_t wide_slabs = 4;
inline constexpr std::size_t empty_segments = 4;  // that the pool keeps
inline constexpr std::size_t address_bits = 48;
inline constexpr std::size_t os_page_bytes = 4 * KiB;

constexpr std::size_t slabs_of(std::size_t number) {
  return class_bytes(number) <= one_slab_bytes ? 1 : wide_slabs;
}

// ---- Division by multiplication: offset * inverse is (block, a fraction), 64 bits each; the
// fraction is below the inverse exactly where a block starts.

__extension__ using wide_word = unsigned __int128;

constexpr std::uint64_t inverse_of(std::size_t number) {
  return UINT64_MAX / class_bytes(number) + 1;
}
struct position {
  std::uint64_t block;
  bool exact;
};
STRATA_INLINE constexpr position position_of(std::size_t offset, std::uint64_t inverse) {
  wide_word product = wide_word{offset} * inverse;
  return {static_cast<std::uint64_t>(product >> 64), static_cast<std::uint64_t>(product) < inverse};
}

// The fraction's error grows from block to block, so the last block of a span stands for all.
constexpr bool positions_are_right() {
  for (std::size_t number = 1; number < class_count; ++number) {
    std::size_t bytes = class_bytes(number);
    std::size_t last = slabs_of(number) * slab_bytes / bytes - 1;
    for (std::size_t inside : {std::size_t{0}, std::size_t{1}, bytes / 2, bytes - 1}) {
      position at = position_of(last * bytes + inside, inverse_of(number));
      if (at.block != last || at.exact != (inside == 0)) return false;
    }
  }
  return true;
}
static_assert(positions_are_right());

// ---- Live blocks, one bit each, when they are checked

class bitmap {
 public:
  [[nodiscard]] bool test(std::size_t bit) const { return (load(bit) >> (bit % 64) & 1) != 0; }
  void set(std::size_t bit) { store(bit, load(bit) | std::uint64_t{1} << (bit % 64)); }
  // Clears a bit; false when it was clear.
  bool take(std::size_t bit) {
    std::uint64_t word = load(bit);
    if (STRATA_UNLIKELY((word >> (bit % 64) & 1) == 0)) return false;
    store(bit, word & ~(std::uint64_t{1} << (bit % 64)));
    return true;
  }

 private:
  // relaxed: only the owner writes; another thread looks at the bit of a block that it was given.
  [[nodiscard]] std::uint64_t load(std::size_t bit) const {
    return words_[bit / 64].load(std::memory_order_relaxed);
  }
  void store(std::size_t bit, std::uint64_t word) {
    words_[bit / 64].store(word, std::memory_order_relaxed);
  }
  std::atomic<std::uint64_t> words_[slab_bytes / ground::granule_bytes / 64];
};

struct no_bitmap {
  static bool test(std::size_t) { return true; }
  static void set(std::size_t) {}
  static bool take(std::size_t) { return true; }
};

// ---- Spans and segments

struct block {
  block* next;
};

// What only its owner touches.
struct alignas(64) span : base::list_node<span> {
  block* free = nullptr;
  char* start = nullptr;
  std::uint32_t used = 0;         // owned_spans.cpp; of a large block: its slabs
  std::uint32_t fresh_bytes = 0;  // offset of what was never carved
  std::uint32_t end_bytes = 0;    // offset of the end of the last block
  std::uint8_t number = 0;        // the class
  bool zero = false;              // of a large block: its pages are new
  std::uint64_t inverse = 0;
  [[no_unique_address]] std::conditional_t<checked, bitmap, no_bitmap> live = {};

  [[nodiscard]] bool has_room() const { return free != nullptr || fresh_bytes < end_bytes; }
};
static_assert(sizeof(span) == (checked ? 576 : 64));

enum class content : std::uint8_t { nothing, blocks, large };

struct slab {
  content what = content::nothing;
  std::uint8_t first = 0;   // the slab with which its span, or large block, starts
  std::uint8_t number = 0;  // the class
};

using owner_word = std::atomic<std::uintptr_t>;

// First in a segment, where finding one takes no addition.
struct owner_table {
  owner_word owners[slab_count];
};

struct segment : owner_table, base::list_node<segment> {
  std::uint64_t free;  // slabs in no use; slab 0 is this header
  std::uint64_t zero;  // slabs never used
  std::size_t mapped_bytes;
  slab slabs[slab_count];
  span spans[slab_count];
};
static_assert(sizeof(segment) <= slab_bytes);

inline constexpr std::uint64_t all_slabs = ~std::uint64_t{1};

STRATA_INLINE segment* segment_of(const void* address) {
  return static_cast<segment*>(
      base::pointer_to(base::align_down(base::address_of(address), segment_bytes)));
}
STRATA_INLINE std::size_t slab_of(const void* address) {
  return base::address_of(address) / slab_bytes % slab_count;
}

// A span, or a large block, by its first slab.
struct place {
  segment* in;
  std::size_t first;

  [[nodiscard]] span& header() const { return in->spans[first]; }
  [[nodiscard]] const slab& entry() const { return in->slabs[first]; }
  [[nodiscard]] owner_word& owner() const { return in->owners[first]; }
  [[nodiscard]] char* start() const { return reinterpret_cast<char*>(in) + first * slab_bytes; }
  [[nodiscard]] std::size_t offset_of(const void* address) const {
    return base::address_of(address) - base::address_of(start());
  }

  void enter(std::size_t count, content what, std::size_t number) const {
    for (std::size_t i = first; i < first + count; ++i) {
      in->slabs[i] = {what, static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(number)};
    }
  }
};

inline place place_of(const span& one) {
  segment* in = segment_of(&one);
  return {in, static_cast<std::size_t>(&one - in->spans)};
}

// ---- Which segments there are: for the checks, a byte for each that could be. A byte is written
// before an address in its segment is handed out.

inline constinit std::uint8_t
    segment_map[checked ? (std::size_t{1} << address_bits) / segment_bytes : 1] = {};

STRATA_INLINE bool is_ours(const void* address) {
  std::uintptr_t index = base::address_of(address) / segment_bytes;
  return index < std::size(segment_map) && segment_map[index] != 0;
}

inline segment* map_segment(std::size_t bytes) {
  void* memory = os::map(bytes, segment_bytes);
  if (memory == nullptr) return nullptr;
  // Its arrays are zero already, and making them would touch all their pages.
  auto* made = static_cast<segment*>(memory);
  new (static_cast<base::list_node<segment>*>(made)) base::list_node<segment>;
  made->free = made->zero = all_slabs;
  made->mapped_bytes = bytes;
  if constexpr (checked) segment_map[base::address_of(made) / segment_bytes] = 1;
  return made;
}

inline void unmap_segment(segment* old) {
  if constexpr (checked) segment_map[base::address_of(old) / segment_bytes] = 0;
  os::release(old, old->mapped_bytes);
}

// ---- The pool

struct slab_pool {
  sync::mutex lock{sync::rank::pages};
  base::list<segment> segments;  // those with free slabs
  std::size_t empty = 0;         // how many of them are wholly free
};
inline constinit slab_pool pool;

constexpr std::uint64_t mask_of(std::size_t first, std::size_t count) {
  return ((std::uint64_t{1} << count) - 1) << first;
}

// The first slab of a run of free ones; slab_count if there is none.
inline std::size_t find_run(std::uint64_t free, std::size_t count) {
  std::uint64_t starts = free;
  for (std::size_t i = 1; i < count && starts != 0; ++i) starts &= free >> i;
  return static_cast<std::size_t>(std::countr_zero(starts));
}

inline segment* segment_with_run(std::size_t count) {
  segment* found = pool.segments.front();
  while (found != nullptr && find_run(found->free, count) == slab_count) {
    found = pool.segments.after(found);
  }
  if (found != nullptr) return found;
  found = map_segment(segment_bytes);
  if (found == nullptr) return nullptr;
  pool.segments.push_back(found);
  ++pool.empty;
  return found;
}

// A run of slabs, by the span of its first; null when there is no memory.
inline span* take_slabs(std::size_t count) {
  std::lock_guard section(pool.lock);
  segment* from = segment_with_run(count);
  if (from == nullptr) return nullptr;
  if (from->free == all_slabs) --pool.empty;
  std::size_t first = find_run(from->free, count);
  std::uint64_t mask = mask_of(first, count);
  from->spans[first].zero = (from->zero & mask) == mask;
  from->free &= ~mask;
  from->zero &= ~mask;
  if (from->free == 0) from->unlink();
  return &from->spans[first];
}

inline void give_slabs(place run, std::size_t count) {
  std::lock_guard section(pool.lock);
  segment* to = run.in;
  if (to->free == 0) pool.segments.push_front(to);
  to->free |= mask_of(run.first, count);
  if (to->free != all_slabs) return;
  to->unlink();
  if (pool.empty == empty_segments) return unmap_segment(to);
  pool.segments.push_back(to);
  ++pool.empty;
}

}  // namespace strata::owned
