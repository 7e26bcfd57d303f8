// Where free blocks are kept so that one that fits is found. Each of these is an `Index` of
// tagged_heap:
//
//   find(wanted, alignment)    a free block that place_in() can cut the wanted one from; 0 for none
//   insert, remove             a block that becomes free, or is free no more
//   resize(block, old, new)    a block that got shorter or longer, and stays free
//   replace(old, ..., by, ...) one that was merged into the block that is freed right before it
//   count, largest             figures
//   verify                     stops the process where lists and tags disagree
//
//   one_list    all blocks in one list
//
//     first --> | tag | next --------> | tag | next | previous | --> 0
//
//   size_lists  a list for each of 1024 classes of sizes, and two levels of bitmaps of those that are
//               not empty (Masmano, Ripoll, Crespo, Real, TLSF, ECRTS 2004)
//
//     levels_   ...0 1 0 1      bit l: some list of level l has blocks
//     lists_[l] ...0 0 1 0      bit s: list s of level l has blocks
//
//     level 0   sizes below 512 in steps of 16
//     level l   from 2^(l+8) to twice that in 32 steps: blocks of a list differ by 1/32 at most; those
//               of levels 0 and 1, by nothing
//
// The links stand in the free blocks themselves, behind the tags.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <strata/detail/block_tags.hpp>

namespace strata {

// Which free block serves a request. Exported, for it is an argument of templates that the library holds.
enum class STRATA_RESOURCES_API fit : std::uint8_t { first, next, best, segregated };
// When neighbours that are free become one block.
enum class coalescing : std::uint8_t {
  immediate,  // at each free
  deferred,   // when a request can't be met otherwise, and by coalesce()
};
// In which order a list is searched.
enum class list_order : std::uint8_t {
  lifo,     // the block that was freed last comes first; one that grows or shrinks keeps its place
  address,  // the lowest address first; a free costs O(blocks in the list) where it merges with none
};

}  // namespace strata

namespace strata::detail {

inline block_address next_of(block_address block) { return load(block + word_bytes); }
inline block_address previous_of(block_address block) { return load(block + 2 * word_bytes); }
inline void set_next(block_address block, block_address to) { store(block + word_bytes, to); }
inline void set_previous(block_address block, block_address to) {
  store(block + 2 * word_bytes, to);
}

// A list of free blocks, linked both ways, with 0 at either end.
class STRATA_RESOURCES_API block_list {
 public:
  [[nodiscard]] block_address first() const { return first_; }
  [[nodiscard]] bool empty() const { return first_ == 0; }

  void push(block_address block) {
    set_next(block, first_);
    set_previous(block, 0);
    if (first_ != 0) set_previous(first_, block);
    first_ = block;
  }
  void insert(block_address block, list_order order) {
    if (order == list_order::lifo)
      push(block);
    else
      insert_by_address(block);
  }
  void remove(block_address block, const block_extent& within) {
    block_address next = next_of(block);
    block_address previous = previous_of(block);
    check_links(block, next, previous, within);
    if (next != 0) set_previous(next, previous);
    if (previous == 0)
      first_ = next;
    else
      set_next(previous, next);
  }
  // `by` takes the place of `old`.
  void replace(block_address old, block_address by, const block_extent& within);
  // Its length.
  [[nodiscard]] std::size_t verify(list_order order, const block_extent& within) const;

 private:
  // Links that don't meet were written over: following them would spread the damage.
  void check_links(block_address block, block_address next, block_address previous,
                   const block_extent& within) const {
    bool meet = next == 0 || (within.has(next) && previous_of(next) == block);
    if (previous == 0)
      meet = meet && first_ == block;
    else
      meet = meet && within.has(previous) && next_of(previous) == block;
    check(meet, within.name, pointer_to(block));
  }
  void insert_by_address(block_address block);

  block_address first_ = 0;
};

template <fit Fit>
class STRATA_RESOURCES_API one_list {
  static_assert(Fit == fit::first || Fit == fit::next);

