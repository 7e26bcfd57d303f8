#include "gc/line_space.hpp"

#include <cstring>

#include "os/memory.hpp"

namespace strata::gc {

bool line_space::open(std::size_t first_block, blocks::after then) {
  then_ = then;
  std::size_t count = blocks_.count();
  std::size_t words = base::bit_row::words_for(count);
  table_bytes_ = base::align_up(3 * words * 8 + count * (sizeof(std::uint16_t) + 1 + block_lines),
                                os::page_bytes());
  tables_ = os::map(table_bytes_, os::page_bytes());
  if (tables_ == nullptr) return false;
  auto* at = static_cast<std::uint64_t*>(tables_);
  is_medium_ = base::bit_row{at};
  recyclable_ = {base::bit_row{at + words}, base::bit_row{at + 2 * words}};
  live_lines_ = reinterpret_cast<std::uint16_t*>(at + 3 * words);
  classified_ = reinterpret_cast<std::uint8_t*>(live_lines_ + count);
  lines_ = classified_ + count;
  first_block_ = sweep_at_ = sweep_end_ = first_block;
  pass_over_none();
  return true;
}

line_space::~line_space() {
  if (tables_ != nullptr) os::release(tables_, table_bytes_);
}

// ---- Allocation

bump_range line_space::next_hole(line_cursor& at, std::size_t bytes) {
  if (at.block == blocks::none) return {};
  if (gaps_ != nullptr) return next_gap(at, bytes);
  const std::uint8_t* marks = lines_ + at.block * block_lines;
  for (std::size_t line = at.at; line < block_lines;) {
    while (line < block_lines && !is_free(marks[line])) ++line;
    std::size_t end = line;
    while (end < block_lines && is_free(marks[end])) ++end;
    if ((end - line) * line_bytes >= bytes) {
      at.at = end;
      std::byte* start = blocks_.address_of(at.block);
      return {start + line * line_bytes, start + end * line_bytes};
    }
    line = end;
  }
  at.block = blocks::none;
  return {};
}

bump_range line_space::next_gap(line_cursor& at, std::size_t bytes) {
  std::size_t block_end = (at.block + 1) * block_words;
  std::size_t from = at.block * block_words + at.at;
  while (from < block_end) {
    std::size_t first = gaps_->next_end(from, block_end);
    std::size_t behind = first < block_end ? gaps_->next_end(first + 1, block_end) + 1 : block_end;
    if ((first - from) * detail::word_bytes >= bytes) {
      at.at = behind - at.block * block_words;
      return {gaps_->at(from), gaps_->at(first)};
    }
    from = behind;
  }
  at.block = blocks::none;
  return {};
}

bump_range line_space::recycle(line_cursor& at, std::size_t bytes, sizes taken_for,
                               std::size_t most_blocks) {
  std::size_t& from = recycle_at(bytes, taken_for);
  base::bit_row recyclable = recyclable_[index_of(taken_for)];
  for (; most_blocks > 0; --most_blocks) {
    std::size_t found = recyclable.find(true, from, sweep_at_);
    if (found < sweep_at_) {
      from = found + 1;
      at = {found, 0};
      bump_range hole = next_hole(at, bytes);
      if (hole.cursor == nullptr) continue;
      recyclable.clear(found);
      return hole;
    }
    from = found;
    if (sweep_at_ >= sweep_end_) return {};
    classify(sweep_at_++);
  }
  return {};
}

std::size_t line_space::take(sizes taken_for) {
  std::size_t block = blocks_.take(1, use::lines, first_block_, blocks_.count());
  if (block == blocks::none) return block;
  ++used_;
  classified_[block] = epoch_;
  live_lines_[block] = block_lines;
  if (taken_for == sizes::medium)
    is_medium_.set(block);
  else
    is_medium_.clear(block);
  return block;
}

// ---- Sweeping

std::size_t line_space::count_live_lines(std::size_t block) const {
  const std::uint8_t* marks = lines_ + block * block_lines;
  std::size_t live = 0;
  for (std::size_t line = 0; line < block_lines; ++line) live += is_free(marks[line]) ? 0U : 1U;
  return live;
}

void line_space::classify(std::size_t block) {
  if (blocks_.use_of(block) != use::lines || classified_[block] == epoch_) return;
  classified_[block] = epoch_;
  std::size_t live = count_live_lines(block);
  live_lines_[block] = static_cast<std::uint16_t>(live);
  if (live == 0) {
    blocks_.give(block, 1, then_);
    --used_;
    return;
  }
  if (live < block_lines || gaps_ != nullptr) recyclable_[index_of(sizes_in(block))].set(block);
}

// ---- Marking

void line_space::begin(std::uint8_t epoch) {
  sweep_all();
  gaps_ = nullptr;
  forget_marks(blocks_.count());
  forget_at_ = 0;
  epoch_ = marked_[1] = epoch;
}

bool line_space::forget_marks(std::size_t blocks) {
  if (epoch_ != last_epoch) return true;
  std::size_t end = forget_at_ + base::smaller(blocks, blocks_.count() - forget_at_);
  for (std::size_t line = forget_at_ * block_lines; line < end * block_lines; ++line) {
    // What nobody has touched stays so.
    if (lines_[line] != 0 && lines_[line] != marked_[0]) lines_[line] = 0;
  }
  forget_at_ = end;
  return end == blocks_.count();
}

void line_space::end() {
  marked_[0] = marked_[1];
  sweep_at_ = first_block_;
  pass_over_none();
  sweep_end_ = blocks_.count();
  for (base::bit_row& each : recyclable_) each.clear_range(0, blocks_.touched());
}

void line_space::forget_marking() {
  blocks_.each_used([this](std::size_t block, use as) {
    if (as == use::lines) std::memset(lines_ + block * block_lines, 0, block_lines);
  });
}

std::size_t line_space::condemn(std::size_t spare_blocks) {
  // How many lines live in blocks that have so many, by sixteenths of a block.
  std::size_t lines[16] = {};
  auto each = [&](auto visit) {
    blocks_.each_used([&](std::size_t block, use as) {
      if (as == use::lines && has_holes(block))
        visit(block, live_lines_[block], live_lines_[block] * std::size_t{16} / (block_lines + 1));
    });
  };
  each([&](std::size_t, std::size_t live, std::size_t sixteenths) { lines[sixteenths] += live; });
  std::size_t room = spare_blocks * block_lines;
  std::size_t limit = 0;
  for (; limit < 8 && lines[limit] <= room; ++limit) room -= lines[limit];
  std::size_t condemned = 0;
  each([&](std::size_t block, std::size_t, std::size_t sixteenths) {
    if (sixteenths >= limit) return;
    blocks_.set_use(block, use::lines_from);
    ++condemned;
  });
  return condemned;
}

void line_space::absolve() {
  blocks_.each_used([&](std::size_t block, use as) {
    if (as == use::lines_from) blocks_.set_use(block, use::lines);
  });
}

}  // namespace strata::gc
