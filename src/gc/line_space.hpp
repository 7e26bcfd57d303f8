// The mark-region space of Immix (Blackburn and McKinley, 2008): blocks of lines. Objects are bumped into
// runs of free lines; marking an object marks the lines that it touches; memory comes back by line, and by
// block where no line is marked.
//
//   block     | line | line | line | line | ...  256 of 256 bytes
//   objects   | A  B |-B| C |      |      | D
//   lines_      e      e      7      0      e     e: the epoch of the last marking
//                           '- a hole -'
//
//   a line is free       where its mark is neither of the two epochs in force, marked_[0] and marked_[1]:
//                        both are the last marking's, or that and the one that is under way
//   a block is classified  when its entry in classified_ is the epoch: it has been swept, or was taken since
//   in recyclable_       bits of blocks that are classified, have holes, and belong to nobody
//
// Blocks are for objects below medium_bytes, or for others. Among small ones that die here and there, larger ones find
// no holes that are wide enough; what their like has left they fit into.
//
// Where lines are all in use though little is in them, and objects may not move, holes are to the word for once:
// use_gaps, between objects whose places a marking has noted.
//
// Sweeping is lazy: a block is classified when somebody looks for memory. What a mutator allocates is
// not marked, but its block is not looked at again before the next marking.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "gc/blocks.hpp"
#include "gc/copy_space.hpp"
#include "gc/extents.hpp"

namespace strata::gc {

// A block that somebody allocates in, and how far they have come.
struct line_cursor {
  std::size_t block = blocks::none;
  std::size_t at = 0;  // a line, or a word where holes are to the word
};

// Which objects a block was taken for.
enum class sizes : std::uint8_t { small, medium };
[[nodiscard]] inline sizes sizes_of(std::size_t bytes) {
  return bytes >= medium_bytes ? sizes::medium : sizes::small;
}

// How hard a full collection tries to make room: the last resort, after one that has made little, compacts the
// heap, where its plan moves objects, and else gives away what is free to the word.
enum class effort : std::uint8_t { usual, last_resort };

// Markings are numbered from 1 to this and from 1 again.
inline constexpr std::uint8_t last_epoch = 250;

class line_space {
 public:
  static constexpr std::size_t line_bytes = 256;
  static constexpr unsigned line_shift = 8;
  static constexpr std::size_t block_lines = detail::block_bytes / line_bytes;

  explicit line_space(blocks& of) : blocks_(of) {}
  line_space(const line_space&) = delete;
  line_space& operator=(const line_space&) = delete;
  ~line_space();
  // first_block: blocks below it are not its own. then: of blocks that go back.
  bool open(std::size_t first_block, blocks::after then);

  // The next hole of at least `bytes` in the cursor's own block; empty when there is none. Needs no lock.
  bump_range next_hole(line_cursor& at, std::size_t bytes);
  // Gives the cursor another block that was taken for such sizes and has such a hole, and that; empty when there is
  // none among the next most_blocks. Heap locked, as for what follows.
  bump_range recycle(line_cursor& at, std::size_t bytes, sizes taken_for,
                     std::size_t most_blocks = blocks::none);
  // A whole free block; `none` when there is none.
  std::size_t take(sizes taken_for);
  // Classifies the next; false when all are.
  bool sweep_next() {
    if (sweep_at_ >= sweep_end_) return false;
    classify(sweep_at_++);
    return true;
  }
  [[nodiscard]] bool is_swept() const { return sweep_at_ >= sweep_end_; }
  // True when all are classified, and what begin() has to do is done.
  bool sweep_some(std::size_t blocks) {
    for (; blocks > 0 && sweep_next(); --blocks) continue;
    if (sweep_at_ < sweep_end_) return false;
    return forget_marks(blocks * 16);
  }
  void sweep_all() {
    while (sweep_next()) continue;
  }

