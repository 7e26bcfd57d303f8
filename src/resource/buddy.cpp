#include <strata/buddy.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

#include "resource/bits.hpp"

namespace strata {
namespace {

constexpr std::size_t table_alignment = alignof(std::max_align_t);
constexpr std::size_t no_order = SIZE_MAX;

}  // namespace

buddy::buddy(options chosen)
    : smallest_(chosen.smallest_block_bytes), largest_(chosen.largest_block_bytes) {
  if (!std::has_single_bit(smallest_) || !std::has_single_bit(largest_) || smallest_ > largest_) {
    detail::stop(detail::misuse::precondition, "buddy", this, smallest_);
  }
}

// Tables for all of the buffer, and then what is behind them: a little more than are needed.
buddy::buddy(std::span<std::byte> buffer, options chosen) : buddy(chosen) {
  std::uintptr_t tables = detail::align_up(detail::address_of(buffer.data()), table_alignment);
  std::uintptr_t end =
      detail::align_down(detail::address_of(buffer.data()) + buffer.size(), smallest_);
  if (buffer.empty() || tables >= end) return;
  std::uintptr_t start = detail::align_up(tables, smallest_);
  if (start >= end) return;
  // At the end: nothing is left beside the tables, and it has no orders.
  start = std::min(detail::align_up(tables + shape(start, end), smallest_), end);
  shape(start, end);
  if (orders_used_ == 0) return;
  table_bytes_ = start - tables;
  lay_out(detail::pointer_to(tables));
}

buddy::buddy(std::size_t bytes, std::pmr::memory_resource* upstream, options chosen)
    : buddy(chosen) {
  if (!std::has_single_bit(bytes) || bytes < smallest_ || bytes > SIZE_MAX / 4) {
    detail::stop(detail::misuse::precondition, "buddy", this, bytes);
  }
  region_alignment_ = std::min(bytes, largest_);
  void* memory = nullptr;
  void* tables = nullptr;
  std::size_t table_bytes = 0;
  try {
    memory = upstream->allocate(bytes, region_alignment_);
    table_bytes = shape(detail::address_of(memory), detail::address_of(memory) + bytes);
    tables = upstream->allocate(table_bytes, table_alignment);
  } catch (...) {
    if (memory != nullptr) upstream->deallocate(memory, bytes, region_alignment_);
    start_ = end_ = orders_used_ = 0;
    return;
  }
  upstream_ = upstream;
  table_bytes_ = table_bytes;
  lay_out(tables);
}

buddy::~buddy() {
  if (start_ == end_) return;
  detail::unpoison(detail::pointer_to(start_), end_ - start_);
  if (upstream_ == nullptr) return;
  upstream_->deallocate(detail::pointer_to(start_), end_ - start_, region_alignment_);
  upstream_->deallocate(tables_, table_bytes_, table_alignment);
}

// Sets the region and its orders; the bytes that their tables take.
std::size_t buddy::shape(std::uintptr_t start, std::uintptr_t end) noexcept {
  std::size_t words = 0;
  std::size_t k = 0;
  for (; k < most_orders; ++k) {
    std::size_t bytes = bytes_of(k);
    if (bytes > largest_ || detail::align_up(start, bytes) + bytes > end) break;
    std::uintptr_t base = detail::align_down(start, bytes);
    std::size_t blocks = (end - 1 - base) / bytes + 1;
    orders_[k] = {base, blocks, 0, nullptr, nullptr, nullptr};
    words += 2 * bits::words_for(blocks) + bits::words_for(bits::words_for(blocks));
  }
  start_ = k != 0 ? start : 0;
  end_ = k != 0 ? end : 0;
  orders_used_ = k;
  return words * sizeof(std::uint64_t);
}

// Nothing is live; the longest blocks that fit are free.
void buddy::lay_out(void* tables) noexcept {
  tables_ = tables;
  auto* next = static_cast<std::uint64_t*>(tables);
  for (std::size_t k = 0; k < orders_used_; ++k) {
    order& each = orders_[k];
    std::size_t words = bits::words_for(each.blocks);
    each.free = next;
    each.live = each.free + words;
    each.summary = each.live + words;
    std::uint64_t* end = each.summary + bits::words_for(words);
    std::fill(next, end, 0);
    next = end;
  }
  for (std::uintptr_t at = start_; at < end_;) {
    std::size_t k = orders_used_ - 1;
    while (at % bytes_of(k) != 0 || bytes_of(k) > end_ - at) --k;
    insert(k, at);
    at += bytes_of(k);
  }
  detail::poison(detail::pointer_to(start_), end_ - start_);
}

// ---- Free blocks

void buddy::insert(std::size_t k, std::uintptr_t at) noexcept {
  std::size_t index = index_of(k, at);
  bits::set(orders_[k].free, index);
  bits::set(orders_[k].summary, index / 64);
  ++orders_[k].free_blocks;
}

void buddy::remove(std::size_t k, std::uintptr_t at) noexcept {
  std::size_t index = index_of(k, at);
  bits::clear(orders_[k].free, index);
  if (orders_[k].free[index / 64] == 0) bits::clear(orders_[k].summary, index / 64);
  --orders_[k].free_blocks;
}

// The one at the lowest address. There is one.
std::uintptr_t buddy::any_free(std::size_t k) const noexcept {
  const order& from = orders_[k];
  std::size_t word = bits::next_set(from.summary, 0, bits::words_for(from.blocks));
  std::size_t index = bits::next_set(from.free, word * 64, from.blocks);
  return from.base + index * bytes_of(k);
}

bool buddy::is_free(std::size_t k, std::uintptr_t at) const noexcept {
  return at >= start_ && at < end_ && at % bytes_of(k) == 0 &&
         bits::get(orders_[k].free, index_of(k, at));
}

bool buddy::is_live(std::size_t k, std::uintptr_t at) const noexcept {
  return at >= start_ && at < end_ && at % bytes_of(k) == 0 &&
         bits::get(orders_[k].live, index_of(k, at));
}

std::size_t buddy::order_for(std::size_t bytes, std::size_t alignment) const noexcept {
  std::size_t wanted = std::max({bytes, alignment, smallest_});
  if (orders_used_ == 0 || wanted > bytes_of(orders_used_ - 1)) return no_order;
  return static_cast<std::size_t>(std::bit_width(wanted - 1) - std::bit_width(smallest_ - 1));
}

void* buddy::try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t wanted = order_for(bytes, alignment);
  std::size_t k = wanted;
  while (k < orders_used_ && orders_[k].free_blocks == 0) ++k;
  if (k >= orders_used_) return nullptr;
  std::uintptr_t at = any_free(k);
  remove(k, at);
  while (k > wanted) {
    --k;
    insert(k, at + bytes_of(k));
  }
  bits::set(orders_[k].live, index_of(k, at));
  used_bytes_ += bytes_of(k);
  peak_used_bytes_ = std::max(peak_used_bytes_, used_bytes_);
  ++live_blocks_;
  detail::unpoison(detail::pointer_to(at), bytes_of(k));
  return detail::pointer_to(at);
}

