// The bodies of tagged_heap, for the files that make one of it. They are not in the public header: a
// call is some hundred instructions, too many to be repeated in each caller.
//
//   allocate  1 find a free block  2 merge what was deferred, then take a region  3 cut the block off
//   free      1 check the tag, and the next block's  2 merge with both neighbours, or put it off
//             3 a region that is empty now goes back, or is the one that is kept
#pragma once

#include <utility>

#include <strata/detail/tagged_heap.hpp>

#include "base/check.hpp"

namespace strata::detail {

inline constexpr std::uint64_t kept_flags = tag::first | tag::after_free;

template <class Index>
tagged_heap<Index>::tagged_heap(const char* name, std::pmr::memory_resource* upstream,
                                const region_options& chosen, coalescing when, list_order order)
    : tagged_regions(name, upstream, chosen), when_(when), index_(extent_, order) {}

template <class Index>
tagged_heap<Index>::tagged_heap(const char* name, std::span<std::byte> memory, coalescing when,
                                list_order order)
    : tagged_heap(name, nullptr, region_options(), when, order) {
  block_address first = adopt(memory);
  if (first != 0) index_.insert(first, bytes_of(first));
}

template <class Index>
tagged_heap<Index>::~tagged_heap() {
  while (newest_ != nullptr) give_back(newest_);
}

// ---- Allocation

template <class Index>
void* tagged_heap<Index>::try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if ((bytes | alignment) > most_block_bytes / 2) [[unlikely]]
    return nullptr;
  std::size_t wanted = block_bytes_for(bytes);
  block_address found = index_.find(wanted, alignment);
  if (found == 0) [[unlikely]] {
    found = make_room(wanted, alignment);
    if (found == 0) return nullptr;
  }
  if (alignment > granule_bytes) [[unlikely]]
    found = cut_aligned(found, wanted, alignment);
  else
    found = cut(found, wanted);
  unpoison(pointer_to(found + word_bytes), bytes);
  return pointer_to(found + word_bytes);
}

// A block's end, or all of it.
template <class Index>
STRATA_INLINE block_address tagged_heap<Index>::cut(block_address from,
                                                    std::size_t wanted) noexcept {
  std::uint64_t word = checked_free_tag(from);
  std::uint64_t flags = word & kept_flags;
  std::size_t bytes = tag::bytes_of(word);
  std::size_t rest = bytes - wanted;
  if (rest < least_block_bytes) {
    index_.remove(from, bytes);
    set_live(from, bytes, flags);
    count_live(bytes);
    return from;
  }
  index_.resize(from, bytes, rest);
  set_rest(from, rest, flags);
  set_live(from + rest, wanted, tag::after_free);
  count_live(wanted);
  return from + rest;
}

// The same with a gap behind it, which becomes a free block of its own where it is long enough.
template <class Index>
STRATA_NOINLINE block_address tagged_heap<Index>::cut_aligned(block_address from,
                                                              std::size_t wanted,
                                                              std::size_t alignment) noexcept {
  std::uint64_t word = checked_free_tag(from);
  std::uint64_t flags = word & kept_flags;
  std::size_t bytes = tag::bytes_of(word);
  block_address at = place_in(from, bytes, wanted, alignment);
  std::size_t behind = from + bytes - at - wanted;
  if (behind < least_block_bytes)
    wanted += behind;
  else
    set_free(at + wanted, behind, 0);
  if (at == from) {
    index_.remove(from, bytes);
  } else {
    index_.resize(from, bytes, at - from);
    set_rest(from, at - from, flags);
    flags = tag::after_free;
  }
  set_live(at, wanted, flags);
  if (behind >= least_block_bytes) index_.insert(at + wanted, behind);
  count_live(wanted);
  return at;
}

// No free block will do: merge, then grow.
template <class Index>
STRATA_NOINLINE block_address tagged_heap<Index>::make_room(std::size_t wanted,
                                                            std::size_t alignment) noexcept {
  if (unmerged_) {
    coalesce();
    block_address found = index_.find(wanted, alignment);
    if (found != 0) return found;
  }
  block_address added = grow(alignment > granule_bytes ? with_slack(wanted, alignment) : wanted);
  if (added == 0) return 0;
  index_.insert(added, bytes_of(added));
  return index_.find(wanted, alignment);
}

// ---- Freeing

template <class Index>
void tagged_heap<Index>::deallocate(void* block, std::size_t bytes,
                                    std::size_t alignment) noexcept {
  std::uintptr_t address = address_of(block);
  if (!may_start_at(address)) [[unlikely]]
    explain(block, bytes);
  block_address at = address - word_bytes;
  std::uint64_t word = load(at);
  std::size_t rounding = tag::bytes_of(word) - block_bytes_for(bytes);
  bool is_block = is_sealed(at, word) && (word & tag::live) != 0;
  if (!is_block || rounding > granule_bytes || (address & (alignment - 1)) != 0) [[unlikely]]
    explain(block, bytes);
  std::size_t block_bytes = tag::bytes_of(word);
  std::uint64_t next_word = load(at + block_bytes);
  if (!is_sealed(at + block_bytes, next_word)) [[unlikely]]
    stop(misuse::overflow, extent_.name, block, bytes);
  poison(block, block_bytes - word_bytes);
  count_freed(block_bytes);
  if (when_ == coalescing::immediate)
    merge_freed(at, block_bytes, word & kept_flags, next_word);
  else
    put_off(at, block_bytes, word & kept_flags);
}

