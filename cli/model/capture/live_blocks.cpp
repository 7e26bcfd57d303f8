#include "cli/model/capture/live_blocks.hpp"

#include <utility>

namespace strata::cli::capture {

std::size_t live_blocks::place_of(std::uint64_t address) const {
  std::size_t at = home_of(address);
  while (slots_[at].address != 0 && slots_[at].address != address) {
    at = (at + 1) & (slots_.size() - 1);
  }
  return at;
}

bool live_blocks::insert(const live_block& one) {
  if (one.address == 0) return false;
  if (count_ * 2 >= slots_.size()) grow();
  live_block& slot = slots_[place_of(one.address)];
  if (slot.address != 0) return false;
  slot = one;
  ++count_;
  return true;
}

bool live_blocks::remove(std::uint64_t address, live_block& into) {
  if (address == 0) return false;
  std::size_t hole = place_of(address);
  if (slots_[hole].address == 0) return false;
  into = slots_[hole];
  --count_;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = (hole + 1) & mask; slots_[at].address != 0; at = (at + 1) & mask) {
    // It may move to the hole unless its home lies between the hole and itself.
    const std::size_t home = home_of(slots_[at].address);
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = {};
  return true;
}

void live_blocks::grow() {
  std::vector<live_block> before(slots_.size() * 2);
  std::swap(before, slots_);
  for (const live_block& one : before) {
    if (one.address != 0) slots_[place_of(one.address)] = one;
  }
}

}  // namespace strata::cli::capture
