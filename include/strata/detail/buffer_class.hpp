// Size classes of the buffer arena: 16, 32, 48, 64, then four to each doubling, as jemalloc's.
//
//   class      0   1   2   3 |  4   5   6   7 |   8   9  10  11 | ...  39 |  40  41 ...
//   bytes     16  32  48  64 | 80  96 112 128 | 160 192 224 256 | ... 32K | 40K 48K ...
//
// So a block wastes less than 16 bytes up to 64, and less than a fifth of itself above. The same
// formula, in pages for units of 16 bytes, classes the lengths of runs.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace strata::detail {

inline constexpr std::size_t buffer_quantum = 16;
inline constexpr std::size_t buffer_page_bytes = 8192;
inline constexpr std::size_t buffer_tags_offset = 64;          // in a chunk: a byte for each page
inline constexpr std::size_t buffer_cached_bytes = 32 * 1024;  // the longest that threads cache
inline constexpr std::size_t buffer_classes = 80;              // up to 32 MiB
inline constexpr std::size_t buffer_cached_classes = 40;

// The smallest class whose blocks have so many bytes. Not for 0; past the last class for more than
// that has.
constexpr std::size_t buffer_class_of(std::size_t bytes) {
  std::size_t last = bytes - 1;
  auto log = static_cast<std::size_t>(std::bit_width(last | 64) - 1);
  return ((log - 6) << 2) + (last >> (log - 2));
}
constexpr std::size_t buffer_class_bytes(std::size_t number) {
  if (number < 4) return buffer_quantum * (number + 1);
  return (5 + number % 4) << (number / 4 + 3);
}

// Blocks of whole pages are runs of their own; the others are elements of a sub-page run.
constexpr bool buffer_class_is_run(std::size_t number) {
  return buffer_class_bytes(number) % buffer_page_bytes == 0;
}
// The pages of a run for the class: its block, or the fewest that elements fill without a rest.
constexpr std::size_t buffer_run_pages(std::size_t number) {
  std::size_t bytes = buffer_class_bytes(number);
  std::size_t pages = bytes < buffer_page_bytes ? 1 : bytes / buffer_page_bytes;
  while (pages * buffer_page_bytes % bytes != 0) ++pages;
  return pages;
}
// The class for an alignment up to a page: blocks stand at multiples of their length from a page's
// start.
constexpr std::size_t buffer_aligned_class_of(std::size_t bytes, std::size_t alignment) {
  std::size_t number = buffer_class_of(bytes < alignment ? alignment : bytes);
  while (buffer_class_bytes(number) % alignment != 0) ++number;
  return number;
}

// ---- Proofs

constexpr bool buffer_classes_are_right() {
  for (std::size_t number = 0; number < buffer_classes; ++number) {
    std::size_t bytes = buffer_class_bytes(number);
    if (buffer_class_of(bytes) != number || buffer_class_of(bytes + 1) != number + 1) return false;
    if (number < buffer_cached_classes && buffer_run_pages(number) > 7) return false;
    if (buffer_class_is_run(number) && buffer_run_pages(number) * buffer_page_bytes != bytes)
      return false;
    if (number >= buffer_cached_classes && !buffer_class_is_run(number)) return false;
  }
  return true;
}
static_assert(buffer_classes_are_right());
static_assert(buffer_class_bytes(buffer_cached_classes - 1) == buffer_cached_bytes);
static_assert(buffer_class_bytes(buffer_classes - 1) == std::size_t{32} << 20);

}  // namespace strata::detail
