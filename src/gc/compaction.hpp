// Compaction of an old space within the memory that it has, when that is too fragmented: a marking notes where the
// living objects lie, to the word, and they slide together (slide.hpp, offset_table.hpp). Where nothing may move,
// what lies between them is given away as it is: begin, note, living.
//
//   begin() --> note(object) by the marker, for each that is small --> keep(pinned) --> place()
//           --> references are told by new_address() --> move(tell) --> end()
//
// Its tables have no pages between two compactions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/extents.hpp"
#include "gc/offset_table.hpp"
#include "gc/slide.hpp"

namespace strata::gc {

class compaction {
 public:
  // Tables take that part of the blocks in use.
  static constexpr std::size_t table_share = 32;

  explicit compaction(blocks& of)
      : live_(of), slide_(of, live_, use::lines), offsets_(of, live_, slide_) {}
  bool open() { return live_.open() && slide_.open() && offsets_.open(); }

  enum class goal : std::uint8_t { slide, gaps };
  void begin(goal to) {
    slides_ = to == goal::slide;
    live_.clear();
    slide_.begin();
  }
  // bytes: with its header.
  void note(void* object, std::size_t bytes) {
    std::size_t first = live_.first_word(object);
    live_.add_first(first);
    live_.add_last(first + bytes / detail::word_bytes - 1);
    if (slides_) offsets_.note(object, header::load(object));
  }
  [[nodiscard]] const extents& living() const { return live_; }
  // It stays where it is.
  void keep(const void* object) { slide_.keep_chunk_of(object); }
  void place() { offsets_.place(); }
  // Of an object that the marking has reached, large ones, too, until it has moved.
  [[nodiscard]] STRATA_INLINE void* new_address(void* object) const {
    return offsets_.new_address(object);
  }
  // tell(object, type&) for each small object, where it has moved to. Returns the bytes that have moved.
  template <class Tell>
  std::uint64_t move(Tell tell) {
    return offsets_.move(tell);
  }
  void end() {
    slide_.end_among_lines();
    offsets_.give_back();
    live_.give_back();
  }

 private:
  extents live_;
  slide slide_;
  offset_table offsets_;
  bool slides_ = true;
};

}  // namespace strata::gc