 public:
  one_list(const block_extent& within, list_order order) : within_(&within), order_(order) {}

  [[nodiscard]] block_address find(std::size_t wanted, std::size_t alignment) {
    if (alignment > granule_bytes) return find_aligned(wanted, alignment);
    return search([wanted](block_address at) { return bytes_of(at) >= wanted; });
  }
  void insert(block_address block, std::size_t /*bytes*/) {
    list_.insert(block, order_);
    ++count_;
  }
  void remove(block_address block, std::size_t /*bytes*/) {
    if constexpr (Fit == fit::next) {
      if (rover_ == block) rover_ = next_of(block);
    }
    list_.remove(block, *within_);
    --count_;
  }
  void resize(block_address /*block*/, std::size_t /*old_bytes*/, std::size_t /*new_bytes*/) {}
  void replace(block_address old, std::size_t old_bytes, block_address by, std::size_t bytes) {
    if (order_ == list_order::address) {
      if (rover_ == old) rover_ = by;
      list_.replace(old, by, *within_);
    } else {
      remove(old, old_bytes);
      insert(by, bytes);
    }
  }
  void clear() {
    list_ = block_list();
    rover_ = 0;
    count_ = 0;
  }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t largest() const;
  void verify() const;

 private:
  template <class Fits>
  block_address search(Fits fits) {
    if constexpr (Fit == fit::next) return search_from_rover(fits);
    block_address at = list_.first();
    while (at != 0 && !fits(at)) at = next_of(at);
    return at;
  }
  template <class Fits>
  block_address search_from_rover(Fits fits) {
    block_address at = rover_;
    while (at != 0 && !fits(at)) at = next_of(at);
    if (at == 0) {
      at = list_.first();
      while (at != rover_ && !fits(at)) at = next_of(at);
      if (at == rover_) return 0;
    }
    return rover_ = at;
  }
  block_address find_aligned(std::size_t wanted, std::size_t alignment);

  const block_extent* within_;
  list_order order_;
  block_list list_;
  block_address rover_ = 0;  // next fit: where the search goes on; 0: at the first
  std::size_t count_ = 0;
};

class STRATA_RESOURCES_API size_lists {
 public:
  size_lists(const block_extent& within, list_order order) : within_(&within), order_(order) {}

  void insert(block_address block, std::size_t bytes) {
    std::size_t list = list_of(bytes);
    lists_[list].insert(block, order_);
    levels_ |= 1U << list / per_level;
    in_level_[list / per_level] |= 1U << list % per_level;
    ++count_;
  }
  void remove(block_address block, std::size_t bytes) {
    std::size_t list = list_of(bytes);
    lists_[list].remove(block, *within_);
    --count_;
    if (!lists_[list].empty()) return;
    in_level_[list / per_level] &= ~(1U << list % per_level);
    if (in_level_[list / per_level] == 0) levels_ &= ~(1U << list / per_level);
  }
  void resize(block_address block, std::size_t old_bytes, std::size_t new_bytes) {
    if (list_of(old_bytes) == list_of(new_bytes)) return;
    remove(block, old_bytes);
    insert(block, new_bytes);
  }
  void replace(block_address old, std::size_t old_bytes, block_address by, std::size_t bytes) {
    if (order_ == list_order::address && list_of(old_bytes) == list_of(bytes)) {
      lists_[list_of(bytes)].replace(old, by, *within_);
    } else {
      remove(old, old_bytes);
      insert(by, bytes);
    }
  }
  void clear();
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t largest() const;
  void verify() const;

 protected:
  static constexpr std::size_t per_level = 32;
  static constexpr std::size_t all_lists = 32 * per_level;
  static constexpr std::size_t level_0_end_bytes = per_level * granule_bytes;
  static constexpr std::size_t exact_lists = 2 * per_level;

