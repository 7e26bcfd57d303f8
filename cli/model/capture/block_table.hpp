// Blocks that are live, by a number that each has: a table with open addressing and linear probing, without
// marks for what was removed (what follows moves up instead).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace strata::cli::capture {

// Key: the member by which blocks are found; 0 stands for no block.
template <typename Block, std::uint64_t Block::*Key>
class block_table {
 public:
  block_table() : slots_(first_slots) {}

  std::size_t size() const { return count_; }

  // The block with the key will be asked for soon. Most of the time that an operation takes is for the memory.
  void prefetch(std::uint64_t key) const { __builtin_prefetch(&slots_[home_of(key)], 1); }

  // False: there was one, which stays.
  bool insert(const Block& one) {
    if (one.*Key == 0) return false;
    if (count_ * 2 >= slots_.size()) grow();
    Block& slot = slots_[place_of(one.*Key)];
    if (slot.*Key != 0) return false;
    slot = one;
    ++count_;
    return true;
  }

  // Null: there is none. Valid until the next change.
  const Block* find(std::uint64_t key) const {
    const Block& found = slots_[place_of(key)];
    return key == 0 || found.*Key == 0 ? nullptr : &found;
  }

  // False: there is none.
  bool remove(std::uint64_t key, Block& into) {
    if (key == 0) return false;
    std::size_t hole = place_of(key);
    if (slots_[hole].*Key == 0) return false;
    into = slots_[hole];
    --count_;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = (hole + 1) & mask; slots_[at].*Key != 0; at = (at + 1) & mask) {
      // It may move to the hole unless its home lies between the hole and itself.
      const std::size_t home = home_of(slots_[at].*Key);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = {};
    return true;
  }

  template <typename Visit>
  void each(Visit visit) const {
    for (const Block& one : slots_) {
      if (one.*Key != 0) visit(one);
    }
  }

 private:
  static constexpr unsigned first_bits = 10;
  static constexpr std::size_t first_slots = std::size_t{1} << first_bits;

  std::size_t home_of(std::uint64_t key) const {
    return key * 0x9e3779b97f4a7c15 >> shift_;  // Fibonacci hashing: neighbours lie far apart
  }
  std::size_t place_of(std::uint64_t key) const {
    std::size_t at = home_of(key);
    while (slots_[at].*Key != 0 && slots_[at].*Key != key) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() {
    std::vector<Block> before(slots_.size() * 2);
    --shift_;
    std::swap(before, slots_);
    for (const Block& one : before) {
      if (one.*Key != 0) slots_[place_of(one.*Key)] = one;
    }
  }

  std::vector<Block> slots_;
  unsigned shift_ = 64 - first_bits;
  std::size_t count_ = 0;
};

}  // namespace strata::cli::capture
