// Words of bits in memory that somebody else owns: what bitmap and buddy search.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace strata::bits {

constexpr std::size_t none = SIZE_MAX;
constexpr std::size_t words_for(std::size_t count) { return (count + 63) / 64; }

inline bool get(const std::uint64_t* words, std::size_t at) {
  return (words[at / 64] >> (at % 64) & 1) != 0;
}
inline void set(std::uint64_t* words, std::size_t at) {
  words[at / 64] |= std::uint64_t{1} << (at % 64);
}
inline void clear(std::uint64_t* words, std::size_t at) {
  words[at / 64] &= ~(std::uint64_t{1} << (at % 64));
}
// The first set bit from there on, before end; or none.
inline std::size_t next_set(const std::uint64_t* words, std::size_t from, std::size_t end) {
  if (from >= end) return none;
  std::size_t word = from / 64;
  std::uint64_t here = words[word] & (~std::uint64_t{0} << (from % 64));
  while (here == 0) {
    if (++word >= words_for(end)) return none;
    here = words[word];
  }
  std::size_t found = word * 64 + static_cast<std::size_t>(std::countr_zero(here));
  return found < end ? found : none;
}

}  // namespace strata::bits
