#include "gc/chunks.hpp"

#include <new>

#include "base/check.hpp"
#include "os/memory.hpp"

namespace strata::gc {

bool chunks::open(std::size_t most_bytes) {
  block_count_ = base::larger(1, most_bytes / block_bytes);
  std::size_t words = base::bit_row::words_for(block_count_);
  table_bytes_ =
      base::align_up(words * 8 + block_count_ * (block_bytes / least_bytes), os::page_bytes());
  void* tables = os::map(table_bytes_, os::page_bytes());
  if (tables == nullptr) return false;
  void* area = os::reserve(block_count_ * block_bytes, block_bytes, os::reserved_as::inaccessible);
  if (area == nullptr) {
    os::release(tables, table_bytes_);
    return false;
  }
  cold_ = base::bit_row{static_cast<std::uint64_t*>(tables)};
  starts_ = reinterpret_cast<std::uint8_t*>(static_cast<std::uint64_t*>(tables) + words);
  base_ = static_cast<std::byte*>(area);
  return true;
}

chunks::~chunks() {
  if (base_ == nullptr) return;
  os::release(base_, block_count_ * block_bytes);
  os::release(starts_ - base::bit_row::words_for(block_count_) * 8, table_bytes_);
}

unsigned chunks::order_for(std::size_t bytes) {
  unsigned order = 0;
  while (bytes_of(order) < bytes) ++order;
  return order;
}

void* chunks::take(unsigned order) {
  unsigned from = order;
  while (from <= top_order && free_[from].empty()) ++from;
  std::byte* chunk = nullptr;
  if (from <= top_order) {
    chunk = reinterpret_cast<std::byte*>(free_[from].front());
    if (from == top_order) --free_blocks_;
    drop(chunk);
  } else {
    from = top_order;
    chunk = take_block();
    if (chunk == nullptr) return nullptr;
  }
  for (; from > order; --from) put(chunk + bytes_of(from - 1), from - 1);
  used_bytes_ += bytes_of(order);
  return chunk;
}

void chunks::give(void* chunk, unsigned order) {
  used_bytes_ -= bytes_of(order);
  std::size_t unit = unit_of(chunk);
  for (; order < top_order; ++order) {
    std::size_t buddy = unit ^ (std::size_t{1} << order);
    if (starts_[buddy] != (free_mark | order)) break;
    drop(at_unit(buddy));
    unit = base::smaller(unit, buddy);
  }
  if (order < top_order) return put(at_unit(unit), order);
  if (free_blocks_ < kept_blocks) {
    ++free_blocks_;
    return put(at_unit(unit), order);
  }
  os::purge(at_unit(unit), block_bytes);
  cold_.set(unit * least_bytes / block_bytes);
  --held_blocks_;
}

// One that the system has the pages of.
std::byte* chunks::take_block() {
  std::size_t block = cold_.find(true, 0, committed_blocks_);
  if (block < committed_blocks_) {
    cold_.clear(block);
  } else {
    if (block == block_count_ || !os::commit(base_ + block * block_bytes, block_bytes))
      return nullptr;
    ++committed_blocks_;
  }
  ++held_blocks_;
  return base_ + block * block_bytes;
}

void chunks::put(std::byte* chunk, unsigned order) {
  free_[order].push_front(::new (chunk) free_chunk);
  starts_[unit_of(chunk)] = static_cast<std::uint8_t>(free_mark | order);
}

void chunks::drop(std::byte* chunk) {
  base::list<free_chunk>::remove(reinterpret_cast<free_chunk*>(chunk));
  starts_[unit_of(chunk)] = 0;
}

void chunks::verify() const {
  std::size_t free_bytes = 0;
  for (unsigned order = 0; order <= top_order; ++order) {
    for (free_chunk* at = free_[order].front(); at != nullptr; at = free_[order].after(at)) {
      std::size_t unit = unit_of(at);
      STRATA_CHECK(starts_[unit] == (free_mark | order));
      STRATA_CHECK(base::is_aligned(unit * least_bytes, bytes_of(order)));
      STRATA_CHECK(order == top_order ||
                   starts_[unit ^ (std::size_t{1} << order)] != (free_mark | order));
      free_bytes += bytes_of(order);
    }
  }
  STRATA_CHECK(free_bytes + used_bytes_ == held_bytes());
}

}  // namespace strata::gc
