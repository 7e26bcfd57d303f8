// Blocks cut into pages, each of which holds objects of one size: what Two-Finger compaction (Edwards, in
// Saunders, 1974) needs.
//
//   block     | page | page | page | ...   16 of 4 KiB
//   sizes_      3      7      0            words of its slots; 0: free
//   page      | slot | slot | slot | ... | rest |
//
//   pages of one size, in the order of their addresses, before and after:
//     | a . b . | c . . d | . e f . |  . . |       dots: free slots
//       -> free finger        live finger <-
//     | a f b e | c d . . |  . . . . |             the pages behind the fingers are free
//
// An object that moves leaves its new address in its header. Objects that are pinned stay, and so do those
// whose hash follows from their place: elsewhere they would be a word longer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "gc/copy_space.hpp"
#include "gc/extents.hpp"
#include "gc/row.hpp"
#include "gc/world.hpp"

namespace strata::gc {

class slot_space {
 public:
  static constexpr std::size_t most_words = most_slot_words;
  static constexpr std::size_t most_bytes = most_words * detail::word_bytes;

  slot_space(blocks& of, extents& live) : blocks_(of), live_(live) {}
  slot_space(const slot_space&) = delete;
  slot_space& operator=(const slot_space&) = delete;
  ~slot_space();
  bool open();

  // Slots in a row for objects of so many bytes; empty when a block is needed. Heap locked.
  bump_range take(std::size_t bytes);
  void add_block(std::size_t block);

  // ---- A collection; what lives is marked

  void keep(void* object);
  // Returns the bytes that have moved.
  std::uint64_t compact();
  [[nodiscard]] STRATA_INLINE void* new_address(void* object) const {
    if ((sizes_[live_.first_word(object) / page_words] & moved_out) == 0) return object;
    std::uint64_t word = header::load(object);
    return (word & header::forwarded) != 0 ? header::forwarding(word) : object;
  }
  // No reference to an old place is asked for as to whether it lives any more.
  void settle();
  // visit(object) for each that lives, at its new place.
  template <class Visit>
  void each(Visit visit);
  // References have been told.
  void reclaim(blocks::after then);

 private:
  static constexpr std::size_t page_words = 512;
  static constexpr std::size_t block_pages = block_words / page_words;
  static constexpr std::uint8_t moved_out = 0x80;

  // Walks over the slots of one size.
  struct finger {
    std::size_t page = 0;  // among those of its size
    std::size_t slot = 0;
    [[nodiscard]] bool is_before(const finger& other) const {
      return page != other.page ? page < other.page : slot < other.slot;
    }
  };
  struct size_class {
    row<std::uint32_t> pages;
    finger free;  // no free slot before it
  };

  static std::size_t slots_of(std::size_t words) { return page_words / words; }
  std::size_t word_at(std::size_t words, finger at) {
    return classes_[words].pages[at.page] * page_words + at.slot * words;
  }
  static void advance(finger& at, std::size_t words) {
    if (++at.slot == slots_of(words)) at = {at.page + 1, 0};
  }
  static void retreat(finger& at, std::size_t words) {
    at = at.slot != 0 ? finger{at.page, at.slot - 1} : finger{at.page - 1, slots_of(words) - 1};
  }
  void list_pages();
  std::uint64_t compact(std::size_t words);
  [[nodiscard]] static bool stays(void* object) {
    std::uint64_t word = header::load(object);
    return (word & header::pinned) != 0 || header::growth(word) != 0;
  }
  bump_range next_hole(std::size_t words);
  [[nodiscard]] bool is_empty(std::size_t page) const;
  template <class Visit>
  void each_page(std::size_t block, Visit visit) {
    for (std::size_t page = block * block_pages; page < (block + 1) * block_pages; ++page)
      visit(page);
  }

  blocks& blocks_;
  extents& live_;
  std::array<size_class, most_words + 1> classes_;
  row<std::uint32_t> free_pages_;
  row<void*> pinned_;
  std::uint8_t* sizes_ = nullptr;
  std::size_t bytes_ = 0;
};

template <class Visit>
void slot_space::each(Visit visit) {
  blocks_.each_used([&](std::size_t block, use as) {
    if (as != use::slots) return;
    live_.each_in_block(block,
                        [&](std::size_t first, std::size_t) { visit(live_.object_at(first)); });
  });
}

}  // namespace strata::gc
