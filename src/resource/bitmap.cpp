#include <strata/bitmap.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "resource/bits.hpp"

namespace strata {
namespace {

constexpr std::size_t table_alignment = alignof(std::max_align_t);
constexpr std::size_t most_block_bytes = std::size_t{1} << 40;

}  // namespace

bitmap::bitmap(std::pmr::memory_resource* upstream, options chosen)
    : block_bytes_(chosen.block_bytes),
      upstream_(upstream),
      next_region_bytes_(chosen.first_region_bytes),
      most_region_bytes_(chosen.most_region_bytes),
      region_alignment_(std::max(chosen.block_bytes, alignof(std::max_align_t))) {
  if (!std::has_single_bit(block_bytes_) || block_bytes_ > most_block_bytes) {
    detail::stop(detail::misuse::precondition, "bitmap", this, block_bytes_);
  }
}

// As many blocks as fit behind tables for them. What is left over is the tables'.
bitmap::bitmap(std::span<std::byte> buffer, options chosen) : bitmap(nullptr, chosen) {
  std::uintptr_t tables = detail::align_up(detail::address_of(buffer.data()), table_alignment);
  std::uintptr_t end =
      detail::align_down(detail::address_of(buffer.data()) + buffer.size(), block_bytes_);
  if (buffer.empty() || tables >= end) return;
  std::size_t blocks = (end - tables) / block_bytes_;
  while (blocks != 0 && table_bytes_for(blocks) > end - tables - blocks * block_bytes_) --blocks;
  if (blocks == 0) return;
  heaps_ = lay_out(detail::pointer_to(tables), end - blocks * block_bytes_, blocks);
  heaps_->table_bytes = heaps_->start - tables;
  held_bytes_ = end - tables;
}

bitmap::~bitmap() {
  while (heap* one = heaps_) {
    heaps_ = one->next;
    if (upstream_ != nullptr) {
      give_back(one);
    } else {
      detail::unpoison(detail::pointer_to(one->start), one->blocks * block_bytes_);
    }
  }
}

// ---- Regions

std::size_t bitmap::blocks_for(std::size_t bytes) const {
  return bytes <= block_bytes_ ? 1 : (bytes - 1) / block_bytes_ + 1;
}

std::size_t bitmap::table_bytes_for(std::size_t blocks) const {
  std::size_t words = bits::words_for(blocks);
  return sizeof(heap) + (2 * words + bits::words_for(words)) * sizeof(std::uint64_t);
}

bitmap::heap* bitmap::lay_out(void* tables, std::uintptr_t start,
                              std::size_t blocks) const noexcept {
  std::size_t words = bits::words_for(blocks);
  std::memset(tables, 0, table_bytes_for(blocks));
  auto* one = ::new (tables) heap{};
  one->start = start;
  one->blocks = one->free_blocks = blocks;
  one->table_bytes = table_bytes_for(blocks);
  one->free = reinterpret_cast<std::uint64_t*>(one + 1);
  one->starts = one->free + words;
  one->summary = one->starts + words;
  for (std::size_t word = 0; word < words; ++word) {
    std::size_t rest = blocks - word * 64;
    one->free[word] = rest >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << rest) - 1;
    bits::set(one->summary, word);
  }
  detail::poison(detail::pointer_to(start), blocks * block_bytes_);
  return one;
}

// A new region, in which the run certainly fits.
bitmap::heap* bitmap::grow(std::size_t blocks, std::size_t alignment) noexcept {
  if (upstream_ == nullptr || blocks > SIZE_MAX / 2 / block_bytes_) return nullptr;
  std::size_t wanted = std::max(blocks, next_region_bytes_ / block_bytes_);
  std::size_t bytes = wanted * block_bytes_;
  void* tables = nullptr;
  void* memory = nullptr;
  std::size_t of_region = std::max(region_alignment_, alignment);
  try {
    tables = upstream_->allocate(table_bytes_for(wanted), table_alignment);
    memory = upstream_->allocate(bytes, of_region);
  } catch (...) {
    if (tables != nullptr) upstream_->deallocate(tables, table_bytes_for(wanted), table_alignment);
    return nullptr;
  }
  heap* made = lay_out(tables, detail::address_of(memory), wanted);
  made->alignment = of_region;
  held_bytes_ += bytes + made->table_bytes;
  next_region_bytes_ = std::min(next_region_bytes_ * 2, most_region_bytes_);
  heap** last = &heaps_;
  while (*last != nullptr) last = &(*last)->next;
  *last = made;
  return made;
}

