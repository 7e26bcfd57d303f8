// The new places of sliding objects, one entry a chunk (Abuaiadh and others, 2004; Kermany and Petrank, 2006):
// where its first object goes. Those behind it follow without a gap, so that an object's new place is the
// entry, and the living words of the chunk before the object, which its extents' bits tell.
//
//   entry   63 ... 3: place, as words | 2 kept | 1 grows | 0 entered
//     kept     the chunk's objects stay where they are, and so does a large object, whose first chunk it is
//     grows    some have a word more behind them afterwards, for their hash: grows_ has a bit for each
//     entered  the chunk's first bit is not its own
//
// Places are found from the bits alone, without a look at the heap. Nothing of this is in the heap, so that
// objects are moved, and what they refer to is told, in one pass over it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/extents.hpp"
#include "gc/slide.hpp"

namespace strata::gc {

class offset_table {
 public:
  offset_table(blocks& of, extents& live, slide& places)
      : blocks_(of), live_(live), slide_(places) {}
  offset_table(const offset_table&) = delete;
  offset_table& operator=(const offset_table&) = delete;
  ~offset_table();
  bool open();

  // Of an object that slides. word: of its header.
  void note(void* object, std::uint64_t word) {
    if (STRATA_LIKELY(header::growth(word) == 0)) return;
    grows_.set(live_.first_word(object));
    some_grow_ = true;
  }
  void place();
  // Of an object that slides, and of large ones, which stay.
  [[nodiscard]] STRATA_INLINE void* new_address(void* object) const;

  // tell(object, type&) for each object, where it has moved to. Returns the bytes that have moved.
  template <class Tell>
  std::uint64_t move(Tell tell);
  // After that: nobody needs it for a while.
  void give_back();

 private:
  static constexpr std::uint64_t entered = 1;
  static constexpr std::uint64_t grows = 2;
  static constexpr std::uint64_t kept = 4;
  static constexpr unsigned place_shift = 3;

  void place_chunk(std::size_t chunk, bool is_entered);
  void forget_growth();
  std::size_t settle_growth(std::size_t chunk, bool is_entered, std::size_t to);
  template <class Tell>
  std::uint64_t move_chunk(std::size_t chunk, Tell tell);

  blocks& blocks_;
  extents& live_;
  slide& slide_;
  std::uint64_t* entries_ = nullptr;
  std::size_t bytes_ = 0;
  word_bits grows_;
  bool some_grow_ = false;
};

STRATA_INLINE void* offset_table::new_address(void* object) const {
  std::size_t first = live_.first_word(object);
  std::size_t chunk = first / chunk_words;
  std::uint64_t entry = entries_[chunk];
  if (STRATA_UNLIKELY((entry & kept) != 0)) return object;
  std::uint64_t before = (std::uint64_t{1} << (first % chunk_words)) - 1;
  std::uint64_t bits = live_.own_bits(chunk, (entry & entered) != 0) & before;
  std::size_t to = (entry >> place_shift) + count_bits(extents::inside(bits));
  if (STRATA_UNLIKELY((entry & grows) != 0)) to += count_bits(grows_.of_chunk(chunk) & before);
  return live_.object_at(to);
}

template <class Tell>
std::uint64_t offset_table::move(Tell tell) {
  std::uint64_t moved_bytes = 0;
  blocks_.each_used([&](std::size_t block, use as) {
    if (as != slide_.sliding()) return;
    live_.each_chunk(block,
                     [&](std::size_t chunk, bool) { moved_bytes += move_chunk(chunk, tell); });
  });
  forget_growth();
  return moved_bytes;
}

template <class Tell>
std::uint64_t offset_table::move_chunk(std::size_t chunk, Tell tell) {
  std::uint64_t entry = entries_[chunk];
  std::uint64_t moved_bytes = 0;
  std::size_t next = entry >> place_shift;
  live_.each_in_chunk(chunk, (entry & entered) != 0, [&](std::size_t first, std::size_t last) {
    std::size_t to = (entry & kept) != 0 ? first : next;
    std::size_t words = last + 1 - first;
    void* object = live_.object_at(first);
    void* copy = live_.object_at(to);
    std::uint64_t word = header::load(object);
    std::size_t growth = 0;
    if (to != first) {
      std::size_t bytes = words * detail::word_bytes;
      growth = header::growth(word);
      slide_object(live_.at(to), live_.at(first), bytes);
      carry_hash(copy, object, word, bytes, blocks_);
      moved_bytes += bytes + growth;
    } else if (header::growth(word) != 0) {
      slide_.keep_salt_of(first);
    }
    next = to + words + growth / detail::word_bytes;
    tell(copy, *header::type_in(copy, word));
  });
  return moved_bytes;
}

}  // namespace strata::gc