  // The world is stopped: a marking with this epoch, the one after the last, begins. No cursor has a block any more.
  void begin(std::uint8_t epoch);
  // It is over: lines that it has not marked are free.
  void end();
  // Until the next marking begins what is free is what lies between these.
  void use_gaps(const extents& between) { gaps_ = &between; }
  // All small objects move: only the lines that are marked from now on are in use.
  void forget_marking();
  // Chooses blocks to empty, the emptiest first, of those that are less than half full, as long as what is in them
  // fits into what is free. Returns how many.
  std::size_t condemn(std::size_t spare_blocks);
  // Condemned blocks are ordinary ones again.
  void absolve();

  void mark_lines(const void* start, std::size_t bytes, std::uint8_t epoch) {
    std::uintptr_t from = base::address_of(start) - blocks_.base();
    std::size_t first = from >> line_shift;
    std::size_t last = (from + bytes - 1) >> line_shift;
    // relaxed: markers on several threads write the same.
    for (std::size_t line = first; line <= last; ++line)
      std::atomic_ref<std::uint8_t>(lines_[line]).store(epoch, std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t used_blocks() const { return used_; }
  [[nodiscard]] bool line_is_free(const void* address) const {
    return is_free(lines_[(base::address_of(address) - blocks_.base()) >> line_shift]);
  }

 private:
  static constexpr std::size_t least_gap_bytes = 32;
  static constexpr std::size_t recycle_classes =
      std::bit_width(detail::most_copied_bytes / least_gap_bytes) + 1;

  [[nodiscard]] bool is_free(std::uint8_t mark) const {
    return mark != marked_[0] && mark != marked_[1];
  }
  [[nodiscard]] std::size_t count_live_lines(std::size_t block) const;
  bump_range next_gap(line_cursor& at, std::size_t bytes);
  // Who finds no hole in a block leaves it to those who ask for less.
  [[nodiscard]] std::size_t& recycle_at(std::size_t bytes, sizes taken_for) {
    std::size_t least = gaps_ != nullptr ? least_gap_bytes : line_bytes;
    return recycle_at_[index_of(taken_for)][std::bit_width((bytes - 1) / least)];
  }
  void pass_over_none() {
    for (auto& each : recycle_at_) each.fill(first_block_);
  }
  static std::size_t index_of(sizes of) { return static_cast<std::size_t>(of); }
  [[nodiscard]] sizes sizes_in(std::size_t block) const {
    return is_medium_.test(block) ? sizes::medium : sizes::small;
  }
  [[nodiscard]] bool has_holes(std::size_t block) const {
    return recyclable_[index_of(sizes_in(block))].test(block);
  }
  void classify(std::size_t block);
  // Before a marking with number 1, of so many blocks: marks of 250 markings ago. True when all are done.
  bool forget_marks(std::size_t blocks);

  blocks& blocks_;
  std::size_t first_block_ = 0;
  blocks::after then_ = blocks::after::usable;
  std::size_t used_ = 0;
  std::size_t sweep_at_ = 0;   // blocks below it are classified
  std::size_t sweep_end_ = 0;  // blocks from here on were not there when the marking ended
  // Of blocks taken for small and for medium objects, by doublings of what is asked for: blocks below it have been
  // passed over.
  std::array<std::array<std::size_t, recycle_classes>, 2> recycle_at_{};
  const extents* gaps_ = nullptr;
  std::size_t forget_at_ = 0;  // forget_marks has come so far
  std::uint8_t epoch_ = 0;     // of the last marking that began
  std::uint8_t marked_[2] = {0xff, 0xff};
  std::uint8_t* lines_ = nullptr;
  std::uint8_t* classified_ = nullptr;
  std::uint16_t* live_lines_ = nullptr;
  base::bit_row is_medium_{nullptr};
  std::array<base::bit_row, 2> recyclable_{base::bit_row{nullptr}, base::bit_row{nullptr}};
  void* tables_ = nullptr;
  std::size_t table_bytes_ = 0;
};

}  // namespace strata::gc
