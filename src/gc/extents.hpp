// What lives in the blocks of a compacting heap, and from where to where: a bit for each word, set for the
// first and for the last word of each object that a marking has reached (Kermany and Petrank, 2006).
//
//   heap    | H a a a | . . | H b | H c c | . .        H: header; dots: dead
//   bits      1 0 0 1   0 0   1 1   1 0 1   0 0
//
//   chunk    64 words of the heap, whose bits are one word. An object belongs to the chunk that it begins in
//   entered  a chunk whose first bit is the last word of an object of an earlier chunk
//
// An object has two words at least, header and all, and lies in one block; so a block's bits come in pairs.
// Places are told as words from the heap's base on.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "gc/blocks.hpp"
#include "gc/object_inl.hpp"
#include "os/memory.hpp"

namespace strata::gc {

inline constexpr std::size_t chunk_words = 64;
inline constexpr std::size_t block_words = detail::block_bytes / detail::word_bytes;
inline constexpr std::size_t block_chunks = block_words / chunk_words;

// std::popcount calls a function where the processor may lack POPCNT.
STRATA_INLINE std::size_t count_bits(std::uint64_t bits) {
  bits -= (bits >> 1) & 0x5555555555555555;
  bits = (bits & 0x3333333333333333) + ((bits >> 2) & 0x3333333333333333);
  return (((bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101) >> 56;
}

// A bit for each word of the heap, on pages that are there once they are written.
class word_bits {
 public:
  word_bits() = default;
  word_bits(const word_bits&) = delete;
  word_bits& operator=(const word_bits&) = delete;
  ~word_bits() {
    if (words_ != nullptr) os::release(words_, bytes_);
  }
  // False when the system refuses.
  bool open(std::size_t count_of_blocks) {
    bytes_ = base::align_up(count_of_blocks * block_bytes, os::page_bytes());
    words_ = static_cast<std::uint64_t*>(os::map(bytes_, os::page_bytes()));
    return words_ != nullptr;
  }
  // Nobody needs them for a while: the system has the pages back, if it takes them.
  void give_back() { os::purge(words_, bytes_); }
  void clear_block(std::size_t block) {
    std::memset(words_ + block * block_chunks, 0, block_bytes);
  }
  [[nodiscard]] std::uint64_t of_chunk(std::size_t chunk) const { return words_[chunk]; }
  [[nodiscard]] bool test(std::size_t word) const {
    return (words_[word / chunk_words] >> (word % chunk_words) & 1) != 0;
  }
  void set(std::size_t word) {
    words_[word / chunk_words] |= std::uint64_t{1} << (word % chunk_words);
  }
  void clear(std::size_t word) {
    words_[word / chunk_words] &= ~(std::uint64_t{1} << (word % chunk_words));
  }
  // `to` where none from `from` on is set before it.
  [[nodiscard]] std::size_t next(std::size_t from, std::size_t to) const {
    return base::bit_row{words_}.find(true, from, to);
  }
  // There is one.
  [[nodiscard]] std::size_t first_from_chunk(std::size_t chunk) const {
    while (words_[chunk] == 0) ++chunk;
    return chunk * chunk_words + static_cast<std::size_t>(std::countr_zero(words_[chunk]));
  }

 private:
  static constexpr std::size_t block_bytes = block_chunks * sizeof(std::uint64_t);
  std::uint64_t* words_ = nullptr;
  std::size_t bytes_ = 0;
};

class extents {
 public:
  explicit extents(blocks& of) : blocks_(of) {}
  bool open() { return bits_.open(blocks_.count()); }

  void give_back() { bits_.give_back(); }
  void clear() {
    blocks_.each_used([this](std::size_t block, use) { bits_.clear_block(block); });
  }
  [[nodiscard]] std::size_t word_of(const void* address) const {
    return (base::address_of(address) - blocks_.base()) / detail::word_bytes;
  }
  [[nodiscard]] std::byte* at(std::size_t word) const {
    return base::pointer_to<std::byte>(blocks_.base() + word * detail::word_bytes);
  }
  // Of an object by its address, which is behind its header.
  [[nodiscard]] std::size_t first_word(const void* object) const {
    return word_of(object) - header::bytes / detail::word_bytes;
  }
  [[nodiscard]] void* object_at(std::size_t first) const { return at(first) + header::bytes; }

  [[nodiscard]] bool has(const void* object) const { return bits_.test(first_word(object)); }
  [[nodiscard]] bool has_at(std::size_t first) const { return bits_.test(first); }
  // Its last word follows once somebody has looked at the object.
  void add_first(std::size_t first) { bits_.set(first); }
  void add_last(std::size_t last) { bits_.set(last); }
  void remove(std::size_t first, std::size_t last) {
    bits_.clear(first);
    bits_.clear(last);
  }

  // ---- Once all have both

  // The first or the last word of an object, from a word on and before another; that one where there is none.
  [[nodiscard]] std::size_t next_end(std::size_t from, std::size_t to) const {
    return bits_.next(from, to);
  }

  [[nodiscard]] std::uint64_t bits_of(std::size_t chunk) const { return bits_.of_chunk(chunk); }
  // Without what an earlier chunk's object has here.
  [[nodiscard]] std::uint64_t own_bits(std::size_t chunk, bool is_entered) const {
    std::uint64_t bits = bits_.of_chunk(chunk);
    return is_entered ? bits & (bits - 1) : bits;
  }
  // Of the next chunk, from what is known of this.
  static bool enters_next(std::uint64_t bits, bool is_entered) {
    return is_entered != (__builtin_parityll(bits) != 0);
  }
  [[nodiscard]] bool is_entered(std::size_t chunk) const {
    bool entered = false;
    for (std::size_t at = chunk / block_chunks * block_chunks; at < chunk; ++at)
      entered = enters_next(bits_.of_chunk(at), entered);
    return entered;
  }
  // The words of objects whose first and last ones are set; of the one without its last, all to the end.
  static std::uint64_t inside(std::uint64_t bits) {
    std::uint64_t open = bits;
    for (unsigned by = 1; by < 64; by *= 2) open ^= open << by;
    return open | bits;
  }
  // The first bit behind the chunk; there is one.
  [[nodiscard]] std::size_t first_in_chunks_behind(std::size_t chunk) const {
    return bits_.first_from_chunk(chunk + 1);
  }
  // visit(first word, last word) for each object that begins in the chunk.
  template <class Visit>
  STRATA_INLINE void each_in_chunk(std::size_t chunk, bool is_entered, Visit&& visit) const {
    std::uint64_t bits = own_bits(chunk, is_entered);
    while (bits != 0) {
      std::size_t first = chunk * chunk_words + static_cast<std::size_t>(std::countr_zero(bits));
      bits &= bits - 1;
      std::size_t last =
          bits != 0 ? chunk * chunk_words + static_cast<std::size_t>(std::countr_zero(bits))
                    : first_in_chunks_behind(chunk);
      bits &= bits - 1;
      visit(first, last);
    }
  }
  // visit(chunk, is_entered) for each chunk of the block that objects begin in.
  template <class Visit>
  STRATA_INLINE void each_chunk(std::size_t block, Visit&& visit) const {
    bool entered = false;
    for (std::size_t chunk = block * block_chunks; chunk < (block + 1) * block_chunks; ++chunk) {
      std::uint64_t bits = bits_.of_chunk(chunk);
      if (bits == 0) continue;
      if (own_bits(chunk, entered) != 0) visit(chunk, entered);
      entered = enters_next(bits, entered);
    }
  }
  template <class Visit>
  STRATA_INLINE void each_in_block(std::size_t block, Visit&& visit) const {
    each_chunk(block,
               [&](std::size_t chunk, bool entered) { each_in_chunk(chunk, entered, visit); });
  }

 private:
  blocks& blocks_;
  word_bits bits_;
};

// Forwards by less than its length, perhaps.
STRATA_INLINE void slide_object(std::byte* to, const std::byte* from, std::size_t bytes) {
  if (bytes > 128) {
    std::memmove(to, from, bytes);
    return;
  }
  for (std::size_t at = 0; at < bytes; at += detail::word_bytes)
    __builtin_memcpy(to + at, from + at, detail::word_bytes);
}

}  // namespace strata::gc
