// Size classes: which block sizes exist, made and proved at compile time.
//
//   small    class  1 .. 64    every multiple of 16 up to 1 KiB: found by a shift, no table
//   medium   class 65 .. 104   eight a doubling, 1152 .. 32 KiB: found in a table of 257 bytes
//   large    no class          whole pages (page_heap) or a mapping of its own
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
inline constexpr std::size_t classes_a_doubling = 8;
inline constexpr std::size_t medium_bytes = 32 * base::KiB;  // the largest size that has a class
inline constexpr std::size_t class_count =
    1 + exact_classes +
    classes_a_doubling * (std::bit_width(medium_bytes) - std::bit_width(exact_class_bytes));

constexpr std::size_t class_bytes(std::size_t number) {
  if (number <= exact_classes) return number * granule_bytes;
  std::size_t above = number - exact_classes - 1;
  std::size_t doubling = exact_class_bytes << (above / classes_a_doubling);
  return doubling + (above % classes_a_doubling + 1) * (doubling / classes_a_doubling);
}

constexpr bool is_medium(std::size_t number) { return number > exact_classes; }

namespace detail {

inline constexpr std::size_t table_step = exact_class_bytes / classes_a_doubling;

constexpr auto make_class_table() {
  std::array<size_class, medium_bytes / table_step + 1> table{};
  std::size_t number = exact_classes;
  for (std::size_t step = exact_class_bytes / table_step; step < table.size(); ++step) {
    while (class_bytes(number) < step * table_step) ++number;
    table[step] = static_cast<size_class>(number);
  }
  return table;
}
inline constexpr auto class_table = make_class_table();

}  // namespace detail

// For sizes above exact_class_bytes, at most medium_bytes.
constexpr std::size_t medium_class_of(std::size_t size) {
  return detail::class_table[(size + detail::table_step - 1) / detail::table_step];
}
// The smallest class that holds size bytes; size is at most medium_bytes. 0 bytes have class 0.
constexpr std::size_t class_of(std::size_t size) {
  if (size <= exact_class_bytes) return (size + granule_bytes - 1) / granule_bytes;
  return medium_class_of(size);
}

// ---- Proofs

namespace detail {

constexpr bool class_is_right_for(std::size_t size) {
  std::size_t number = class_of(size);
  if (number == 0 || number >= class_count) return false;
  if (class_bytes(number) < size) return false;
  if (class_bytes(number - 1) >= size) return false;  // the smallest that fits
  std::size_t waste = class_bytes(number) - size;
  return size <= exact_class_bytes ? waste < granule_bytes : waste * classes_a_doubling < size;
}

// Sizes in one step of the table have one class: its first and its last stand for all.
constexpr bool classes_are_right() {
  for (std::size_t size = 1; size <= exact_class_bytes; ++size) {
    if (!class_is_right_for(size)) return false;
  }
  for (std::size_t size = exact_class_bytes; size < medium_bytes; size += table_step) {
    if (!class_is_right_for(size + 1) || !class_is_right_for(size + table_step)) return false;
  }
  return true;
}
static_assert(class_count == 105);
static_assert(class_bytes(class_count - 1) == medium_bytes);
static_assert(classes_are_right(),
              "a block wastes less than 16 bytes up to 1 KiB, and less than 1/8 above");

}  // namespace detail
}  // namespace strata::ground
