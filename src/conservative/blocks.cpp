#include "conservative/blocks.hpp"

#include "os/memory.hpp"

namespace strata::conservative {
namespace {

constexpr std::size_t huge_bytes = 2 * base::MiB;
// What lies behind it is in large pages where the system has them: a heap of that size uses them whole, and without
// them each access at random costs a walk through tables.
constexpr std::size_t small_heap_bytes = 16 * base::MiB;

template <class T>
bool reserve_table(T*& table, std::size_t entries) {
  void* range = os::reserve(base::align_up(entries * sizeof(T), os::page_bytes()), os::page_bytes(),
                            os::reserved_as::inaccessible);
  table = static_cast<T*>(range);
  return range != nullptr;
}
template <class T>
void release_table(T*& table, std::size_t entries) {
  if (table != nullptr) os::release(table, base::align_up(entries * sizeof(T), os::page_bytes()));
  table = nullptr;
}
template <class T>
bool commit_table(T* table, std::size_t from, std::size_t entries) {
  return os::commit(table + from, entries * sizeof(T));
}

}  // namespace

bool blocks::open(std::size_t most_bytes) {
  // A step's share of each table is whole pages.
  step_ = os::page_bytes() / sizeof(std::uint32_t);
  for (std::size_t wanted = base::align_up(blocks_for(most_bytes), step_); wanted >= step_;
       wanted = base::align_down(wanted / 2, step_)) {
    if (reserve(wanted)) return true;
    release();
  }
  return false;
}

bool blocks::reserve(std::size_t count) {
  count_ = count;
  void* range = os::reserve(count << block_shift, huge_bytes, os::reserved_as::inaccessible);
  base_ = base::address_of(range);
  row_bytes_ = base::align_up(base::bit_row::words_for(count) * 8, os::page_bytes());
  rows_ = static_cast<std::uint64_t*>(os::map(2 * row_bytes_, os::page_bytes()));
  if (range == nullptr || rows_ == nullptr || !reserve_table(infos_, count) ||
      !reserve_table(bits_, count * bit_words) || !reserve_table(links_, count) ||
      !reserve_table(runs_, count))
    return false;
  free_ = base::bit_row{rows_};
  has_pages_ = base::bit_row{rows_ + row_bytes_ / sizeof(std::uint64_t)};
  return true;
}

void blocks::release() {
  if (base_ != 0) os::release(base::pointer_to(base_), count_ << block_shift);
  release_table(infos_, count_);
  release_table(bits_, count_ * bit_words);
  release_table(links_, count_);
  release_table(runs_, count_);
  if (rows_ != nullptr) os::release(rows_, 2 * row_bytes_);
  base_ = 0;
  rows_ = nullptr;
  count_ = row_bytes_ = 0;
}

bool blocks::grow_to(std::size_t extent) {
  while (committed_ < extent) {
    if (committed_ + step_ > count_ || !os::commit(address_of(committed_), step_ << block_shift) ||
        !commit_table(infos_, committed_, step_) ||
        !commit_table(bits_, committed_ * bit_words, step_ * bit_words) ||
        !commit_table(links_, committed_, step_) || !commit_table(runs_, committed_, step_))
      return false;
    if (committed_ << block_shift >= small_heap_bytes)
      os::prefer_huge(address_of(committed_), step_ << block_shift);
    committed_ += step_;
  }
  if (extent > extent_) {
    free_.set_range(extent_, extent - extent_);
    extent_ = extent;
  }
  return true;
}

std::size_t blocks::find_run(std::size_t wanted) {
  lowest_free_ = free_.find(true, lowest_free_, extent_);
  std::size_t from = lowest_free_;
  while (from < extent_) {
    std::size_t end = free_.find(false, from, extent_);
    if (end - from >= wanted) return from;
    if (end == extent_) break;
    from = free_.find(true, end, extent_);
  }
  // From here on all are free, and more can be had.
  return grow_to(from + wanted) ? from : none;
}

std::size_t blocks::take(std::size_t wanted) {
  if (used_ + wanted > size_ || used_ + wanted < wanted) return none;
  std::size_t first = find_run(wanted);
  if (first == none) return none;
  free_.clear_range(first, wanted);
  used_ += wanted;
  std::size_t unbacked = wanted - has_pages_.count_range(first, wanted);
  if (backed_ + unbacked > size_) give_back_to(size_ - unbacked);
  backed_ += unbacked;
  return first;
}

bool blocks::claim_zero(std::size_t block) {
  bool is_zero = !has_pages_.test(block);
  has_pages_.set(block);
  return is_zero;
}

void blocks::give(std::size_t block, std::size_t count) {
  for (std::size_t at = block; at < block + count; ++at) infos_[at] = {};
  free_.set_range(block, count);
  used_ -= count;
  lowest_free_ = base::smaller(lowest_free_, block);
}

void blocks::give_back_to(std::size_t most_backed) {
  // Runs of free blocks with pages, from the top.
  for (std::size_t end = extent_; end > 0 && backed_ > most_backed;) {
    auto can_go = [this](std::size_t at) { return free_.test(at) && has_pages_.test(at); };
    std::size_t from = end;
    while (from > 0 && can_go(from - 1) && end - from < backed_ - most_backed) --from;
    if (from == end) {
      --end;
      continue;
    }
    if (!os::purge(address_of(from), (end - from) << block_shift)) return;
    has_pages_.clear_range(from, end - from);
    backed_ -= end - from;
    end = from;
  }
}

void blocks::verify() {
  STRATA_CHECK(used_ + free_.count_range(0, extent_) == extent_);
  STRATA_CHECK(free_.find(true, 0, extent_) >= lowest_free_);
  STRATA_CHECK(has_pages_.count_range(0, extent_) == backed_);
  STRATA_CHECK(used_ <= size_ && backed_ <= base::larger(size_, used_));
  for (std::size_t at = 0; at < extent_; ++at)
    STRATA_CHECK(free_.test(at) == (infos_[at].as == use::free));
}

}  // namespace strata::conservative