void bitmap::give_back(heap* one) noexcept {
  std::size_t bytes = one->blocks * block_bytes_;
  detail::unpoison(detail::pointer_to(one->start), bytes);
  held_bytes_ -= bytes + one->table_bytes;
  upstream_->deallocate(detail::pointer_to(one->start), bytes, one->alignment);
  upstream_->deallocate(one, one->table_bytes, table_alignment);
}

// ---- Search

// The first free block from there on, or `blocks`.
std::size_t bitmap::next_free(const heap& one, std::size_t from) const {
  if (from >= one.blocks) return one.blocks;
  std::size_t word = from / 64;
  std::uint64_t here = one.free[word] & (~std::uint64_t{0} << (from % 64));
  if (here == 0) {
    word = bits::next_set(one.summary, word + 1, bits::words_for(one.blocks));
    if (word == bits::none) return one.blocks;
    here = one.free[word];
  }
  return word * 64 + static_cast<std::size_t>(std::countr_zero(here));
}

// The first block from there on that is not free, or end.
std::size_t bitmap::next_used(const heap& one, std::size_t from, std::size_t end) const {
  for (std::size_t at = from; at < end;) {
    std::uint64_t used = ~one.free[at / 64] >> (at % 64);
    if (used != 0) return std::min(at + static_cast<std::size_t>(std::countr_zero(used)), end);
    at = (at / 64 + 1) * 64;
  }
  return end;
}

// Where the free blocks start that end there; no further back than `least`.
std::size_t bitmap::start_of_free(const heap& one, std::size_t end, std::size_t least) const {
  for (std::size_t at = end; at > least;) {
    std::uint64_t used = ~one.free[(at - 1) / 64] << (63 - (at - 1) % 64);
    if (used != 0) return std::max(at - static_cast<std::size_t>(std::countl_zero(used)), least);
    at = (at - 1) / 64 * 64;
  }
  return least;
}

unsigned bitmap::level_of(std::size_t blocks) {
  return std::min(static_cast<unsigned>(std::bit_width(blocks)), levels) - 1;
}

// From one free stretch to the next, the first of which starts at the hint; each is looked at no
// further than is needed. The hint moves on to the first that is of its level and stays free.
std::size_t bitmap::find_run(heap& one, std::size_t blocks, std::size_t alignment) const {
  std::size_t step = std::max<std::size_t>(alignment / block_bytes_, 1);
  std::size_t phase = step - one.start / block_bytes_ % step;  // of block 0
  std::size_t& hint = one.hints[level_of(blocks)];
  std::size_t passed = bits::none;
  std::size_t at = next_free(one, hint);
  while (at < one.blocks) {
    std::size_t first = at + (phase - at % step + step) % step;
    if (first + blocks > one.blocks) break;
    std::size_t used = next_used(one, first, first + blocks);
    if (used == first + blocks) {
      hint = std::min(passed, at == first ? used : at);
      return first;
    }
    if (level_of(used - at) >= level_of(blocks)) passed = std::min(passed, at);
    at = next_free(one, used);
  }
  hint = std::min(passed, at);
  return bits::none;
}

// These blocks have become free. Of the highest level is whatever is longer, too: that part of a stretch is enough.
void bitmap::lower_hints(heap& one, std::size_t first, std::size_t blocks) const noexcept {
  constexpr std::size_t looked_at = std::size_t{1} << (levels - 1);
  std::size_t end = first + blocks;
  std::size_t start = start_of_free(one, first, first - std::min(first, looked_at));
  end = next_used(one, end, std::min(end + looked_at, one.blocks));
  for (unsigned level = 0; level <= level_of(end - start); ++level)
    one.hints[level] = std::min(one.hints[level], start);
}

void bitmap::mark(heap& one, std::size_t first, std::size_t blocks, bool is_free) noexcept {
  for (std::size_t at = first, end = first + blocks; at < end;) {
    std::size_t word = at / 64;
    std::size_t here = std::min(end - at, 64 - at % 64);
    std::uint64_t mask = (~std::uint64_t{0} >> (64 - here)) << (at % 64);
    if (is_free) {
      one.free[word] |= mask;
      bits::set(one.summary, word);
    } else {
      one.free[word] &= ~mask;
      if (one.free[word] == 0) bits::clear(one.summary, word);
    }
    at += here;
  }
}

// ---- Blocks

void* bitmap::allocate_in(heap& one, std::size_t blocks, std::size_t alignment) noexcept {
  std::size_t first = find_run(one, blocks, alignment);
  if (first == bits::none) return nullptr;
  mark(one, first, blocks, false);
  bits::set(one.starts, first);
  one.free_blocks -= blocks;
  used_bytes_ += blocks * block_bytes_;
  peak_used_bytes_ = std::max(peak_used_bytes_, used_bytes_);
  ++live_blocks_;
  void* block = detail::pointer_to(one.start + first * block_bytes_);
  detail::unpoison(block, blocks * block_bytes_);
  return block;
}

