// What the model knows of a live block, and the pattern that fills it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "random.hpp"

namespace model {

// Which interface function made a block; it decides which functions may end it.
enum class origin : unsigned char {
  none,               // an empty slot
  plain,              // malloc, calloc, realloc, strata_malloc …
  aligned,            // aligned_alloc
  aligned_otherwise,  // posix_memalign, memalign, valloc, pvalloc, strata_aligned_alloc
  single,             // operator new
  array,              // operator new[]
  single_aligned,
  array_aligned,
  heap,  // of a strata_heap
};

struct block {
  unsigned char* address;
  size_t asked;      // what the program asked for
  size_t size;       // what the program uses: asked, or the usable size where it inquired
  size_t claimed;    // usable size when the block was made
  size_t alignment;  // what the program asked for, or what the rules promise
  uint64_t seed;     // of the pattern
  origin made_by;

  bool empty() const { return made_by == origin::none; }
};

// The pattern's word at index (8 bytes each) depends on the seed and the index only, so a prefix of
// it stays right when the block moves or shrinks.
inline uint64_t pattern_word(uint64_t seed, size_t index) {
  const uint64_t x = seed + index * 0x9e3779b97f4a7c15;
  return x ^ (x >> 29);
}

inline void fill(unsigned char* bytes, size_t size, uint64_t seed) {
  size_t at = 0;
  for (; at + 8 <= size; at += 8) {
    const uint64_t word = pattern_word(seed, at / 8);
    std::memcpy(bytes + at, &word, 8);
  }
  const uint64_t word = pattern_word(seed, at / 8);
  std::memcpy(bytes + at, &word, size - at);
}

// Index of the first byte that differs from the pattern, or size.
inline size_t first_difference(const unsigned char* bytes, size_t size, uint64_t seed) {
  for (size_t at = 0; at < size; at += 8) {
    const size_t length = size - at < 8 ? size - at : 8;
    const uint64_t expected = pattern_word(seed, at / 8);
    uint64_t found = expected;
    std::memcpy(&found, bytes + at, length);
    if (found != expected) {
      unsigned char wanted[8];
      std::memcpy(wanted, &expected, 8);
      size_t i = 0;
      while (bytes[at + i] == wanted[i]) {
        ++i;
      }
      return at + i;
    }
  }
  return size;
}

// Index of the first byte that is not zero, or size.
inline size_t first_nonzero(const unsigned char* bytes, size_t size) {
  size_t at = 0;
  for (uint64_t word = 0; at + 8 <= size; at += 8) {
    std::memcpy(&word, bytes + at, 8);
    if (word != 0) {
      break;
    }
  }
  while (at < size && bytes[at] == 0) {
    ++at;
  }
  return at;
}

// Sizes as programs ask for them, with the edges where allocators go wrong.
inline size_t random_size(random_source& random, size_t max_size) {
  constexpr size_t page = 4096;
  constexpr size_t mib = size_t{1} << 20;
  const size_t dice = random.below(200000);
  size_t size = 0;
  if (dice < 2) {
    size = 40 * mib + random.below(2 * page);
  } else if (dice < 80) {
    size = random.between(mib - page, 4 * mib);
  } else if (dice < 600) {
    size = random.between(16 * page, mib);
  } else if (dice < 6000) {
    size = random.between(1, random.one_in(8) ? 64 : 8) * page + random.below(3) - 1;
  } else if (dice < 16000) {
    size = random.below(32 * 1024);
  } else if (dice < 70000) {  // eight steps to each doubling, and a byte on either side
    size = (random.between(8, 15) << random.below(13)) + random.below(3) - 1;
  } else if (dice < 110000) {
    size = random.below(2048);
  } else {
    size = random.below(129);
  }
  return size < max_size ? size : max_size;
}

}  // namespace model