  static std::size_t step_shift(std::size_t bytes) {
    return static_cast<std::size_t>(std::bit_width(bytes)) - 6;
  }
  // bytes is a block's: at most most_block_bytes.
  static std::size_t list_of(std::size_t bytes) {
    if (bytes < level_0_end_bytes) return bytes / granule_bytes;
    std::size_t shift = step_shift(bytes);
    return (shift - 4) * per_level + (bytes >> shift);
  }
  // The first list whose every block has that many bytes; all_lists where there can't be one.
  static std::size_t list_from(std::size_t bytes) {
    if (bytes < level_0_end_bytes) return bytes / granule_bytes;
    std::size_t shift = step_shift(bytes);
    return (shift - 4) * per_level + ((bytes + (std::size_t{1} << shift) - 1) >> shift);
  }
  // The first list from there on that has blocks; all_lists for none.
  [[nodiscard]] std::size_t list_with_blocks(std::size_t from) const {
    if (from >= all_lists) return all_lists;
    std::size_t level = from / per_level;
    std::uint32_t in_level = in_level_[level] & ~0U << from % per_level;
    if (in_level == 0) {
      std::uint32_t above = levels_ & ~1U << level;
      if (above == 0) return all_lists;
      level = static_cast<std::size_t>(std::countr_zero(above));
      in_level = in_level_[level];
    }
    return level * per_level + static_cast<std::size_t>(std::countr_zero(in_level));
  }
  [[nodiscard]] block_address first_from(std::size_t list) const {
    list = list_with_blocks(list);
    return list != all_lists ? lists_[list].first() : 0;
  }
  // The first block with a place for it, from the list of its size on. O(free blocks).
  [[nodiscard]] block_address find_lucky(std::size_t wanted, std::size_t alignment) const;

  const block_extent* within_;
  list_order order_;
  std::uint32_t levels_ = 0;
  std::size_t count_ = 0;
  std::array<std::uint32_t, 32> in_level_{};
  std::array<block_list, all_lists> lists_{};
};

// The first block that fits of the lists in which one can, from the one of the wanted size on.
class STRATA_RESOURCES_API segregated_lists : public size_lists {
 public:
  using size_lists::size_lists;

  [[nodiscard]] block_address find(std::size_t wanted, std::size_t alignment) const {
    if (alignment > granule_bytes) return find_aligned(wanted, alignment);
    std::size_t list = list_of(wanted);
    for (block_address at = lists_[list].first(); at != 0; at = next_of(at)) {
      if (bytes_of(at) >= wanted) return at;
    }
    return first_from(list + 1);
  }

 private:
  [[nodiscard]] block_address find_aligned(std::size_t wanted, std::size_t alignment) const;
};

// The shortest block that fits. It is in the first list that has one that does.
class STRATA_RESOURCES_API best_lists : public size_lists {
 public:
  using size_lists::size_lists;

  [[nodiscard]] block_address find(std::size_t wanted, std::size_t alignment) const {
    if (alignment > granule_bytes) return find_aligned(wanted, alignment);
    std::size_t list = list_with_blocks(list_of(wanted));
    if (list < exact_lists) return lists_[list].first();
    return find_shortest(wanted, list);
  }

 private:
  [[nodiscard]] block_address find_shortest(std::size_t wanted, std::size_t list) const;
  [[nodiscard]] block_address find_aligned(std::size_t wanted, std::size_t alignment) const;
};

// The first block of the first list in which all fit; where there is none, of the list of the size that is
// sought, or of one from the wanted size on, if that very block fits. No loop anywhere.
class STRATA_RESOURCES_API good_lists : public size_lists {
 public:
  using size_lists::size_lists;

  [[nodiscard]] block_address find(std::size_t wanted, std::size_t alignment) const {
    std::size_t sought = alignment > granule_bytes ? with_slack(wanted, alignment) : wanted;
    block_address found = first_from(list_from(sought));
    if (found == 0) [[unlikely]]
      found = find_near(wanted, sought, alignment);
    return found;
  }

 private:
  [[nodiscard]] block_address find_near(std::size_t wanted, std::size_t sought,
                                        std::size_t alignment) const;
};

extern template class one_list<fit::first>;
extern template class one_list<fit::next>;

}  // namespace strata::detail
