// Where objects slide to: the first place towards the heap's start that has room, in the order in which they
// lie, so that none comes past another.
//
//   before   | A . B . | . C . D | E P . . |     P: pinned; dots: dead
//   after    | A B C D | E . . . | . P . . |     the second and third block: holes, for new objects
//
//   cursor_  no object goes to a place before it
//   limit_   what is in the way: the end of the block, or objects that stay
//
// Objects lie in one block each, before and after. Each is offered the first place that is free, and it lies
// at such a place already: so no place is behind the object, and objects that move one after the other never
// meet one that has yet to. An object that grows by its hash might: it then stays where it is.
//
// A chunk that a pinned object begins in stays as it is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "gc/copy_space.hpp"
#include "gc/extents.hpp"
#include "gc/row.hpp"

namespace strata::gc {

class slide {
 public:
  // Objects slide in blocks of that use.
  slide(blocks& of, const extents& live, use as) : blocks_(of), live_(live), as_(as) {}
  slide(const slide&) = delete;
  slide& operator=(const slide&) = delete;
  ~slide();
  bool open();

  [[nodiscard]] use sliding() const { return as_; }
  // Before a collection; what it had of holes is gone.
  void begin();
  // The world's pinned objects, before the first place is asked for.
  void keep_chunk_of(const void* object);
  [[nodiscard]] bool is_kept(std::size_t chunk) const { return kept_.test(chunk); }

  // Room for so many words of what begins at `from`: there, or before it. What was asked for earlier lay
  // before it. The caller tells by `settle` where what it has put there ends.
  std::size_t place(std::size_t words, std::size_t from) {
    if (limit_ - cursor_ >= words) return cursor_;
    return place_slow(words, from);
  }
  void settle(std::size_t end) { cursor_ = end; }
  // All have a place.
  void end();

  // An object that stays has a hash that follows from its place.
  void keep_salt_of(std::size_t word) { salted_.set(word / block_words); }
  // All have moved: blocks in which nothing is left go back.
  void reclaim(blocks::after then);
  // The same in a space that finds by itself what is free.
  void end_among_lines();

  // A range of new objects; empty when no hole has room. Heap locked.
  bump_range take_hole(std::size_t bytes);

 private:
  static constexpr std::size_t least_hole_words = 32;
  static constexpr std::size_t none = ~std::size_t{0};

  struct hole {
    std::size_t from;
    std::size_t end;
  };

  std::size_t place_slow(std::size_t words, std::size_t from);
  void next_gap();
  void pass_limit();
  void enter_block(std::size_t block);
  void find_limit(std::size_t chunk);
  void leave_hole(std::size_t from, std::size_t end) {
    if (end - from >= least_hole_words) holes_.push({from, end});
  }

  blocks& blocks_;
  const extents& live_;
  use as_;
  std::size_t block_ = none;  // that cursor_ is in
  std::size_t cursor_ = 0;
  std::size_t limit_ = 0;
  std::size_t beyond_ = 0;  // where what is in the way ends
  row<hole> holes_;
  base::bit_row kept_{nullptr};    // chunks
  base::bit_row salted_{nullptr};  // blocks
  base::bit_row empty_{nullptr};   // blocks in which nothing will be
  void* tables_ = nullptr;
  std::size_t table_bytes_ = 0;
};

}  // namespace strata::gc
