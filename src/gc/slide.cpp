#include "gc/slide.hpp"

#include <cstring>

#include "os/memory.hpp"

namespace strata::gc {

bool slide::open() {
  std::size_t count = blocks_.count();
  std::size_t chunk_bits = base::bit_row::words_for(count * block_chunks);
  std::size_t block_bits = base::bit_row::words_for(count);
  table_bytes_ = base::align_up((chunk_bits + 2 * block_bits) * 8, os::page_bytes());
  tables_ = os::map(table_bytes_, os::page_bytes());
  if (tables_ == nullptr) return false;
  auto* at = static_cast<std::uint64_t*>(tables_);
  kept_ = base::bit_row{at};
  salted_ = base::bit_row{at + chunk_bits};
  empty_ = base::bit_row{at + chunk_bits + block_bits};
  return holes_.open(count * block_words / least_hole_words);
}

slide::~slide() {
  if (tables_ != nullptr) os::release(tables_, table_bytes_);
}

void slide::begin() {
  holes_.clear();
  blocks_.each_used([this](std::size_t block, use) {
    kept_.clear_range(block * block_chunks, block_chunks);
    salted_.clear(block);
    empty_.clear(block);
  });
  block_ = none;
  cursor_ = limit_ = beyond_ = 0;
}

void slide::keep_chunk_of(const void* object) { kept_.set(live_.first_word(object) / chunk_words); }

// ---- Places

std::size_t slide::place_slow(std::size_t words, std::size_t from) {
  do {
    // Further on would be behind it.
    if (cursor_ <= from && from < limit_) {
      leave_hole(cursor_, from);
      return from;
    }
    next_gap();
  } while (limit_ - cursor_ < words);
  return cursor_;
}

void slide::next_gap() {
  leave_hole(cursor_, limit_);
  pass_limit();
}

void slide::pass_limit() {
  if (block_ == none || limit_ == (block_ + 1) * block_words) {
    enter_block(block_ + 1);
  } else {
    cursor_ = beyond_;
    find_limit(beyond_ / chunk_words);
  }
}

void slide::enter_block(std::size_t block) {
  block_ = block;
  while (block_ < blocks_.count() && blocks_.use_of(block_) != as_) ++block_;
  cursor_ = limit_ = block_ * block_words;
  if (block_ < blocks_.count()) find_limit(block_ * block_chunks);
}

// The next objects that stay, of this block's chunks from the given one on.
void slide::find_limit(std::size_t chunk) {
  std::size_t end = (block_ + 1) * block_chunks;
  limit_ = beyond_ = (block_ + 1) * block_words;
  for (chunk = kept_.find(true, chunk, end); chunk < end;
       chunk = kept_.find(true, chunk + 1, end)) {
    bool entered = live_.is_entered(chunk);
    if (live_.own_bits(chunk, entered) == 0) continue;
    std::size_t start = none;
    live_.each_in_chunk(chunk, entered, [&](std::size_t first, std::size_t last) {
      if (start == none) start = first;
      beyond_ = last + 1;
    });
    if (start < cursor_) continue;  // the cursor is behind it already
    limit_ = start;
    return;
  }
  beyond_ = limit_;
}

void slide::end() {
  if (block_ == none) enter_block(0);
  while (block_ < blocks_.count()) {
    bool is_empty = cursor_ == block_ * block_words && limit_ == cursor_ + block_words;
    if (is_empty)
      empty_.set(block_);
    else
      leave_hole(cursor_, limit_);
    pass_limit();
  }
}

// ---- Afterwards

void slide::reclaim(blocks::after then) {
  blocks_.each_used([&](std::size_t block, use as) {
    if (as != as_) return;
    if (empty_.test(block))
      blocks_.give(block, 1, then);
    else if (!salted_.test(block))
      blocks_.renew_salt(block);
  });
}

void slide::end_among_lines() {
  blocks_.each_used([this](std::size_t block, use as) {
    if (as == as_ && !salted_.test(block)) blocks_.renew_salt(block);
  });
  holes_.clear();
  holes_.trim(0);
}

bump_range slide::take_hole(std::size_t bytes) {
  for (std::size_t at = holes_.size(); at-- > 0;) {
    hole found = holes_[at];
    if ((found.end - found.from) * detail::word_bytes < bytes) continue;
    holes_[at] = holes_[holes_.size() - 1];
    holes_.shorten(holes_.size() - 1);
    return {live_.at(found.from), live_.at(found.end)};
  }
  return {};
}

}  // namespace strata::gc
