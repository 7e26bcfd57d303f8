// Size classes: which block sizes exist, made and proved at compile time.
//
//   small    class  1 .. 34    up to 1 KiB: by a shift up to 256 bytes, above that by a table
//   medium   class 35 .. 79    up to 32 KiB and a bit: by a table
//   large    no class          whole pages (page_heap) or a mapping of its own
//
// Up to 256 bytes every multiple of 16 is a class. Above, classes divide each doubling by eight, and
// there is one more just above each power of two:
//
//   256 | 272 | 288  320 ... 512 | 528 | 576 ... 1024 | 1152 ... 2048 | 2176 | 2304 ... 32768 | 32896
//
// since programs ask for powers of two, and the last word of a block is its canary (alloc/canary.hpp),
// not the program's. More classes would waste less inside blocks, and more beside them: each that a
// program has once used keeps spans and magazines.
//
// Each class has a *plain twin*, whose blocks are as long and have no canary:
//
//   numbers   0     1 .. 79    80 .. 158
//             none  classes    their plain twins
//
// The number is also the mark of a block that is out of its span (address_map.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"

namespace strata::ground {

using size_class = std::uint8_t;

inline constexpr std::size_t granule_bytes = 16;  // every block starts at a multiple of this
inline constexpr std::size_t exact_bytes = 256;  // up to here each multiple of a granule is a class
inline constexpr std::size_t small_bytes = 1 * base::KiB;
inline constexpr std::size_t parts_of_doubling = 8;
inline constexpr std::size_t medium_step = small_bytes / parts_of_doubling;
inline constexpr std::size_t longest_power = 32 * base::KiB;
inline constexpr std::size_t medium_bytes = longest_power + medium_step;  // the longest class
inline constexpr std::size_t class_count = 80;
inline constexpr std::size_t twin_offset = class_count - 1;
inline constexpr std::size_t number_count = class_count + twin_offset;  // with the twins

constexpr std::size_t plain_twin_of(std::size_t number) { return number + twin_offset; }
constexpr bool is_plain(std::size_t number) { return number >= class_count; }
// The class itself, of a class or a twin.
constexpr std::size_t class_of_number(std::size_t number) {
  return is_plain(number) ? number - twin_offset : number;
}

namespace detail {

// Calls enter with the block size of each class in turn.
constexpr void each_class(auto enter) {
  for (std::size_t size = granule_bytes; size <= exact_bytes; size += granule_bytes) enter(size);
  for (std::size_t from = exact_bytes; from < longest_power; from *= 2) {
    std::size_t part = from / parts_of_doubling;
    std::size_t just_above = from < small_bytes ? granule_bytes : medium_step;
    if (just_above < part) enter(from + just_above);
    for (std::size_t i = 1; i <= parts_of_doubling; ++i) enter(from + i * part);
  }
  enter(medium_bytes);
}

constexpr auto make_sizes() {
  std::array<std::uint16_t, number_count> sizes{};
  std::size_t number = 0;
  each_class([&](std::size_t size) {
    sizes[++number] = static_cast<std::uint16_t>(size);
    sizes[plain_twin_of(number)] = static_cast<std::uint16_t>(size);
  });
  return sizes;
}
inline constexpr auto sizes = make_sizes();

// The class for each count of steps, up to Most bytes.
template <std::size_t Most, std::size_t Step>
constexpr auto make_table() {
  std::array<size_class, Most / Step + 1> table{};
  std::size_t number = 0;
  for (std::size_t steps = 1; steps < table.size(); ++steps) {
    while (sizes[number] < steps * Step) ++number;
    table[steps] = static_cast<size_class>(number);
  }
  return table;
}
inline constexpr auto small_table = make_table<small_bytes, granule_bytes>();
inline constexpr auto medium_table = make_table<medium_bytes, medium_step>();

}  // namespace detail

// Bytes of a block of the class, or twin.
constexpr std::size_t class_bytes(std::size_t number) { return detail::sizes[number]; }

inline constexpr std::size_t small_classes = detail::small_table[small_bytes / granule_bytes];
constexpr bool is_medium(std::size_t number) { return class_bytes(number) > small_bytes; }

// The smallest class whose blocks have this many bytes. For at most exact_bytes; 0 has class 0.
constexpr std::size_t exact_class_of(std::size_t bytes) {
  return (bytes + granule_bytes - 1) / granule_bytes;
}
// The same for at most small_bytes.
constexpr std::size_t small_class_of(std::size_t bytes) {
  return detail::small_table[(bytes + granule_bytes - 1) / granule_bytes];
}
// The same for more than that, up to medium_bytes.
constexpr std::size_t medium_class_of(std::size_t bytes) {
  return detail::medium_table[(bytes + medium_step - 1) / medium_step];
}
constexpr std::size_t class_of(std::size_t bytes) {
  return bytes <= small_bytes ? small_class_of(bytes) : medium_class_of(bytes);
}

// ---- Proofs

namespace detail {

constexpr bool class_is_right_for(std::size_t size) {
  std::size_t number = class_of(size);
  if (number == 0 || number >= class_count) return false;
  if (size <= exact_bytes && number != exact_class_of(size)) return false;
  if (class_bytes(number) < size) return false;
  if (class_bytes(number - 1) >= size) return false;  // the smallest that fits
  std::size_t waste = class_bytes(number) - size;
  return size <= exact_bytes ? waste < granule_bytes : waste * parts_of_doubling < size;
}

// Sizes in one step of the medium table have one class: its first and its last stand for all.
constexpr bool classes_are_right() {
  for (std::size_t size = 1; size <= small_bytes; ++size) {
    if (!class_is_right_for(size)) return false;
  }
  for (std::size_t size = small_bytes; size < medium_bytes; size += medium_step) {
    if (!class_is_right_for(size + 1) || !class_is_right_for(size + medium_step)) return false;
  }
  return true;
}
// Blocks of one class side by side keep the alignment of the first.
constexpr bool multiples_are_aligned() {
  for (std::size_t alignment = 2 * granule_bytes; alignment <= longest_power; alignment *= 2) {
    for (std::size_t size = alignment; size <= medium_bytes; size += alignment) {
      if (class_bytes(class_of(size)) % alignment != 0) return false;
    }
  }
  return true;
}
static_assert(multiples_are_aligned(),
              "a multiple of a power of two above a granule has a class of multiples of it");
static_assert(class_bytes(class_count - 1) == medium_bytes);
static_assert(classes_are_right(),
              "a block wastes less than 16 bytes up to 256, and less than 1/8 above");

}  // namespace detail
}  // namespace strata::ground