void buddy::deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  std::uintptr_t at = detail::address_of(block);
  std::size_t k = order_for(bytes, alignment);
  if (k == no_order || !is_live(k, at)) refuse(at, bytes);
  bits::clear(orders_[k].live, index_of(k, at));
  used_bytes_ -= bytes_of(k);
  --live_blocks_;
  detail::poison(block, bytes_of(k));
  for (; k + 1 < orders_used_ && is_free(k, at ^ bytes_of(k)); ++k) {
    remove(k, at ^ bytes_of(k));
    at &= ~bytes_of(k);
  }
  insert(k, at);
}

// ---- Looking at it

// No block of this order is live there: what is?
void buddy::refuse(std::uintptr_t at, std::size_t bytes) const {
  auto kind = detail::misuse::foreign_free;
  if (at >= start_ && at < end_) kind = detail::misuse::double_free;
  for (std::size_t k = 0; k < orders_used_; ++k) {
    std::uintptr_t over = detail::align_down(at, bytes_of(k));
    if (!is_live(k, over)) continue;
    kind = over == at ? detail::misuse::wrong_size : detail::misuse::interior_free;
  }
  detail::stop(kind, "buddy", detail::pointer_to(at), bytes);
}

buddy::piece buddy::block_at(std::uintptr_t at) const noexcept {
  for (std::size_t k = 0; k < orders_used_; ++k) {
    if (is_live(k, at)) return {bytes_of(k), region_kind::live};
    if (is_free(k, at)) return {bytes_of(k), region_kind::free};
  }
  detail::stop(detail::misuse::corrupt, "buddy", detail::pointer_to(at));
}

std::size_t buddy::block_bytes(std::size_t bytes, std::size_t alignment) const noexcept {
  std::size_t k = order_for(bytes, alignment);
  return k != no_order ? bytes_of(k) : 0;
}

std::size_t buddy::longest_free_bytes() const noexcept {
  for (std::size_t k = orders_used_; k-- != 0;) {
    if (orders_[k].free_blocks != 0) return bytes_of(k);
  }
  return 0;
}

bool buddy::owns(const void* address) const noexcept {
  std::uintptr_t at = detail::address_of(address);
  for (std::size_t k = 0; k < orders_used_; ++k) {
    if (is_live(k, detail::align_down(at, bytes_of(k)))) return true;
  }
  return false;
}

resource_statistics buddy::statistics() const noexcept {
  return {end_ - start_ + table_bytes_, used_bytes_, peak_used_bytes_, live_blocks_};
}

void buddy::verify() const {
  std::size_t live = 0;
  std::size_t used = 0;
  std::size_t free_blocks = 0;
  for (std::uintptr_t at = start_; at < end_;) {
    piece next = block_at(at);
    auto k = static_cast<std::size_t>(std::countr_zero(next.bytes) - std::countr_zero(smallest_));
    detail::check(next.bytes <= end_ - at, "buddy", detail::pointer_to(at));
    if (next.kind == region_kind::live) {
      ++live;
      used += next.bytes;
    } else {
      ++free_blocks;
      bool could_join = k + 1 < orders_used_ && is_free(k, at ^ next.bytes);
      detail::check(!could_join, "buddy", detail::pointer_to(at));
    }
    at += next.bytes;
  }
  detail::check(live == live_blocks_ && used == used_bytes_, "buddy", this);
  for (std::size_t k = 0; k < orders_used_; ++k) {
    const order& each = orders_[k];
    free_blocks -= each.free_blocks;
    for (std::size_t word = 0; word < bits::words_for(each.blocks); ++word) {
      live -= static_cast<std::size_t>(std::popcount(each.live[word]));
      detail::check(bits::get(each.summary, word) == (each.free[word] != 0), "buddy", this);
    }
  }
  detail::check(free_blocks == 0 && live == 0, "buddy", this);
}

}  // namespace strata
