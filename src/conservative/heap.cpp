#include "conservative/heap.hpp"

#include <cstring>

namespace strata::conservative {
namespace {

constexpr std::uint64_t ones(std::size_t count) {
  return count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

}  // namespace

bool heap::open(std::size_t most_bytes) {
  if (!blocks_.open(most_bytes)) return false;
  auto& at = kinds_.at;
  constexpr description last_word =
      static_cast<description>(-static_cast<std::intptr_t>(word_bytes));
  at[conservative::kinds::atomic] = {};
  at[conservative::kinds::normal] = {.adds_size = true, .clears = true};
  at[conservative::kinds::uncollectable] = {
      .adds_size = true, .clears = true, .collectable = false};
  at[conservative::kinds::atomic_uncollectable] = {.collectable = false};
  at[conservative::kinds::typed] = {
      .word = last_word | tag::in_place, .adds_size = true, .clears = true};
  kinds_.count = conservative::kinds::first_free;
  return true;
}

// ---- Allocation

std::size_t heap::find_free(std::size_t block, std::size_t slots, std::size_t from) {
  while (from < slots) {
    std::uint64_t word = ~__atomic_load_n(&blocks_.allocated(block, from), __ATOMIC_RELAXED);
    word >>= from % 64;
    if (word != 0)
      return base::smaller(from + static_cast<std::size_t>(std::countr_zero(word)), slots);
    from = (from / 64 + 1) * 64;
  }
  return slots;
}

std::size_t heap::find_taken(std::size_t block, std::size_t slots, std::size_t from) {
  while (from < slots) {
    std::uint64_t word = __atomic_load_n(&blocks_.allocated(block, from), __ATOMIC_RELAXED);
    word >>= from % 64;
    if (word != 0)
      return base::smaller(from + static_cast<std::size_t>(std::countr_zero(word)), slots);
    from = (from / 64 + 1) * 64;
  }
  return slots;
}

// Atomic: the owner of a block takes holes while others release slots in it. relaxed: a slot that is released
// reaches the owner some time, and what is in it is the owner's from then on.
void heap::set_allocated(std::size_t block, std::size_t from, std::size_t to, bool value) {
  while (from < to) {
    std::size_t here = base::smaller(to - from, 64 - from % 64);
    std::uint64_t mask = ones(here) << (from % 64);
    std::uint64_t& word = blocks_.allocated(block, from);
    if (value)
      __atomic_fetch_or(&word, mask, __ATOMIC_RELAXED);
    else
      __atomic_fetch_and(&word, ~mask, __ATOMIC_RELAXED);
    from += here;
  }
}

bool heap::next_hole(cursor& at, unsigned kind, std::size_t size_class,
                     std::uint64_t& taken_bytes) {
  if (!at.owned) return false;
  const conservative::size_class& size = classes[size_class];
  std::size_t from = find_free(at.block, size.slots, at.slot);
  if (from == size.slots) {
    at.slot = size.slots;
    return false;
  }
  std::size_t to = find_taken(at.block, size.slots, from);
  set_allocated(at.block, from, to, true);
  std::byte* block = blocks_.address_of(at.block);
  std::size_t bytes = (to - from) * size.bytes;
  block_info& info = blocks_.info(at.block);
  if (info.as == use::fresh_slots)
    info.as = use::slots;
  else if (kinds_.at[kind].clears)
    std::memset(block + from * size.bytes, 0, bytes);
  at.next = block + from * size.bytes;
  at.end = at.next + bytes;
  at.slot = static_cast<std::uint16_t>(to);
  // So is the next hole.
  std::size_t ahead = find_free(at.block, size.slots, to);
  if (ahead < size.slots) __builtin_prefetch(block + ahead * size.bytes, 1);
  taken_bytes += bytes;
  return true;
}

bool heap::next_block(cursor& at, unsigned kind, std::size_t size_class) {
  // What was released in it since the owner passed by is found by the next collection.
  if (at.owned) blocks_.link(at.block) = unlisted;
  at = {};
  std::uint32_t& first = lists_[kind].first[size_class];
  if (first != 0) {
    at.block = first - 1;
    std::uint32_t next = blocks_.link(at.block);
    first = next == last ? 0 : next;
    if (first != 0) {
      __builtin_prefetch(&blocks_.allocated(first - 1, 0));
      __builtin_prefetch(&blocks_.link(first - 1));
    }
  } else {
    at.block = blocks_.take(1);
    if (at.block == blocks::none) return false;
    const conservative::size_class& size = classes[size_class];
    bool is_zero = blocks_.claim_zero(at.block);
    blocks_.info(at.block) = {size.reciprocal, size.bytes, static_cast<std::uint8_t>(kind),
                              is_zero ? use::fresh_slots : use::slots};
    blocks_.clear_bits(at.block);
  }
  blocks_.link(at.block) = owned;
  at.owned = true;
  return true;
}

bool heap::refill(cursor& at, unsigned kind, std::size_t size_class) {
  while (!next_hole(at, kind, size_class, count.allocated_bytes))
    if (!next_block(at, kind, size_class)) return false;
  return true;
}

void* heap::take_shared(unsigned kind, std::size_t size_class) {
  cursor& at = shared_[kind][size_class];
  if (at.next == at.end && !refill(at, kind, size_class)) return nullptr;
  return at.take(classes[size_class].bytes);
}

void* heap::take_many(unsigned kind, std::size_t size_class) {
  cursor& at = shared_[kind][size_class];
  std::size_t bytes = classes[size_class].bytes;
  void* first = take_shared(kind, size_class);
  if (first == nullptr) return nullptr;
  void** link = static_cast<void**>(first);
  do {
    while (void* next = at.take(bytes)) {
      *link = next;
      link = static_cast<void**>(next);
    }
  } while (next_hole(at, kind, size_class, count.allocated_bytes));
  *link = nullptr;
  return first;
}

void* heap::take_large(unsigned kind, std::size_t bytes, use as) {
  std::size_t wanted = blocks_for(bytes);
  std::size_t first = blocks_.take(wanted);
  if (first == blocks::none) return nullptr;
  bool clears = kinds_.at[kind].clears;
  for (std::size_t at = 0; at < wanted; ++at) {
    std::size_t block = first + at;
    if (!blocks_.claim_zero(block) && clears)
      std::memset(blocks_.address_of(block), 0, block_bytes);
    blocks_.info(block) = {static_cast<std::uint32_t>(at), 0, static_cast<std::uint8_t>(kind),
                           at == 0 ? as : use::large_tail};
  }
  blocks_.run(first) = static_cast<std::uint32_t>(wanted);
  blocks_.clear_bits(first);
  blocks_.allocated(first, 0) = 1;
  count.allocated_bytes += wanted << block_shift;
  return blocks_.address_of(first);
}

void heap::list(std::size_t block, unsigned kind, std::size_t size_class) {
  std::uint32_t& first = lists_[kind].first[size_class];
  blocks_.link(block) = first == 0 ? last : first;
  first = static_cast<std::uint32_t>(block) + 1;
}

void heap::release(const object& what) {
  count.released_bytes += what.bytes;
  block_info& info = blocks_.info(what.block);
  if (info.as == use::large || info.as == use::large_near) {
    blocks_.give(what.block, blocks_.run(what.block));
    return;
  }
  set_allocated(what.block, what.slot, what.slot + 1, false);
  if (blocks_.link(what.block) == unlisted) list(what.block, info.kind, class_for(info.slot_bytes));
}

void heap::flush(cursor& at, std::size_t size_class) {
  if (at.owned) {
    const conservative::size_class& size = classes[size_class];
    auto left = static_cast<std::size_t>(at.end - at.next) / size.bytes;
    if (left != 0) set_allocated(at.block, at.slot - left, at.slot, false);
    count.allocated_bytes -= left * size.bytes;
    list(at.block, blocks_.info(at.block).kind, size_class);
  }
  at = {};
}

void heap::flush(cursors& of) {
  count.allocated_bytes += of.allocated_bytes;
  of.allocated_bytes = 0;
  for (auto& kind : of.at)
    for (std::size_t at = 0; at < class_count; ++at) flush(kind[at], at);
}

void heap::flush_shared() {
  for (unsigned kind = 0; kind < kinds_.count; ++kind)
    for (std::size_t at = 0; at < class_count; ++at) flush(shared_[kind][at], at);
}

std::uint64_t heap::allocated_bytes_now() {
  std::uint64_t left = 0;
  for (unsigned kind = 0; kind < kinds_.count; ++kind)
    for (const cursor& each : shared_[kind])
      left += static_cast<std::uint64_t>(each.end - each.next);
  return count.allocated_bytes - left;
}

// ---- Questions

heap::object heap::find(std::uintptr_t address) {
  if (!blocks_.has(address)) return {};
  std::size_t block = blocks_.index_of(address);
  block_info info = blocks_.info(block);
  if (info.as == use::free) return {};
  if (info.as == use::large_tail) {
    block -= info.reciprocal;
    info = blocks_.info(block);
    if (info.as == use::large_near) return {};
  }
  if (info.slot_bytes == 0) {
    if (info.as == use::large_near && address % block_bytes >= 4 * base::KiB) return {};
    return {blocks_.address_of(block), std::size_t{blocks_.run(block)} << block_shift, block, 0,
            info.kind};
  }
  std::size_t offset = address % block_bytes;
  std::size_t slot = offset * info.reciprocal >> 32;
  if ((blocks_.allocated(block, slot) >> (slot % 64) & 1) == 0) return {};
  return {blocks_.address_of(block) + slot * info.slot_bytes, info.slot_bytes, block, slot,
          info.kind};
}

// ---- After marking

void heap::disclaim(std::size_t block, std::size_t slots) {
  const block_info& info = blocks_.info(block);
  disclaim_procedure ask = kinds_.at[info.kind].disclaim;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    std::uint64_t bit = std::uint64_t{1} << (slot % 64);
    std::uint64_t& marked = blocks_.marked(block, slot);
    if ((blocks_.allocated(block, slot) & ~marked & bit) == 0) continue;
    if (ask(blocks_.address_of(block) + slot * info.slot_bytes) != 0) marked |= bit;
  }
}

heap::swept heap::settle(std::size_t block, std::size_t slots) {
  swept result;
  if (kinds_.at[blocks_.info(block).kind].disclaim != nullptr) disclaim(block, slots);
  for (std::size_t slot = 0; slot < slots; slot += 64) {
    std::uint64_t& allocated = blocks_.allocated(block, slot);
    std::uint64_t& marked = blocks_.marked(block, slot);
    result.before += static_cast<std::size_t>(std::popcount(allocated));
    result.after += static_cast<std::size_t>(std::popcount(marked));
    allocated = marked;
    marked = 0;
  }
  return result;
}

void heap::count_live(unsigned kind, std::size_t bytes, std::size_t before, std::size_t after) {
  count.live_bytes += after * bytes;
  if (kinds_.at[kind].is_leaf()) count.live_leaf_bytes += after * bytes;
  count.reclaimed_bytes += (before - after) * bytes;
}

void heap::append(std::size_t block, unsigned kind, std::size_t size_class) {
  lists_of_kind& lists = lists_[kind];
  auto entry = static_cast<std::uint32_t>(block) + 1;
  (lists.first[size_class] == 0 ? lists.first[size_class]
                                : blocks_.link(lists.back[size_class] - 1)) = entry;
  lists.back[size_class] = entry;
  blocks_.link(block) = last;
}

void heap::sweep_slots(std::size_t block) {
  block_info& info = blocks_.info(block);
  std::size_t size_class = class_for(info.slot_bytes);
  std::size_t slots = classes[size_class].slots;
  swept result = settle(block, slots);
  count_live(info.kind, info.slot_bytes, result.before, result.after);
  blocks_.link(block) = unlisted;
  if (result.after == 0)
    blocks_.give(block, 1);
  else if (result.after < slots)
    append(block, info.kind, size_class);
}

std::size_t heap::sweep_large(std::size_t block) {
  unsigned kind = blocks_.info(block).kind;
  std::size_t length = blocks_.run(block);
  swept result = settle(block, 1);
  count_live(kind, length << block_shift, 1, result.after);
  if (result.after == 0) blocks_.give(block, length);
  return length;
}

void heap::sweep() {
  count.allocated_before += count.allocated_bytes;
  count.reclaimed_before += count.reclaimed_bytes;
  count.allocated_bytes = count.released_bytes = count.reclaimed_bytes = 0;
  count.live_bytes = count.live_leaf_bytes = 0;
  for (unsigned kind = 0; kind < kinds_.count; ++kind) lists_[kind] = {};
  for (std::size_t block = 0; block < blocks_.extent();) {
    use as = blocks_.info(block).as;
    if (as == use::large || as == use::large_near) {
      block += sweep_large(block);
      continue;
    }
    if (as == use::slots || as == use::fresh_slots) sweep_slots(block);
    ++block;
  }
}

void heap::verify() {
  blocks_.verify();
  for (std::size_t block = 0; block < blocks_.extent(); ++block) {
    const block_info& info = blocks_.info(block);
    if (info.as != use::slots && info.as != use::fresh_slots) continue;
    const size_class& size = classes[class_for(info.slot_bytes)];
    STRATA_CHECK(size.bytes == info.slot_bytes && size.reciprocal == info.reciprocal);
    bool is_full = find_free(block, size.slots, 0) == size.slots;
    STRATA_CHECK(is_full || blocks_.link(block) != unlisted);
  }
  for (unsigned kind = 0; kind < kinds_.count; ++kind)
    for (std::size_t at = 0; at < class_count; ++at)
      for (std::uint32_t entry = lists_[kind].first[at]; entry != 0 && entry != last;
           entry = blocks_.link(entry - 1)) {
        const block_info& info = blocks_.info(entry - 1);
        STRATA_CHECK(info.kind == kind && class_for(info.slot_bytes) == at);
      }
}

}  // namespace strata::conservative
