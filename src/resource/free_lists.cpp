#include <strata/detail/free_lists.hpp>

#include <algorithm>

namespace strata::detail {

// ---- One list

void block_list::insert_by_address(block_address block) {
  block_address before = 0;
  block_address after = first_;
  while (after != 0 && after < block) {
    before = after;
    after = next_of(after);
  }
  set_next(block, after);
  set_previous(block, before);
  if (after != 0) set_previous(after, block);
  if (before != 0)
    set_next(before, block);
  else
    first_ = block;
}

void block_list::replace(block_address old, block_address by, const block_extent& within) {
  block_address next = next_of(old);
  block_address previous = previous_of(old);
  check_links(old, next, previous, within);
  set_next(by, next);
  set_previous(by, previous);
  if (next != 0) set_previous(next, by);
  if (previous != 0)
    set_next(previous, by);
  else
    first_ = by;
}

std::size_t block_list::verify(list_order order, const block_extent& within) const {
  std::size_t length = 0;
  block_address before = 0;
  for (block_address at = first_; at != 0; at = next_of(at)) {
    check(within.has(at), within.name, pointer_to(at));
    check(previous_of(at) == before && (load(at) & tag::live) == 0, within.name, pointer_to(at));
    check(order == list_order::lifo || at > before, within.name, pointer_to(at));
    before = at;
    ++length;
  }
  return length;
}

template <fit Fit>
block_address one_list<Fit>::find_aligned(std::size_t wanted, std::size_t alignment) {
  return search(
      [&](block_address at) { return place_in(at, bytes_of(at), wanted, alignment) != 0; });
}

template <fit Fit>
std::size_t one_list<Fit>::largest() const {
  std::size_t most = 0;
  for (block_address at = list_.first(); at != 0; at = next_of(at)) {
    most = std::max(most, bytes_of(at));
  }
  return most;
}

template <fit Fit>
void one_list<Fit>::verify() const {
  check(list_.verify(order_, *within_) == count_, within_->name, this);
  bool found = rover_ == 0;
  for (block_address at = list_.first(); at != 0 && !found; at = next_of(at)) found = at == rover_;
  check(found, within_->name, this);
}

template class one_list<fit::first>;
template class one_list<fit::next>;

// ---- Lists by size

void size_lists::clear() {
  levels_ = 0;
  count_ = 0;
  in_level_.fill(0);
  lists_.fill(block_list());
}

std::size_t size_lists::largest() const {
  if (levels_ == 0) return 0;
  auto last_bit = [](std::uint32_t word) {
    return static_cast<std::size_t>(std::bit_width(word) - 1);
  };
  std::size_t level = last_bit(levels_);
  std::size_t list = level * per_level + last_bit(in_level_[level]);
  std::size_t most = 0;
  for (block_address at = lists_[list].first(); at != 0; at = next_of(at)) {
    most = std::max(most, bytes_of(at));
    if (list < exact_lists) break;
  }
  return most;
}

void size_lists::verify() const {
  std::size_t found = 0;
  for (std::size_t list = 0; list < all_lists; ++list) {
    const block_list& each = lists_[list];
    found += each.verify(order_, *within_);
    std::size_t level = list / per_level;
    check(((in_level_[level] >> list % per_level & 1) != 0) == !each.empty(), within_->name, &each);
    check(((levels_ >> level & 1) != 0) == (in_level_[level] != 0), within_->name, &each);
    for (block_address at = each.first(); at != 0; at = next_of(at)) {
      check(list_of(bytes_of(at)) == list, within_->name, pointer_to(at));
    }
  }
  check(found == count_, within_->name, this);
}

block_address size_lists::find_lucky(std::size_t wanted, std::size_t alignment) const {
  for (std::size_t list = list_with_blocks(list_of(wanted)); list != all_lists;
       list = list_with_blocks(list + 1)) {
    for (block_address at = lists_[list].first(); at != 0; at = next_of(at)) {
      if (place_in(at, bytes_of(at), wanted, alignment) != 0) return at;
    }
  }
  return 0;
}

block_address segregated_lists::find_aligned(std::size_t wanted, std::size_t alignment) const {
  block_address found = first_from(list_from(with_slack(wanted, alignment)));
  return found != 0 ? found : find_lucky(wanted, alignment);
}

block_address best_lists::find_shortest(std::size_t wanted, std::size_t list) const {
  block_address best = 0;
  for (; list != all_lists && best == 0; list = list_with_blocks(list + 1)) {
    std::size_t best_bytes = SIZE_MAX;
    for (block_address at = lists_[list].first(); at != 0; at = next_of(at)) {
      std::size_t bytes = bytes_of(at);
      if (bytes < wanted || bytes >= best_bytes) continue;
      best = at;
      best_bytes = bytes;
      if (bytes == wanted) break;
    }
  }
  return best;
}

block_address best_lists::find_aligned(std::size_t wanted, std::size_t alignment) const {
  block_address best = 0;
  for (std::size_t list = list_with_blocks(list_of(wanted)); list != all_lists && best == 0;
       list = list_with_blocks(list + 1)) {
    std::size_t best_bytes = SIZE_MAX;
    for (block_address at = lists_[list].first(); at != 0; at = next_of(at)) {
      std::size_t bytes = bytes_of(at);
      if (bytes >= best_bytes || place_in(at, bytes, wanted, alignment) == 0) continue;
      best = at;
      best_bytes = bytes;
    }
  }
  return best;
}

block_address good_lists::find_near(std::size_t wanted, std::size_t sought,
                                    std::size_t alignment) const {
  for (std::size_t from : {sought, wanted}) {
    block_address at = first_from(list_of(from));
    if (at != 0 && place_in(at, bytes_of(at), wanted, alignment) != 0) return at;
  }
  return 0;
}

}  // namespace strata::detail
