// What the model knows of a live block, and the pattern that fills it.
#pragma once

#include <algorithm>
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

// A stretch of the pattern. The word at an index depends on the seed and the index only, so a
// prefix of the pattern stays right when the block moves or shrinks.
//
// Blocks are filled and compared by whole stretches: to a sanitizer that is one access, where a
// loop over words would be a call for each. Making a stretch touches no block, so sanitizers are
// kept out of it.
struct pattern {
  static constexpr size_t word_count = 64;
  static constexpr size_t bytes = word_count * sizeof(uint64_t);

  __attribute__((no_sanitize("address", "thread"))) pattern(uint64_t seed, size_t offset) {
    for (size_t i = 0; i < word_count; ++i) {
      const uint64_t x = seed + (offset / sizeof(uint64_t) + i) * 0x9e3779b97f4a7c15;
      words[i] = x ^ (x >> 29);
    }
  }

  uint64_t words[word_count];
};

inline void fill(unsigned char* bytes, size_t size, uint64_t seed) {
  for (size_t at = 0; at < size; at += pattern::bytes) {
    const pattern stretch(seed, at);
    std::memcpy(bytes + at, stretch.words, std::min(size - at, pattern::bytes));
  }
}

// Index of the first byte that differs from what is wanted, or size.
inline size_t first_difference(const unsigned char* bytes, const void* wanted, size_t size) {
  if (std::memcmp(bytes, wanted, size) == 0) {
    return size;
  }
  return std::mismatch(bytes, bytes + size, static_cast<const unsigned char*>(wanted)).first -
         bytes;
}

// The same for the pattern.
inline size_t first_difference(const unsigned char* bytes, size_t size, uint64_t seed) {
  for (size_t at = 0; at < size; at += pattern::bytes) {
    const pattern stretch(seed, at);
    const size_t length = std::min(size - at, pattern::bytes);
    const size_t index = first_difference(bytes + at, stretch.words, length);
    if (index != length) {
      return at + index;
    }
  }
  return size;
}

// Index of the first byte that is not zero, or size.
inline size_t first_nonzero(const unsigned char* bytes, size_t size) {
  static constexpr unsigned char zeros[4096] = {};
  for (size_t at = 0; at < size; at += sizeof zeros) {
    const size_t length = std::min(size - at, sizeof zeros);
    const size_t index = first_difference(bytes + at, zeros, length);
    if (index != length) {
      return at + index;
    }
  }
  return size;
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
