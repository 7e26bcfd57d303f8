#include "cli/model/leaks/block_index.hpp"

#include <algorithm>

namespace strata::cli::leaks {
namespace {

constexpr unsigned page_shift = 12;

}  // namespace

block_index::block_index(std::vector<block> blocks) : blocks_(std::move(blocks)) {
  std::sort(blocks_.begin(), blocks_.end(), [](const block& a, const block& b) {
    return a.start != b.start ? a.start < b.start : a.order > b.order;
  });
  const auto same_place = [](const block& a, const block& b) { return a.start == b.start; };
  blocks_.erase(std::unique(blocks_.begin(), blocks_.end(), same_place), blocks_.end());
  if (blocks_.empty()) return;
  first_ = blocks_.front().start >> page_shift << page_shift;
  last_ = end_of(blocks_.back());
  const std::uint64_t pages = ((last_ - first_) >> page_shift) + 1;
  constexpr std::uint64_t always_worth = 1 << 20;
  if (pages > 4 * blocks_.size() + always_worth || blocks_.size() > UINT32_MAX) return;
  by_page_.reserve(pages + 1);
  std::uint32_t next = 0;
  for (std::uint64_t page = 0; page <= pages; ++page) {
    while (next < blocks_.size() && (blocks_[next].start - first_) >> page_shift < page) ++next;
    by_page_.push_back(next);
  }
}

std::size_t block_index::find_near(std::uint64_t address) const {
  auto from = blocks_.begin();
  auto to = blocks_.end();
  if (!by_page_.empty()) {
    const std::uint64_t page = (address - first_) >> page_shift;
    from += by_page_[page];
    to = blocks_.begin() + by_page_[page + 1];
  }
  // The last that starts at or before the address; it may start in an earlier page.
  const auto after = std::upper_bound(
      from, to, address, [](std::uint64_t sought, const block& one) { return sought < one.start; });
  if (after == blocks_.begin()) return no_block;
  const auto found = std::prev(after);
  return address < end_of(*found) ? static_cast<std::size_t>(found - blocks_.begin()) : no_block;
}

}  // namespace strata::cli::leaks
