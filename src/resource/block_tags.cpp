#include <strata/detail/block_tags.hpp>

#include <algorithm>
#include <new>

#include "base/bits.hpp"
#include "os/process.hpp"

namespace strata::detail {

tagged_regions::tagged_regions(const char* name, std::pmr::memory_resource* upstream,
                               const region_options& chosen)
    : extent_{name},
      secret_(os::random_word()),
      upstream_(upstream),
      chosen_(chosen),
      next_region_bytes_(chosen.first_region_bytes) {}

void tagged_regions::forget_live() {
  secret_ = base::mixed(secret_ + 1);
  used_bytes_ = 0;
  live_blocks_ = 0;
  next_region_bytes_ = chosen_.first_region_bytes;
}

// ---- Regions

block_address tagged_regions::adopt(std::span<std::byte> memory) {
  std::uintptr_t start = align_up(address_of(memory.data()), granule_bytes);
  std::uintptr_t end = align_down(address_of(memory.data()) + memory.size(), granule_bytes);
  if (start >= end || end - start < region_overhead + least_block_bytes) return 0;
  std::size_t bytes = std::min(end - start, region_overhead + most_block_bytes);
  auto* made = ::new (pointer_to(start)) region_head{newest_, nullptr, bytes};
  if (newest_ != nullptr) newest_->previous = made;
  newest_ = made;
  ++regions_;
  held_bytes_ += bytes;
  std::uintptr_t high = std::max(start + bytes, extent_.lowest + extent_.span);
  extent_.lowest = extent_.span == 0 ? start : std::min(start, extent_.lowest);
  extent_.span = high - extent_.lowest;
  return clear(made);
}

block_address tagged_regions::clear(region_head* one) {
  block_address first = one->first();
  std::size_t bytes = one->end() - first;
  poison(pointer_to(first), bytes + word_bytes);
  set_tag(one->end(), tag::live);
  set_free(first, bytes, tag::first);
  return first;
}

block_address tagged_regions::grow(std::size_t block_bytes) noexcept {
  if (upstream_ == nullptr || block_bytes > most_block_bytes) return 0;
  std::size_t least = block_bytes + region_overhead;
  std::size_t room =
      align_down(chosen_.most_bytes - std::min(held_bytes_, chosen_.most_bytes), granule_bytes);
  if (least > room) return 0;
  std::size_t usual = align_down(next_region_bytes_, granule_bytes);
  std::size_t taken = std::min({std::max(least, usual), room, most_block_bytes + region_overhead});
  void* memory = nullptr;
  try {
    memory = upstream_->allocate(taken, granule_bytes);
  } catch (...) {
    return 0;
  }
  next_region_bytes_ = std::min(next_region_bytes_ * 2, chosen_.most_region_bytes);
  return adopt({static_cast<std::byte*>(memory), taken});
}

void tagged_regions::give_back(region_head* one) noexcept {
  region_head* next = one->next;
  region_head* previous = one->previous;
  std::size_t bytes = one->bytes;
  (previous != nullptr ? previous->next : newest_) = next;
  if (next != nullptr) next->previous = previous;
  --regions_;
  held_bytes_ -= bytes;
  unpoison(one, bytes);
  if (upstream_ != nullptr) upstream_->deallocate(one, bytes, granule_bytes);
  std::uintptr_t lowest = UINTPTR_MAX;
  std::uintptr_t high = 0;
  for (const region_head* each = newest_; each != nullptr; each = each->next) {
    lowest = std::min(lowest, address_of(each));
    high = std::max(high, address_of(each) + each->bytes);
  }
  extent_.lowest = regions_ == 0 ? 0 : lowest;
  extent_.span = high - extent_.lowest;
}

tagged_regions::region_head* tagged_regions::region_of(std::uintptr_t address) const noexcept {
  for (region_head* one = newest_; one != nullptr; one = one->next) {
    if (address - address_of(one) < one->bytes) return one;
  }
  return nullptr;
}

// ---- Looking at it

void tagged_regions::explain(const void* address, std::size_t bytes) const {
  std::uintptr_t asked = address_of(address);
  const region_head* one = region_of(asked);
  if (one == nullptr || asked < one->first() || asked >= one->end()) {
    stop(misuse::foreign_free, extent_.name, address, bytes);
  }
  block_address at = one->first();
  while (is_sealed(at, load(at)) && asked >= at + bytes_of(at)) at += bytes_of(at);
  std::uint64_t word = load(at);
  if (!is_sealed(at, word)) stop(misuse::corrupt, extent_.name, pointer_to(at));
  std::size_t room = tag::bytes_of(word) - word_bytes;
  if ((word & tag::live) == 0) stop(misuse::double_free, extent_.name, address);
  if (asked != at + word_bytes) stop(misuse::interior_free, extent_.name, address, room);
  stop(misuse::wrong_size, extent_.name, address, room);
}

std::size_t tagged_regions::verify_tags(bool neighbours_merged) const {
  std::size_t held = 0;
  std::size_t used = 0;
  std::size_t live = 0;
  std::size_t free = 0;
  for (const region_head* one = newest_; one != nullptr; one = one->next) {
    held += one->bytes;
    std::size_t free_before = 0;  // bytes of the free block before; 0 where it is live
    for (block_address at = one->first();;) {
      std::uint64_t word = load(at);
      std::size_t bytes = tag::bytes_of(word);
      check(is_sealed(at, word), extent_.name, pointer_to(at));
      check(((word & tag::after_free) != 0) == (free_before != 0), extent_.name, pointer_to(at));
      check(free_before == 0 || load(at - word_bytes) == free_before, extent_.name, pointer_to(at));
      check(((word & tag::first) != 0) == (at == one->first()), extent_.name, pointer_to(at));
      check(bytes <= one->end() - at, extent_.name, pointer_to(at));
      if (at == one->end()) break;
      check(bytes >= least_block_bytes, extent_.name, pointer_to(at));
      bool is_live = (word & tag::live) != 0;
      check(is_live || free_before == 0 || !neighbours_merged, extent_.name, pointer_to(at));
      used += is_live ? bytes - word_bytes : 0;
      live += is_live ? 1 : 0;
      free += is_live ? 0 : 1;
      free_before = is_live ? 0 : bytes;
      at += bytes;
    }
  }
  check(held == held_bytes_ && used == used_bytes_ && live == live_blocks_, extent_.name, this);
  return free;
}

}  // namespace strata::detail
