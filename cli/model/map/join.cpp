// Joins what the kernel tells with what Strata tells: cuts mappings where Strata's areas begin and end,
// and counts which pages of the heap are resident.
#include <algorithm>
#include <utility>

#include "cli/model/map/allocator.hpp"

namespace strata::cli::map {
namespace {

constexpr std::uint64_t longest_counted = std::uint64_t{64} << 30;  // 128 MiB of the kernel's table

std::optional<std::uint64_t> resident_in(const memory& from, std::uint64_t start,
                                         std::uint64_t end) {
  std::vector<bool> pages;
  if (end - start > longest_counted || !from.resident(start, end, pages)) return std::nullopt;
  return static_cast<std::uint64_t>(std::count(pages.begin(), pages.end(), true)) *
         system_page_bytes();
}

// The part of a mapping's memory that a piece of it has, and what is left.
usage share_of(const usage& whole, double share) {
  usage part;
  return part.combine(whole, [&](std::uint64_t& own, std::uint64_t all) {
    own = static_cast<std::uint64_t>(static_cast<double>(all) * share);
  });
}
usage rest_of(usage whole, const usage& part) {
  return whole.combine(part, [](std::uint64_t& own, std::uint64_t taken) { own -= taken; });
}

// Cuts the mapping that holds the address in two; its memory is shared out by what is resident, which
// is counted, or by size where that may not be known.
void cut_at(std::uint64_t address, const memory& from, address_space& space) {
  const mapping* found = find(space, address);
  if (found == nullptr || found->start == address) return;
  const auto index = found - space.mappings.data();
  mapping behind = *found;
  mapping& front = space.mappings[static_cast<std::size_t>(index)];
  const usage whole = front.memory;
  double share = static_cast<double>(address - front.start) / static_cast<double>(front.bytes());
  if (whole.resident_bytes > 0) {
    if (const auto counted = resident_in(from, front.start, address)) {
      share =
          std::min(1.0, static_cast<double>(*counted) / static_cast<double>(whole.resident_bytes));
    }
  }
  front.end = behind.start = address;
  behind.offset += front.bytes();
  front.memory = share_of(whole, share);
  behind.memory = rest_of(whole, front.memory);
  space.mappings.insert(space.mappings.begin() + index + 1, std::move(behind));
}

}  // namespace

void join(const allocator_view& view, const memory& from, address_space& space) {
  for (const area& one : view.areas) {
    cut_at(one.start, from, space);
    cut_at(one.end, from, space);
    auto at = std::lower_bound(
        space.mappings.begin(), space.mappings.end(), one.start,
        [](const mapping& each, std::uint64_t start) { return each.start < start; });
    for (; at != space.mappings.end() && at->start < one.end; ++at) {
      if (at->what != purpose::reserved) at->what = purpose::allocator;
      at->label = "Strata: " + one.label;
    }
  }
}

bool count_resident(const memory& from, allocator_view& view) {
  for (const heap_region& region : view.regions) {
    std::vector<bool> pages;
    const std::uint64_t end = region.start + region.pages.size() * view.page_bytes;
    if (!from.resident(region.start, end, pages)) return false;
    const std::uint64_t parts = view.page_bytes / system_page_bytes();
    for (std::size_t i = 0; i < pages.size(); ++i) {
      if (!pages[i]) continue;
      view.resident_bytes[static_cast<std::size_t>(region.pages[i / parts])] += system_page_bytes();
    }
  }
  return view.is_residence_known = true;
}

}  // namespace strata::cli::map
