// Which block does a word point to? Blocks sorted by address, and where the heap is dense a table that leads
// from an address's page to the first block that reaches into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace strata::cli::leaks {

struct block {
  std::uint64_t start = 0;
  std::uint64_t bytes = 0;  // that the program asked for
  std::uint32_t node = 0;   // the stack that allocated it
  std::uint64_t order =
      0;  // among those of its process; 0: it is its parent's, from before the fork
};

inline constexpr std::size_t no_block = static_cast<std::size_t>(-1);

class block_index {
 public:
  // Of several at one place the last is kept.
  explicit block_index(std::vector<block> blocks);

  const std::vector<block>& all() const { return blocks_; }
  const block& operator[](std::size_t index) const { return blocks_[index]; }
  // The block that the address is in; no_block: in none.
  //
  // An empty block has its first byte. An array without elements whose length stands before it (new T[0] of
  // a T with a destructor) has the place behind its 8 bytes, to which the program points.
  std::size_t find(std::uint64_t address) const {
    return address - first_ >= last_ - first_ ? no_block : find_near(address);
  }

 private:
  static std::uint64_t end_of(const block& one) {
    return one.start + (one.bytes == 0 ? 1 : one.bytes == 8 ? 9 : one.bytes);
  }
  std::size_t find_near(std::uint64_t address) const;

  std::vector<block> blocks_;
  std::uint64_t first_ = 0;
  std::uint64_t last_ = 0;  // one past the last block's end
  std::vector<std::uint32_t>
      by_page_;  // how many blocks start before the page; empty: not worth it
};

}  // namespace strata::cli::leaks