void* bitmap::try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t blocks = blocks_for(bytes);
  for (heap* one = heaps_; one != nullptr; one = one->next) {
    if (one->free_blocks < blocks) continue;
    if (void* block = allocate_in(*one, blocks, alignment); block != nullptr) return block;
  }
  heap* fresh = grow(blocks, alignment);
  return fresh != nullptr ? allocate_in(*fresh, blocks, alignment) : nullptr;
}

bitmap::heap** bitmap::link_of(const void* address) {
  heap** link = &heaps_;
  while (*link != nullptr &&
         detail::address_of(address) - (*link)->start >= (*link)->blocks * block_bytes_) {
    link = &(*link)->next;
  }
  return link;
}

// Stops unless exactly this run is live.
void bitmap::check_free(const heap& one, const void* block, std::size_t bytes) const {
  std::size_t offset = detail::address_of(block) - one.start;
  std::size_t first = offset / block_bytes_;
  if (bits::get(one.free, first)) detail::stop(detail::misuse::double_free, "bitmap", block, bytes);
  if (offset % block_bytes_ != 0 || !bits::get(one.starts, first)) {
    detail::stop(detail::misuse::interior_free, "bitmap", block, bytes);
  }
  if (run_at(one, first).blocks != blocks_for(bytes)) {
    detail::stop(detail::misuse::wrong_size, "bitmap", block, bytes);
  }
}

void bitmap::deallocate(void* block, std::size_t bytes, std::size_t /*alignment*/) noexcept {
  heap** link = link_of(block);
  heap* one = *link;
  if (one == nullptr) detail::stop(detail::misuse::foreign_free, "bitmap", block, bytes);
  check_free(*one, block, bytes);
  std::size_t first = (detail::address_of(block) - one->start) / block_bytes_;
  std::size_t blocks = blocks_for(bytes);
  detail::poison(block, blocks * block_bytes_);
  mark(*one, first, blocks, true);
  bits::clear(one->starts, first);
  one->free_blocks += blocks;
  lower_hints(*one, first, blocks);
  used_bytes_ -= blocks * block_bytes_;
  --live_blocks_;
  bool alone = one == heaps_ && one->next == nullptr;
  if (one->free_blocks == one->blocks && upstream_ != nullptr && !alone) {
    *link = one->next;
    give_back(one);
  }
}

// ---- Looking at it

bitmap::run bitmap::run_at(const heap& one, std::size_t first) const {
  if (bits::get(one.free, first)) {
    return {first, next_used(one, first, one.blocks) - first, region_kind::free};
  }
  std::size_t end = next_free(one, first);
  end = std::min(end, bits::next_set(one.starts, first + 1, end));
  return {first, end - first, region_kind::live};
}

bool bitmap::owns(const void* address) const noexcept {
  std::uintptr_t at = detail::address_of(address);
  for (const heap* one = heaps_; one != nullptr; one = one->next) {
    std::size_t offset = at - one->start;
    if (offset < one->blocks * block_bytes_) return !bits::get(one->free, offset / block_bytes_);
  }
  return false;
}

resource_statistics bitmap::statistics() const noexcept {
  return {held_bytes_, used_bytes_, peak_used_bytes_, live_blocks_};
}

void bitmap::verify() const {
  std::size_t used = 0;
  std::size_t live = 0;
  for (const heap* one = heaps_; one != nullptr; one = one->next) {
    std::size_t free_blocks = 0;
    for (std::size_t word = 0; word < bits::words_for(one->blocks); ++word) {
      std::uint64_t free = one->free[word];
      free_blocks += static_cast<std::size_t>(std::popcount(free));
      live += static_cast<std::size_t>(std::popcount(one->starts[word]));
      detail::check((free & one->starts[word]) == 0, "bitmap", one);
      detail::check(bits::get(one->summary, word) == (free != 0), "bitmap", one);
    }
    detail::check(free_blocks == one->free_blocks, "bitmap", one);
    // The first block after a free one is a start.
    for (run each{}; each.first < one->blocks; each.first += each.blocks) {
      each = run_at(*one, each.first);
      bool is_free = each.kind == region_kind::free;
      detail::check(is_free || bits::get(one->starts, each.first), "bitmap", one);
      for (unsigned level = 0; is_free && level <= level_of(each.blocks); ++level)
        detail::check(one->hints[level] <= each.first, "bitmap", one);
    }
    used += (one->blocks - free_blocks) * block_bytes_;
  }
  detail::check(used == used_bytes_ && live == live_blocks_, "bitmap", this);
}

}  // namespace strata
