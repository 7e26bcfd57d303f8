#include "resource/buffer_core.hpp"

#include <algorithm>
#include <new>

namespace strata::detail {

// ---- Upstream

void* buffer_source::take(std::size_t bytes, std::size_t alignment) noexcept {
  std::scoped_lock held(lock_);
  std::size_t now = held_.load(std::memory_order_relaxed);
  if (bytes > most_bytes_ || now > most_bytes_ - bytes) return nullptr;
  void* block = nullptr;
  try {
    block = upstream_->allocate(bytes, alignment);
  } catch (...) {
    return nullptr;
  }
  held_.store(now + bytes, std::memory_order_relaxed);
  return block;
}

void buffer_source::give(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  std::scoped_lock held(lock_);
  held_.fetch_sub(bytes, std::memory_order_relaxed);
  upstream_->deallocate(block, bytes, alignment);
}

void buffer_core::note_handed(std::size_t bytes) {
  // relaxed: figures. A peak that two threads raise at once is raised by the higher one.
  std::size_t now = handed_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::size_t peak = peak_handed_bytes.load(std::memory_order_relaxed);
  while (peak < now &&
         !peak_handed_bytes.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

// ---- The table of chunks

buffer_chunk_table* buffer_core::make_table(std::size_t slots) {
  void* memory = source.take(sizeof(buffer_chunk_table) + slots * sizeof(std::uintptr_t),
                             alignof(std::max_align_t));
  if (memory == nullptr) return nullptr;
  auto* made = ::new (memory) buffer_chunk_table{slots - 1, nullptr};
  for (std::size_t i = 0; i < slots; ++i) ::new (made->slots() + i) std::atomic<std::uintptr_t>(0);
  return made;
}

namespace {

void enter(buffer_chunk_table& into, std::uintptr_t chunk, unsigned shift) {
  std::size_t slot = chunk >> shift;
  // relaxed: who frees a block of this chunk got it after this.
  while (into.slots()[slot & into.mask].load(std::memory_order_relaxed) >
         buffer_chunk_table::gone) {
    ++slot;
  }
  into.slots()[slot & into.mask].store(chunk, std::memory_order_relaxed);
}

}  // namespace

bool buffer_core::enter_chunk(const buffer_chunk* one) {
  std::scoped_lock held(chunks_lock);
  buffer_chunk_table* now = table();
  std::size_t slots = now->mask + 1;
  if ((chunk_count + 1) * 2 > slots) {
    buffer_chunk_table* larger = make_table(slots * 2);
    if (larger == nullptr) return false;
    for (std::size_t i = 0; i < slots; ++i) {
      std::uintptr_t each = now->slots()[i].load(std::memory_order_relaxed);
      if (each > buffer_chunk_table::gone) enter(*larger, each, arena.chunk_shift_);
    }
    // Readers may be in the old one: it stays until the end. All old ones are no longer than this.
    larger->older = now;
    // release: readers that find it find its slots.
    arena.table_.store(larger, std::memory_order_release);
    now = larger;
  }
  enter(*now, address_of(one), arena.chunk_shift_);
  ++chunk_count;
  return true;
}

void buffer_core::forget_chunk(const buffer_chunk* one) {
  std::scoped_lock held(chunks_lock);
  buffer_chunk_table& now = *table();
  std::size_t slot = address_of(one) >> arena.chunk_shift_;
  while (now.slots()[slot & now.mask].load(std::memory_order_relaxed) != address_of(one)) ++slot;
  now.slots()[slot & now.mask].store(buffer_chunk_table::gone, std::memory_order_relaxed);
  --chunk_count;
}

// ---- Huge blocks

void* buffer_core::take_huge(std::size_t bytes, std::size_t alignment) {
  alignment = std::max(alignment, alignof(std::max_align_t));
  std::size_t offset = align_up(sizeof(buffer_huge), alignment);
  if (bytes > SIZE_MAX - offset) return nullptr;
  void* memory = source.take(offset + bytes, alignment);
  if (memory == nullptr) return nullptr;
  std::byte* block = static_cast<std::byte*>(memory) + offset;
  std::scoped_lock held(huge_lock);
  auto* made = ::new (block - sizeof(buffer_huge))
      buffer_huge{huge, nullptr, stamp_of(block), bytes, bytes, offset, alignment};
  if (huge != nullptr) huge->previous = made;
  huge = made;
  huge_bytes += bytes;
  ++huge_blocks;
  note_handed(bytes);
  return block;
}

buffer_huge& buffer_core::huge_of(void* block, std::size_t bytes) {
  auto& found =
      *reinterpret_cast<buffer_huge*>(static_cast<std::byte*>(block) - sizeof(buffer_huge));
  if (found.stamp != stamp_of(block)) stop(misuse::foreign_free, buffer_name, block, bytes);
  if (found.bytes != bytes) stop(misuse::wrong_size, buffer_name, block, found.bytes);
  return found;
}

void buffer_core::put_huge(void* block, std::size_t bytes, std::size_t alignment) {
  std::size_t room = 0;
  void* start = nullptr;
  {
    std::scoped_lock held(huge_lock);
    buffer_huge& one = huge_of(block, bytes);
    if (one.alignment != std::max(alignment, alignof(std::max_align_t))) {
      stop(misuse::wrong_size, buffer_name, block, bytes);
    }
    if (one.next != nullptr) one.next->previous = one.previous;
    (one.previous != nullptr ? one.previous->next : huge) = one.next;
    one.stamp = 0;
    huge_bytes -= bytes;
    --huge_blocks;
    handed_bytes.fetch_sub(bytes, std::memory_order_relaxed);
    room = one.offset + one.room;
    start = static_cast<std::byte*>(block) - one.offset;
    alignment = one.alignment;
  }
  unpoison(start, room);
  source.give(start, room, alignment);
}

bool buffer_core::resize_huge(void* block, std::size_t old_bytes, std::size_t new_bytes) {
  std::scoped_lock held(huge_lock);
  buffer_huge& one = huge_of(block, old_bytes);
  if (new_bytes > one.room) return false;
  one.bytes = new_bytes;
  huge_bytes += new_bytes - old_bytes;
  handed_bytes.fetch_sub(old_bytes, std::memory_order_relaxed);
  note_handed(new_bytes);
  poison(block, one.room);
  unpoison(block, new_bytes);
  return true;
}

// ---- Blocks past the caches

void buffer_core::trim_shards() {
  for (std::size_t i = 0; i < chosen.arenas; ++i) {
    std::scoped_lock held(shards[i].lock);
    shards[i].trim();
  }
}

std::size_t buffer_core::take(std::size_t shard, std::size_t number, void** blocks,
                              std::size_t most, buffer_cache* cache) {
  {
    std::scoped_lock held(shards[shard].lock);
    std::size_t count = shards[shard].take(number, blocks, most);
    if (count != 0) return count;
  }
  if (cache != nullptr) flush_all(*cache);
  trim_shards();
  for (std::size_t i = 0; i < chosen.arenas; ++i) {
    buffer_shard& each = shards[(shard + i) % chosen.arenas];
    std::scoped_lock held(each.lock);
    if (std::size_t count = each.take(number, blocks, 1); count != 0) return count;
  }
  return 0;
}

void* buffer_core::take_uncached(std::size_t number, std::size_t bytes) {
  end_strays();
  buffer_cache* cache = arena.cache_of_thread();
  std::size_t shard =
      cache != nullptr ? cache->shard : (address_of(&buffer_memo_of_thread) >> 12) % chosen.arenas;
  void* block = nullptr;
  if (take(shard, number, &block, 1, cache) == 0) return nullptr;
  unpoison(block, sizeof(std::uint64_t));
  *static_cast<std::uint64_t*>(block) = 0;  // what is left of a stamp
  poison(block, sizeof(std::uint64_t));
  unpoison(block, bytes);
  buffer_shard& owner = *chunk_of(address_of(block))->owner();
  std::scoped_lock held(owner.lock);
  ++owner.taken[number];
  return block;
}

void buffer_core::put_uncached(void* block, std::size_t number) {
  unpoison(block, sizeof(std::uint64_t));
  *static_cast<std::uint64_t*>(block) = stamp_of(block);
  poison(block, buffer_class_bytes(number));
  buffer_shard& owner = *chunk_of(address_of(block))->owner();
  std::scoped_lock held(owner.lock);
  owner.put(block);
  ++owner.freed[number];
}

}  // namespace strata::detail
