#include "gc/offset_table.hpp"

#include "os/memory.hpp"

namespace strata::gc {

bool offset_table::open() {
  bytes_ = base::align_up(blocks_.count() * block_chunks * sizeof(std::uint64_t), os::page_bytes());
  entries_ = static_cast<std::uint64_t*>(os::map(bytes_, os::page_bytes()));
  return entries_ != nullptr && grows_.open(blocks_.count());
}

offset_table::~offset_table() {
  if (entries_ != nullptr) os::release(entries_, bytes_);
}

// While all blocks that have such bits are in use still.
void offset_table::forget_growth() {
  if (!some_grow_) return;
  blocks_.each_used([this](std::size_t block, use) { grows_.clear_block(block); });
  some_grow_ = false;
}

void offset_table::give_back() {
  os::purge(entries_, bytes_);
  grows_.give_back();
}

void offset_table::place() {
  blocks_.each_used([this](std::size_t block, use as) {
    if (as == use::large) entries_[block * block_chunks] = kept;
    if (as != slide_.sliding()) return;
    live_.each_chunk(
        block, [this](std::size_t chunk, bool is_entered) { place_chunk(chunk, is_entered); });
  });
  slide_.end();
}

void offset_table::place_chunk(std::size_t chunk, bool is_entered) {
  std::uint64_t flags = is_entered ? entered : 0;
  if (slide_.is_kept(chunk)) {
    entries_[chunk] = flags | kept;
    return;
  }
  std::uint64_t bits = live_.own_bits(chunk, is_entered);
  std::size_t words = count_bits(extents::inside(bits));
  std::size_t last_end =
      (chunk + 1) * chunk_words - static_cast<std::size_t>(std::countl_zero(bits));
  // The last one's last word is another chunk's.
  if (extents::enters_next(bits, false)) {
    last_end = live_.first_in_chunks_behind(chunk) + 1;
    words += last_end - (chunk + 1) * chunk_words;
  }
  std::size_t from = chunk * chunk_words + static_cast<std::size_t>(std::countr_zero(bits));
  std::uint64_t growing = some_grow_ ? grows_.of_chunk(chunk) : 0;
  std::size_t to = slide_.place(words + count_bits(growing), from);
  std::size_t end = growing == 0 ? to + words : settle_growth(chunk, is_entered, to);
  slide_.settle(end);
  if (growing != 0) flags |= grows;
  // As it is: so is most of what is old, once it has been compacted.
  if (growing == 0 && to == from && end == last_end) flags |= kept;
  entries_[chunk] = (std::uint64_t{to} << place_shift) | flags;
}

// Those that stay don't grow. Returns where the last one ends.
std::size_t offset_table::settle_growth(std::size_t chunk, bool is_entered, std::size_t to) {
  live_.each_in_chunk(chunk, is_entered, [&](std::size_t first, std::size_t last) {
    if (to == first) grows_.clear(first);
    to += last + 1 - first + (grows_.test(first) ? 1 : 0);
  });
  return to;
}

}  // namespace strata::gc
