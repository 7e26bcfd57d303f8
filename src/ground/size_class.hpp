// Size classes: which block sizes exist, made and proved at compile time.
//
//   small    class  1 .. 64    every multiple of 16 up to 1 KiB: found by a shift, no table
//   medium   class 65 .. 109   up to 32 KiB and a bit: found in a table of 258 bytes
//   large    no class          whole pages (page_heap) or a mapping of its own
//
// Medium classes divide each doubling by eight, and have one more just above each power of two:
//
//   2048 | 2176 | 2304  2560  2816 ... 4096 | 4224 | 4608 ... 32768 | 32896
//
// since programs ask for powers of two, and the last word of a block is its canary (alloc/canary.hpp),
// not the program's.
//
// A class number is also the mark of a live block in the address map (address_map.hpp). Class 0 is
// no class.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"

namespace strata::ground {

using size_class = std::uint8_t;

inline constexpr std::size_t granule_bytes = 16;  // every block starts at a multiple of this
inline constexpr std::size_t exact_class_bytes = 1024;
inline constexpr std::size_t exact_classes = exact_class_bytes / granule_bytes;
inline constexpr std::size_t parts_of_doubling = 8;
inline constexpr std::size_t medium_step = exact_class_bytes / parts_of_doubling;
inline constexpr std::size_t longest_power = 32 * base::KiB;
inline constexpr std::size_t medium_bytes = longest_power + medium_step;  // the longest class
inline constexpr std::size_t classes_a_doubling = parts_of_doubling + 1;
inline constexpr std::size_t class_count =
    1 + exact_classes +
    classes_a_doubling * (std::bit_width(longest_power) - std::bit_width(exact_class_bytes));

// Bytes of a block of the class.
constexpr std::size_t class_bytes(std::size_t number) {
  if (number <= exact_classes) return number * granule_bytes;
  // The first doubling's first eighth is the step itself, which it has but once.
  std::size_t above = number - exact_classes;
  std::size_t doubling = exact_class_bytes << (above / classes_a_doubling);
  std::size_t part = above % classes_a_doubling;
  return doubling + (part == 0 ? medium_step : part * (doubling / parts_of_doubling));
}

constexpr bool is_medium(std::size_t number) { return number > exact_classes; }

namespace detail {

constexpr auto make_class_table() {
  std::array<size_class, medium_bytes / medium_step + 1> table{};
  std::size_t number = exact_classes;
  for (std::size_t step = parts_of_doubling; step < table.size(); ++step) {
    while (class_bytes(number) < step * medium_step) ++number;
    table[step] = static_cast<size_class>(number);
  }
  return table;
}
inline constexpr auto class_table = make_class_table();

}  // namespace detail

// The smallest class whose blocks have this many bytes. For at most exact_class_bytes; 0 has class 0.
constexpr std::size_t exact_class_of(std::size_t bytes) {
  return (bytes + granule_bytes - 1) / granule_bytes;
}
// The same for more, up to medium_bytes.
constexpr std::size_t medium_class_of(std::size_t bytes) {
  return detail::class_table[(bytes + medium_step - 1) / medium_step];
}
constexpr std::size_t class_of(std::size_t bytes) {
  return bytes <= exact_class_bytes ? exact_class_of(bytes) : medium_class_of(bytes);
}

// ---- Proofs

namespace detail {

constexpr bool class_is_right_for(std::size_t size) {
  std::size_t number = class_of(size);
  if (number == 0 || number >= class_count) return false;
  if (class_bytes(number) < size) return false;
  if (class_bytes(number - 1) >= size) return false;  // the smallest that fits
  std::size_t waste = class_bytes(number) - size;
  return size <= exact_class_bytes ? waste < granule_bytes : waste * parts_of_doubling < size;
}

// Sizes in one step of the table have one class: its first and its last stand for all.
constexpr bool classes_are_right() {
  for (std::size_t size = 1; size <= exact_class_bytes; ++size) {
    if (!class_is_right_for(size)) return false;
  }
  for (std::size_t size = exact_class_bytes; size < medium_bytes; size += medium_step) {
    if (!class_is_right_for(size + 1) || !class_is_right_for(size + medium_step)) return false;
  }
  return true;
}
static_assert(class_count == 110);
static_assert(class_bytes(class_count - 1) == medium_bytes);
static_assert(classes_are_right(),
              "a block wastes less than 16 bytes up to 1 KiB, and less than 1/8 above");

}  // namespace detail
}  // namespace strata::ground
