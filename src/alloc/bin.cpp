#include "alloc/bin.hpp"

#include <numeric>

#include "alloc/block_state.hpp"
#include "alloc/canary.hpp"
#include "base/check.hpp"
#include "base/numbered.hpp"
#include "ground/account.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"

namespace strata::alloc {
namespace {

constinit auto bins = base::numbered<bin, ground::number_count>();

std::uint8_t fullness_of(const span* one) {
  if (one->free_count == 0) return 4;
  return static_cast<std::uint8_t>((one->free_count * 4 - 1) / one->capacity);
}

// How many blocks fill cache lines without a rest, where several lie in one line.
unsigned line_group(std::size_t block_bytes) {
  if (block_bytes >= base::cache_line_bytes) return 1;
  return static_cast<unsigned>(base::cache_line_bytes /
                               std::gcd(block_bytes, std::size_t{base::cache_line_bytes}));
}

// Moves up to `wanted` free blocks out of the span: where it has cache lines that are free as a whole,
// those only, so that threads are handed lines to themselves.
std::size_t take_from(span* one, std::uintptr_t* into, std::size_t wanted) {
  std::size_t taken = 0;
  std::size_t number = one->home->number();
  bool stamping = one->home->has_stamps();
  bool placing = one->canaries == canary::kind::secret;
  auto hand_out = [&](std::size_t index) {
    std::uintptr_t block = one->block_at(index);
    if (placing) canary::place(block, one->block_bytes, one->canaries);
    if (stamping) make_cached(block, number);
    into[taken++] = block;
  };
  unsigned group = line_group(one->block_bytes);
  one->free_bits().take_first(one->capacity, wanted, group, hand_out);
  if (taken == 0) one->free_bits().take_first(one->capacity, wanted, 1, hand_out);
  one->free_count = static_cast<std::uint16_t>(one->free_count - taken);
  return taken;
}

}  // namespace

bin& bin_of(std::size_t number) { return bins[number]; }

void bin::set_up(ground::size_class number, heap* owner) {
  number_ = number;
  owner_ = owner;
}

std::size_t bin::refill(std::uintptr_t* into, std::size_t wanted) {
  block_row row = {into, wanted};
  refill(&row, 1);
  return row.count;
}

void bin::refill(block_row* rows, std::size_t row_count) {
  sync::locked section(lock_);
  for (std::size_t i = 0; i < row_count; ++i) {
    rows[i].count = take_any(rows[i].blocks, rows[i].count);
  }
  publish_next();
}

std::size_t bin::take_any(std::uintptr_t* into, std::size_t wanted) {
  std::size_t taken = 0;
  while (taken < wanted) {
    span* one = span_with_free_blocks();
    if (one == nullptr) break;
    taken += take(one, into + taken, wanted - taken);
  }
  return taken;
}

std::size_t bin::take(span* from, std::uintptr_t* into, std::size_t wanted) {
  if (from == spare_) spare_ = nullptr;
  std::size_t taken = take_from(from, into, wanted);
  free_ -= taken;
  relist(from);
  return taken;
}

// Null when all blocks are used.
span* bin::next_span() {
  for (std::size_t fullness = 0; fullness < all_used; ++fullness) {
    if (span* one = lists_[fullness].front()) return one;
  }
  return nullptr;
}

span* bin::span_with_free_blocks() {
  if (span* one = next_span()) return one;
  span* made = make_span(this, number_);
  if (made == nullptr) return nullptr;
  made->fullness = fullness_of(made);
  lists_[made->fullness].push_front(made);
  ++spans_;
  blocks_ += made->capacity;
  free_ += made->capacity;
  return made;
}

STRATA_UNJUDGED bool bin::should_leave(span* from) {
  std::uint32_t free_here = const_cast<volatile std::uint16_t&>(from->free_count);
  if (free_here == 0 || next_.load(std::memory_order_relaxed) == from) return false;
  if (free_here >= next_free_.load(std::memory_order_relaxed)) return true;
  sync::locked section(lock_);
  bool leaves = is_better_left(from);
  publish_next();
  return leaves;
}

std::uintptr_t bin::take_better(span* from) {
  sync::locked section(lock_);
  std::uintptr_t taken = 0;
  if (is_better_left(from)) take(next_span(), &taken, 1);
  publish_next();
  return taken;
}

void bin::publish_next() {
  const span* next = next_span();
  next_.store(next, std::memory_order_relaxed);
  next_free_.store(next != nullptr ? next->free_count : 0, std::memory_order_relaxed);
}

// A list is in no order, and its front stays until it is full: so a fuller one that is seen here
// takes its place.
bool bin::is_better_left(span* from) {
  span* next = next_span();
  if (from->free_count == 0 || from == next) return false;
  if (from->free_count >= next->free_count) return true;
  base::list<span>::remove(from);
  lists_[from->fullness].push_front(from);
  return false;
}

void bin::flush(const std::uintptr_t* from, std::size_t count) {
  std::uint64_t now_ms = os::coarse_ms();
  sync::locked section(lock_);
  span* last = put_back_all(from, count, nullptr, now_ms);
  if (last != nullptr) relist(last);
  publish_next();
}

void bin::flush(const block_row* rows, std::size_t row_count) {
  std::uint64_t now_ms = os::coarse_ms();
  sync::locked section(lock_);
  span* last = nullptr;
  for (std::size_t i = 0; i < row_count; ++i) {
    last = put_back_all(rows[i].blocks, rows[i].count, last, now_ms);
  }
  if (last != nullptr) relist(last);
  publish_next();
}

// last: the span that got the block before, not yet in the list where it belongs now. Returns the one
// that got the last block.
span* bin::put_back_all(const std::uintptr_t* from, std::size_t count, span* last,
                        std::uint64_t now_ms) {
  for (std::size_t i = 0; i < count; ++i) {
    if (last == nullptr || !last->holds(from[i])) {
      if (last != nullptr) relist(last);
      last = span_of(from[i]);
      last->last_freed_ms = now_ms;
      last->holds_free_pages = true;
    }
    put_back(last, from[i]);
  }
  return last;
}

bool bin::has_stamps() const { return owner_ == nullptr && alloc::has_stamps(); }

span* bin::span_of(std::uintptr_t block) {
  auto* one = static_cast<span*>(ground::run_of(base::pointer_to(block)));
  if (one == nullptr || one->home != this) {
    fatal(misuse::corrupt_metadata, base::pointer_to(block));
  }
  return one;
}

void bin::put_back(span* one, std::uintptr_t address) {
  void* block = base::pointer_to(address);
  std::size_t index = one->index_of(address);
  if (one->block_at(index) != address) fatal(misuse::interior_free, block);
  if (one->free_bits().test(index)) fatal(misuse::double_free, block, one->usable_bytes());
  if (has_stamps()) {
    check_untouched(address, *one);
    ground::set_mark(block, number_, ground::mark_none);
  }
  one->free_bits().set(index);
  ++one->free_count;
  ++free_;
}

void bin::relist(span* changed) {
  std::uint8_t now = fullness_of(changed);
  if (now != changed->fullness) {
    base::list<span>::remove(changed);
    changed->fullness = now;
    lists_[now].push_front(changed);
  }
  if (changed->free_count < changed->capacity || changed == spare_) return;
  if (spare_ == nullptr)
    spare_ = changed;
  else
    drop(changed);
}

void bin::drop(span* empty) {
  base::list<span>::remove(empty);
  --spans_;
  blocks_ -= empty->capacity;
  free_ -= empty->free_count;
  destroy_span(empty);
}

void bin::trim(std::uint64_t before_ms) {
  // Without a free block there is nothing to give back, and most bins are never used.
  if (next_.load(std::memory_order_relaxed) == nullptr) return;
  sync::locked section(lock_);
  if (spare_ != nullptr && spare_->last_freed_ms <= before_ms) {
    span* empty = spare_;
    spare_ = nullptr;
    drop(empty);
    publish_next();
  }
  for (std::size_t fullness = 0; fullness < all_used; ++fullness) {
    for (span* one = lists_[fullness].front(); one != nullptr; one = lists_[fullness].after(one)) {
      if (one->holds_free_pages && one->last_freed_ms <= before_ms) purge_inside(one);
    }
  }
}

void bin::purge_inside(span* sparse) {
  std::size_t page = os::page_bytes();
  sparse->free_bits().each_run(sparse->capacity, [&](std::size_t from, std::size_t count) {
    std::uintptr_t first = base::align_up(sparse->block_at(from), page);
    std::uintptr_t end = base::align_down(sparse->block_at(from + count), page);
    if (first >= end || !os::purge(base::pointer_to(first), end - first)) return;
    ground::account::note_returned(end - first);
  });
  sparse->holds_free_pages = false;
}

void bin::release_all() {
  sync::locked section(lock_);
  for (base::list<span>& list : lists_) {
    while (span* one = list.front()) {
      ground::clear_marks(one->start, one->bytes(), number_);
      drop(one);
    }
  }
  spare_ = nullptr;
}

void bin::each_used(void (*visit)(void* block)) {
  sync::locked section(lock_);
  for (base::list<span>& list : lists_) {
    for (span* one = list.front(); one != nullptr; one = list.after(one)) {
      for (std::size_t i = 0; i < one->capacity; ++i) {
        if (!one->free_bits().test(i)) visit(base::pointer_to(one->block_at(i)));
      }
    }
  }
}

bin_usage bin::usage() {
  sync::locked section(lock_);
  return {spans_, blocks_, free_};
}

void bin::verify() {
  sync::locked section(lock_);
  std::size_t spans = 0;
  std::size_t free_blocks = 0;
  for (std::size_t fullness = 0; fullness < list_count; ++fullness) {
    for (span* one = lists_[fullness].front(); one != nullptr; one = lists_[fullness].after(one)) {
      STRATA_CHECK(one->home == this && one->fullness == fullness && fullness_of(one) == fullness);
      STRATA_CHECK(one->free_bits().count_range(0, one->capacity) == one->free_count);
      ++spans;
      free_blocks += one->free_count;
    }
  }
  STRATA_CHECK(spans == spans_ && free_blocks == free_);
  STRATA_CHECK(next_.load(std::memory_order_relaxed) == next_span());
}

}  // namespace strata::alloc
