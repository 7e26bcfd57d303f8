// Arithmetic on sizes and addresses, and rows of bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace strata::base {

inline constexpr std::size_t cache_line_bytes = 64;
inline constexpr std::size_t KiB = 1024;
inline constexpr std::size_t MiB = 1024 * KiB;
inline constexpr std::size_t GiB = 1024 * MiB;
inline constexpr std::size_t TiB = 1024 * GiB;

// std::has_single_bit calls a function to count the bits, where the processor may lack POPCNT.
constexpr bool is_power_of_two(std::size_t value) {
  return value != 0 && (value & (value - 1)) == 0;
}

// alignment is a power of two; the result wraps to a small value when it exceeds the word.
constexpr std::size_t align_up(std::size_t value, std::size_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}
constexpr std::size_t align_down(std::size_t value, std::size_t alignment) {
  return value & ~(alignment - 1);
}
constexpr bool is_aligned(std::size_t value, std::size_t alignment) {
  return (value & (alignment - 1)) == 0;
}
constexpr std::size_t divide_up(std::size_t value, std::size_t divisor) {
  return (value + divisor - 1) / divisor;
}
constexpr unsigned log2_of(std::size_t power_of_two) {
  return static_cast<unsigned>(std::countr_zero(power_of_two));
}
// splitmix64's finisher (Steele, Lea, Flood, 2014): each bit of the word changes half of the result's.
constexpr std::uint64_t mixed(std::uint64_t word) {
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
  word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
  return word ^ (word >> 31);
}
constexpr std::size_t smaller(std::size_t a, std::size_t b) { return a < b ? a : b; }
constexpr std::size_t larger(std::size_t a, std::size_t b) { return a > b ? a : b; }

inline std::uintptr_t address_of(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}
template <typename T = void>
T* pointer_to(std::uintptr_t address) {
  return reinterpret_cast<T*>(address);
}

// Of the bits that are set, those in aligned groups of `group` bits (a power of two) that all are.
constexpr std::uint64_t whole_groups(std::uint64_t word, unsigned group) {
  for (unsigned by = 1; by < group; by *= 2) word &= word >> by;
  std::uint64_t one_group = ~std::uint64_t{0} >> (64 - group);
  return (word & ~std::uint64_t{0} / one_group) * one_group;
}

// A row of bits that lives elsewhere: bit i is bit i % 64 of word i / 64. Its owner knows its
// length and keeps the bits past it clear.
class bit_row {
 public:
  explicit constexpr bit_row(std::uint64_t* words) : words_(words) {}

  static constexpr std::size_t words_for(std::size_t bits) { return divide_up(bits, 64); }

  [[nodiscard]] bool test(std::size_t bit) const {
    return ((words_[bit / 64] >> (bit % 64)) & 1) != 0;
  }
  void set(std::size_t bit) { words_[bit / 64] |= std::uint64_t{1} << (bit % 64); }
  void clear(std::size_t bit) { words_[bit / 64] &= ~(std::uint64_t{1} << (bit % 64)); }

  void set_range(std::size_t from, std::size_t count) {
    each_mask(from, count, [this](std::size_t word, std::uint64_t mask) { words_[word] |= mask; });
  }
  void clear_range(std::size_t from, std::size_t count) {
    each_mask(from, count, [this](std::size_t word, std::uint64_t mask) { words_[word] &= ~mask; });
  }
  [[nodiscard]] std::size_t count_range(std::size_t from, std::size_t count) const {
    std::size_t total = 0;
    each_mask(from, count, [&](std::size_t word, std::uint64_t mask) {
      total += static_cast<std::size_t>(std::popcount(words_[word] & mask));
    });
    return total;
  }

  // The first bit at or after `from` that equals `value`; `size` when there is none before it.
  [[nodiscard]] std::size_t find(bool value, std::size_t from, std::size_t size) const {
    while (from < size) {
      std::uint64_t word = (value ? words_[from / 64] : ~words_[from / 64]) >> (from % 64);
      if (word != 0) return smaller(from + static_cast<std::size_t>(std::countr_zero(word)), size);
      from = (from / 64 + 1) * 64;
    }
    return size;
  }

  // Clears the first `wanted` set bits of [0, size), or all there are, and calls action(bit) for each.
  // group: of whole groups of so many bits only (whole_groups).
  template <typename Action>
  void take_first(std::size_t size, std::size_t wanted, unsigned group, Action action) {
    for (std::size_t word = 0; word < words_for(size) && wanted > 0; ++word) {
      std::uint64_t left = whole_groups(words_[word], group);
      std::uint64_t others = words_[word] ^ left;
      for (; left != 0 && wanted > 0; --wanted, left &= left - 1) {
        action(word * 64 + static_cast<std::size_t>(std::countr_zero(left)));
      }
      words_[word] = left | others;
    }
  }

  // Calls action(from, count) for each maximal run of set bits in [0, size).
  template <typename Action>
  void each_run(std::size_t size, Action action) const {
    for (std::size_t from = find(true, 0, size); from < size;) {
      std::size_t end = find(false, from, size);
      action(from, end - from);
      from = find(true, end, size);
    }
  }

 private:
  // Calls action(word, mask) for each word that [from, from + count) touches.
  template <typename Action>
  static void each_mask(std::size_t from, std::size_t count, Action action) {
    while (count > 0) {
      std::size_t shift = from % 64;
      std::size_t here = smaller(count, 64 - shift);
      std::uint64_t ones = here == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1;
      action(from / 64, ones << shift);
      from += here;
      count -= here;
    }
  }

  std::uint64_t* words_;
};

}  // namespace strata::base
