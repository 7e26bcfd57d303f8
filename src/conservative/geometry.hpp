// Sizes: the heap is cut into blocks; a block holds slots of one size, or is part of a run that holds one object.
//
//   requested bytes  --16, 32, ... 512, then 8192 / n-->  slot bytes  --reciprocal-->  slot of an address
//
// A slot's number is a multiplication: offset * ceil(2^32 / slot bytes) / 2^32, exact for offsets in a block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"

namespace strata::conservative {

inline constexpr std::size_t granule_bytes = 16;
inline constexpr unsigned block_shift = 13;
inline constexpr std::size_t block_bytes = std::size_t{1} << block_shift;
inline constexpr std::size_t most_small_bytes = block_bytes / 2;
inline constexpr std::size_t word_bytes = sizeof(std::uintptr_t);

inline constexpr std::size_t fine_classes = 32;  // each a granule larger
inline constexpr std::size_t class_count = fine_classes + 14;

struct size_class {
  std::uint32_t reciprocal = 0;
  std::uint16_t bytes = 0;
  std::uint16_t slots = 0;
};

namespace detail {

constexpr std::uint32_t reciprocal_of(std::size_t bytes) {
  return static_cast<std::uint32_t>(base::divide_up(std::size_t{1} << 32, bytes));
}
constexpr std::array<size_class, class_count> make_classes() {
  std::array<size_class, class_count> made{};
  for (std::size_t at = 0; at < class_count; ++at) {
    std::size_t bytes = at < fine_classes
                            ? (at + 1) * granule_bytes
                            : base::align_down(block_bytes / (class_count + 1 - at), granule_bytes);
    made[at] = {reciprocal_of(bytes), static_cast<std::uint16_t>(bytes),
                static_cast<std::uint16_t>(block_bytes / bytes)};
  }
  return made;
}

}  // namespace detail

inline constexpr std::array<size_class, class_count> classes = detail::make_classes();
static_assert(classes[fine_classes - 1].bytes == 512);
static_assert(classes[fine_classes].bytes == 544);
static_assert(classes[class_count - 1].bytes == most_small_bytes);

namespace detail {

// class_of_granules[n]: for objects of n granules
inline constexpr auto class_of_granules = [] {
  std::array<std::uint8_t, most_small_bytes / granule_bytes + 1> made{};
  for (std::size_t granules = 0, at = 0; granules < made.size(); ++granules) {
    if (classes[at].bytes < granules * granule_bytes) ++at;
    made[granules] = static_cast<std::uint8_t>(at);
  }
  return made;
}();

}  // namespace detail

// bytes <= most_small_bytes
constexpr std::size_t class_for(std::size_t bytes) {
  return detail::class_of_granules[(bytes + granule_bytes - 1) / granule_bytes];
}
static_assert(classes[class_for(0)].bytes == 16 && classes[class_for(16)].bytes == 16);
static_assert(classes[class_for(17)].bytes == 32 && classes[class_for(513)].bytes == 544);
static_assert(classes[class_for(4096)].bytes == 4096 && classes[class_for(2721)].bytes == 4096);

constexpr std::size_t blocks_for(std::size_t bytes) { return base::divide_up(bytes, block_bytes); }

}  // namespace strata::conservative
