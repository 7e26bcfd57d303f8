#include "gc/blocks.hpp"

#include "base/check.hpp"
#include "os/memory.hpp"
#include "strata/detail/support.hpp"

namespace strata::gc {
namespace {

// Address space becomes memory in pieces of this.
constexpr std::size_t commit_blocks = area::unit_bytes / detail::block_bytes;
// Others pass over them while their pages are found.
constexpr std::size_t most_fresh = 8;

}  // namespace

bool blocks::open(std::size_t count) {
  if (!area::take(count * detail::block_bytes, slice_)) return false;
  count = slice_.bytes / detail::block_bytes;
  std::size_t words = base::bit_row::words_for(count);
  std::size_t bit_bytes = words * sizeof(std::uint64_t);
  table_bytes_ =
      base::align_up(3 * bit_bytes + count * (2 * sizeof(std::uint32_t) + 1), os::page_bytes());
  tables_ = os::map(table_bytes_, os::page_bytes());
  if (tables_ == nullptr) return false;
  auto* at = static_cast<std::uint64_t*>(tables_);
  free_ = base::bit_row{at};
  inaccessible_ = base::bit_row{at + words};
  backed_ = base::bit_row{at + 2 * words};
  runs_ = reinterpret_cast<std::uint32_t*>(at + 3 * words);
  salts_ = runs_ + count;
  uses_ = reinterpret_cast<use*>(salts_ + count);
  free_.set_range(0, count);
  count_ = count;
  return true;
}

blocks::~blocks() {
  strata::detail::unpoison(base::pointer_to(slice_.base), slice_.bytes);
  if (tables_ != nullptr) os::release(tables_, table_bytes_);
  if (slice_.bytes != 0) area::give(slice_);
}

bool blocks::commit_to(std::size_t end) {
  std::size_t before = committed();
  if (end <= before) return true;
  std::size_t rounded = base::align_up(end, commit_blocks);
  if (!os::commit(address_of(before), (rounded - before) * detail::block_bytes)) return false;
  // All of it will be used, again and again, and tracing touches it at random.
  std::size_t from = base::larger(before, huge_from_);
  std::size_t to = base::smaller(rounded, huge_to_);
  if (from < to) os::prefer_huge(address_of(from), (to - from) * detail::block_bytes);
  committed_.store(rounded, std::memory_order_relaxed);
  return true;
}

std::size_t blocks::find_run(std::size_t wanted, std::size_t from, std::size_t to) const {
  for (std::size_t at = free_.find(true, from, to); at < to;) {
    std::size_t end = wanted == 1 ? at + 1 : free_.find(false, at, to);
    if (end - at >= wanted) return at;
    at = free_.find(true, end, to);
  }
  return none;
}

std::size_t blocks::take(std::size_t wanted, use as, std::size_t from, std::size_t to) {
  std::size_t at = none;
  if (awaited_.load(std::memory_order_acquire)) {
    std::size_t end = awaited_range_.first + awaited_range_.count;
    at = find_run(wanted, from, base::smaller(to, awaited_range_.first));
    if (at == none) at = find_run(wanted, base::larger(from, end), to);
  }
  if (at == none) at = find_run(wanted, from, to);
  if (at == none || !commit_to(at + wanted)) return none;
  free_.clear_range(at, wanted);
  touched_ = base::larger(touched_, at + wanted);
  for (std::size_t block = at; block < at + wanted; ++block) {
    back(block);
    uses_[block] = as;
    ++salts_[block];
    if (!inaccessible_.test(block)) continue;
    STRATA_CHECK(os::commit(address_of(block), detail::block_bytes));
    inaccessible_.clear(block);
  }
  strata::detail::unpoison(address_of(at), wanted * detail::block_bytes);
  used_.store(used() + wanted, std::memory_order_relaxed);
  return at;
}

void blocks::back(std::size_t block) {
  if (backed_.test(block)) return;
  if (backed_count_ >= most_backed_) give_back_one();
  backed_.set(block);
  ++backed_count_;
}

// The last before the one that went back the last time: low ones are taken first.
bool blocks::give_back_one() {
  std::size_t end = base::larger(touched_, populated_);
  for (std::size_t left = end; left > 0; --left) {
    gave_back_at_ = (gave_back_at_ == 0 ? end : gave_back_at_) - 1;
    if (!free_.test(gave_back_at_) || !backed_.test(gave_back_at_)) continue;
    if (!os::purge(address_of(gave_back_at_), detail::block_bytes)) return false;
    backed_.clear(gave_back_at_);
    --backed_count_;
    return true;
  }
  return false;
}

blocks::fresh blocks::next_fresh(std::size_t from, std::size_t ahead) {
  std::size_t start = base::larger(from, touched_);
  ahead = base::smaller(ahead, most_backed_ - base::smaller(most_backed_, backed_count_));
  std::size_t end = base::smaller(start + ahead, count_);
  start = base::larger(start, populated_);
  if (start >= end) return {};
  end = base::smaller(end, start + most_fresh);
  if (!commit_to(end)) return {};
  populated_ = end;
  for (std::size_t block = start; block < end; ++block) back(block);
  awaited_range_ = {start, end - start};
  awaited_.store(true, std::memory_order_relaxed);
  return awaited_range_;
}

void blocks::give(std::size_t block, std::size_t count, after then) {
  for (std::size_t each = block; each < block + count; ++each) {
    uses_[each] = use::free;
    if (then == after::inaccessible && os::guard(address_of(each), detail::block_bytes))
      inaccessible_.set(each);
  }
  strata::detail::poison(address_of(block), count * detail::block_bytes);
  free_.set_range(block, count);
  used_.store(used() - count, std::memory_order_relaxed);
}

}  // namespace strata::gc