template <class Index>
STRATA_NOINLINE void tagged_heap<Index>::put_off(block_address at, std::size_t bytes,
                                                 std::uint64_t flags) noexcept {
  index_.insert(at, bytes);
  set_free(at, bytes, flags);
  unmerged_ = true;
}

template <class Index>
STRATA_INLINE void tagged_heap<Index>::merge_freed(block_address at, std::size_t bytes,
                                                   std::uint64_t flags,
                                                   std::uint64_t next_word) noexcept {
  block_address next = at + bytes;
  std::size_t next_bytes = (next_word & tag::live) == 0 ? tag::bytes_of(next_word) : 0;
  if ((flags & tag::after_free) != 0) {
    std::size_t before_bytes = load(at - word_bytes);
    block_address before = at - before_bytes;
    std::uint64_t before_word = checked_free_tag(before);
    check(tag::bytes_of(before_word) == before_bytes, extent_.name, pointer_to(before));
    if (next_bytes != 0) index_.remove(next, next_bytes);
    store(at, 0);  // a live tag that is none any more
    bytes += before_bytes + next_bytes;
    index_.resize(before, before_bytes, bytes);
    at = before;
    flags = before_word & kept_flags;
  } else if (next_bytes != 0) {
    bytes += next_bytes;
    index_.replace(next, next_bytes, at, bytes);
  } else {
    index_.insert(at, bytes);
  }
  set_free(at, bytes, flags);
  if ((flags & tag::first) != 0 && bytes_of(at + bytes) == 0) region_became_empty(at);
}

template <class Index>
void tagged_heap<Index>::coalesce() noexcept {
  for (region_head* one = newest_; one != nullptr;) {
    region_head* next = one->next;
    bool is_gone = merge_region(one);
    one = is_gone ? next : one->next;  // where another one went, it may have been the next
  }
  unmerged_ = false;
}

// True when the region was given back.
template <class Index>
bool tagged_heap<Index>::merge_region(region_head* one) noexcept {
  auto checked = [this](block_address at) {
    std::uint64_t word = load(at);
    check(is_sealed(at, word), extent_.name, pointer_to(at));
    return word;
  };
  std::size_t bytes = 0;
  for (block_address at = one->first(); at != one->end(); at += bytes) {
    std::uint64_t word = checked(at);
    bytes = tag::bytes_of(word);
    if ((word & tag::live) != 0) continue;
    std::size_t alone = bytes;
    for (std::uint64_t next = checked(at + bytes); (next & tag::live) == 0;
         next = checked(at + bytes)) {
      index_.remove(at + bytes, tag::bytes_of(next));
      bytes += tag::bytes_of(next);
    }
    if (bytes == alone) continue;
    index_.resize(at, alone, bytes);
    set_free(at, bytes, word & kept_flags);
  }
  return is_empty(one) && region_became_empty(one->first());
}

// Keeps one such region, so that a program at the edge of one doesn't take and give it in turns: the
// longer of two. Those made for one long block go. True when this very region went.
template <class Index>
STRATA_NOINLINE bool tagged_heap<Index>::region_became_empty(block_address first) noexcept {
  if (upstream_ == nullptr) return false;
  region_head* one = region_at(first);
  region_head* kept = empty_ != nullptr && empty_ != one && is_empty(empty_) ? empty_ : nullptr;
  bool stays =
      one->bytes <= chosen_.most_region_bytes && (kept == nullptr || kept->bytes < one->bytes);
  empty_ = stays ? one : kept;
  region_head* gone = stays ? kept : one;
  if (gone == nullptr) return false;
  index_.remove(gone->first(), bytes_of(gone->first()));
  give_back(gone);
  return !stays;
}

template <class Index>
void tagged_heap<Index>::release() noexcept {
  index_.clear();
  forget_live();
  unmerged_ = false;
  empty_ = nullptr;
  if (upstream_ == nullptr) {
    if (newest_ == nullptr) return;
    block_address first = clear(newest_);
    index_.insert(first, bytes_of(first));
  }
  while (upstream_ != nullptr && newest_ != nullptr) give_back(newest_);
}

template <class Index>
void tagged_heap<Index>::verify() const {
  std::size_t free = verify_tags(!unmerged_);
  check(free == index_.count(), extent_.name, this);
  index_.verify();
}

}  // namespace strata::detail
