// The blocks that are live at a moment of a recording, by address: a table with open addressing and linear
// probing, without marks for what was removed (what follows moves up instead).
#pragma once

#include <cstdint>
#include <vector>

namespace strata::cli::capture {

struct live_block {
  std::uint64_t address = 0;  // 0: none
  std::uint64_t size = 0;
  std::uint32_t node = 0;
  std::uint32_t thread = 0;
  std::uint64_t time_ms = 0;
};

class live_blocks {
 public:
  live_blocks() : slots_(first_slots) {}

  std::size_t size() const { return count_; }
  // False: there was one, which stays.
  bool insert(const live_block& one);
  // False: there is none.
  bool remove(std::uint64_t address, live_block& into);
  template <typename Visit>
  void each(Visit visit) const {
    for (const live_block& one : slots_) {
      if (one.address != 0) visit(one);
    }
  }

 private:
  static constexpr std::size_t first_slots = 1024;

  std::size_t home_of(std::uint64_t address) const {
    return (address * 0x9e3779b97f4a7c15) >> 20 & (slots_.size() - 1);
  }
  std::size_t place_of(std::uint64_t address) const;
  void grow();

  std::vector<live_block> slots_;
  std::size_t count_ = 0;
};

}  // namespace strata::cli::capture
