// Where objects live that are not young: a mark-region space of small ones, a space of large ones, and the
// ways to mark both. Plans differ in who puts objects here and when it is marked.
//
//   full(roots)     the world is stopped: mark everything from the roots, moving what is in condemned blocks
//   compact(roots)  the same, and small objects slide together (compaction.hpp): all the room there is, and slow
//   or, while the program runs between the two,
//   begin(); marker().push(roots) ... marker().run() | settle_lives() ... clear_some() ... | end_marking()
//                                                    '- what lives is known, and what refers weakly to the dead is
//                                                       cleared: stages of a marking
//
// Objects here have their log bits set where there is a young generation: each first store to one of their
// fields is noted. into_young_ holds the fields that are known to refer to young objects; their bits are
// clear.
//
// Holes are armed as a whole when promotion comes to them.
//
// Where there is room for no young generation nothing is armed, and mutators fill holes here: what they make then
// refers to nothing young. All is armed when there is one again.
//
//   log bit of a field of an old object is clear  <=>  it is in into_young_, or in a mutator's log, or in a
//                                                      large object that no collection has come to yet
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "gc/compaction.hpp"
#include "gc/core.hpp"
#include "gc/large_space.hpp"
#include "gc/line_space.hpp"
#include "gc/long_arrays.hpp"
#include "gc/marker.hpp"
#include "gc/object_inl.hpp"
#include "gc/parallel_marking.hpp"
#include "gc/plans/plan.hpp"

namespace strata::gc {

class old_space {
 public:
  // most_blocks: in use at once, in the whole heap; while it moves objects a thirty-second more.
  old_space(core& of, evacuation when, std::size_t most_blocks);
  // The first so many blocks of the heap are young: none where there are no generations.
  bool open(std::size_t young_blocks);

  // ---- Allocation

  bump_range refill(line_cursor& at, std::size_t bytes);
  std::byte* take_large(std::size_t bytes);
  // Where a thread puts what it brings here.
  struct promotion {
    line_cursor small_cursor;
    line_cursor medium_cursor;
    bump_range small;
    bump_range medium;
  };
  // Room for an object that a collection brings here. The heap keeps enough blocks for that.
  STRATA_INLINE std::byte* take_promoted(std::size_t bytes) {
    if (std::byte* at = to_.small.take(bytes)) return at;
    return take_promoted_slow(to_, bytes, nullptr);
  }
  // The same for one of several threads: `lock` is held where they meet. The range that the room was taken from, so
  // that it can be given back.
  STRATA_INLINE bump_range& take_promoted(promotion& to, std::size_t bytes, std::mutex& lock) {
    if (to.small.take(bytes) != nullptr) return to.small;
    take_promoted_slow(to, bytes, &lock);
    return bytes >= medium_bytes ? to.medium : to.small;
  }
  // Of the collecting thread, number 0, and of its helpers.
  [[nodiscard]] promotion& promotion_of(unsigned number) {
    return number == 0 ? to_ : to_of_helpers_[number - 1];
  }
  // After it has been copied there. word: of its header.
  void settle(void* object, std::uint64_t word, std::size_t bytes) {
    header::at(object) = settled(word);
    mark_settled(object, bytes);
    new_bytes_ += bytes;
  }
  // What settle does, for several threads: the header, the lines, and what all have brought.
  [[nodiscard]] std::uint64_t settled(std::uint64_t word) const {
    return header::settled(word, is_under_way() ? core_.epoch() : std::uint8_t{0});
  }
  void mark_settled(void* object, std::size_t bytes) {
    if (is_under_way())
      lines_.mark_lines(static_cast<std::byte*>(object) - header::bytes, bytes, core_.epoch());
  }
  void add_settled(std::uint64_t bytes) { new_bytes_ += bytes; }
  // Of the limit, so many blocks are not in use.
  [[nodiscard]] bool has_room(std::size_t blocks) const {
    return blocks_.used() + blocks <= most_blocks_;
  }
  // Null where collections have one thread, or the helpers are another process's.
  [[nodiscard]] workers* helpers() const {
    return parallel_ != nullptr && parallel_->workers().are_here() ? &parallel_->workers()
                                                                   : nullptr;
  }
  // Whether the limit allows for so many blocks more; sweeps for them, looking at most_swept blocks or large objects.
  bool make_room(std::size_t wanted, std::size_t most_swept = blocks::none);
  // Of what the limit allows, so many blocks are for what a collection will bring here.
  void keep_free(std::size_t blocks) { kept_free_ = blocks; }
  // Sweeps so many large objects or blocks; true when all is done that begin() would have to do.
  bool sweep_some(std::size_t blocks) {
    if (!large_.sweep_some(blocks, core_.epoch()) || !lines_.sweep_some(blocks)) return false;
    marker_.trim();
    return true;
  }
  [[nodiscard]] bool is_swept() const { return large_.is_swept() && lines_.is_swept(); }
  // In a pause that is a full collection's.
  void sweep_large() { large_.sweep_some(blocks_.count(), core_.epoch()); }
  // Marks for a while; true when nothing is left, as far as anybody knows while the program runs.
  bool mark_some(std::size_t objects) {
    while (marker_.run(objects)) {
      if (core_.weaks().settle(marker_, objects)) return true;
      if (objects == 0) break;
    }
    return false;
  }
  // Blocks that promotion will use next, of which the system is to find pages for so many: empty when it has.
  // Heap locked; populate is not called with a lock.
  [[nodiscard]] blocks::fresh next_fresh(std::size_t ahead);
  // Free blocks that have been used, or that the system has been asked to find pages for. Heap locked.
  [[nodiscard]] std::size_t populated_blocks() const {
    std::size_t first = young_bytes_ >> detail::block_shift;
    return base::larger(blocks_.populated(), first) - first - used_blocks();
  }
  void populate(const blocks::fresh& range);
  // That came here since the last marking.
  [[nodiscard]] std::uint64_t new_bytes() const { return new_bytes_; }

  // ---- Young objects

  [[nodiscard]] bool is_young(const void* object) const {
    return base::address_of(object) - blocks_.base() < young_bytes_;
  }
  row<void**>& into_young() { return into_young_; }
  row<void*>& fresh_large() { return fresh_large_; }
  // The field refers to something old: its next store is to be noted.
  static void arm(void** field) {
    detail::log_word(field) |= std::uint64_t{1} << (detail::address_of(field) / 8 % 64);
  }
  void arm_all(const bump_range& range) const;
  // World stopped, and nothing is young: from now on stores here are noted, or none is.
  void note_stores(bool are_noted);
  // The field refers to something young.
  void remember(void** field) {
    detail::log_word(field) &= ~(std::uint64_t{1} << (detail::address_of(field) / 8 % 64));
    into_young_.push(field);
  }

  // ---- Marking; the world is stopped

  // each_root(visit): calls visit(void** root) for what is known to be alive.
  template <class EachRoot>
  void full(EachRoot each_root);
  // The same where nothing may move: what lies between objects, however little, is given to new ones afterwards.
  template <class EachRoot>
  void find_gaps(EachRoot each_root);
  // each_told(visit): the same references once more, each of them once, to be told where objects move to.
  template <class EachRoot, class EachTold>
  void compact(EachRoot each_root, EachTold each_told);
  [[nodiscard]] bool may_move() const { return when_ != evacuation::never; }
  void begin();
  void finish();
  // Instead of finish(), where nothing moves.
  void settle_lives();
  // Clears so much; true when all is.
  bool clear_some(std::size_t most) { return core_.weaks().clear_some(marker_, most); }
  void end_marking();
  gc::marker& marker() { return marker_; }
  [[nodiscard]] bool is_marking() const { return stage_ == stage::marking; }
  [[nodiscard]] bool is_clearing() const { return stage_ == stage::clearing; }
  // Between begin and its end.
  [[nodiscard]] bool is_under_way() const { return stage_ != stage::idle; }
  [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }
  [[nodiscard]] std::uint64_t moved_bytes() const { return moved_bytes_; }
  [[nodiscard]] std::size_t most_blocks() const { return most_blocks_; }
  [[nodiscard]] std::size_t used_blocks() const {
    return lines_.used_blocks() + large_.used_blocks();
  }

  // For weak_set.
  bool keep(void*& object) const {
    if (is_young(object)) return true;
    std::uint64_t word = header::load(object);
    if ((word & header::forwarded) != 0) {
      object = header::forwarding(word);
      return true;
    }
    if (header::mark(object) != core_.epoch()) return false;
    if (placed_) object = compaction_.new_address(object);
    return true;
  }
  void trace(void*& object);

 private:
  static constexpr std::size_t least_parallel_bytes = std::size_t{4} << 20;

  std::byte* take_promoted_slow(promotion& to, std::size_t bytes, std::mutex* lock);
  bump_range take_for_promotion(line_cursor& at, std::size_t bytes);
  void leave_buffers();
  void condemn();
  void mark_all();
  // Once places are known.
  STRATA_INLINE void tell(void** field);
  void tell_fields_of(void* object, type& of);
  void slide();
  void leave_room_for_tables();
  // Where every block has holes and none is free, there would be no room to empty the first.
  [[nodiscard]] std::size_t most_blocks_while_moving() const {
    return most_blocks_ + most_blocks_ / 32 + 1;
  }
  void drain();
  void visit(void** field);
  void* copy_of(void* object, std::uint64_t word, std::size_t bytes);
  void forget_dead_fields();

  core& core_;
  blocks& blocks_;
  large_space large_;
  line_space lines_;
  gc::marker marker_;
  std::unique_ptr<parallel_marking> parallel_;  // null where collections have one thread
  gc::compaction compaction_;
  evacuation when_;
  std::size_t most_blocks_;
  std::size_t kept_free_ = 0;
  std::size_t young_bytes_ = 0;
  bool stores_are_noted_ = false;
  bool moving_ = false;
  enum class stage : std::uint8_t { idle, marking, clearing };
  stage stage_ = stage::idle;
  bool placed_ = false;  // objects slide, and where to is known
  promotion to_;         // and where copies go
  std::vector<promotion> to_of_helpers_;
  row<void**> into_young_;
  row<void*> fresh_large_;  // large objects made since the last collection
  long_arrays arrays_;      // while objects move
  std::uint64_t new_bytes_ = 0;
  std::uint64_t new_before_bytes_ = 0;  // the marking under way, or the last
  std::uint64_t live_bytes_ = 0;
  std::uint64_t moved_live_bytes_ = 0;
  std::uint64_t moved_bytes_ = 0;
};

template <class EachRoot>
void old_space::full(EachRoot each_root) {
  begin();
  condemn();
  if (moving_) {
    into_young_.clear();
    each_root([this](void** root) { visit(root); });
    drain();
  } else {
    each_root([this](void** root) { marker_.push(*root); });
    mark_all();
  }
  finish();
  sweep_large();
  marker_.trim();
}

template <class EachRoot>
void old_space::find_gaps(EachRoot each_root) {
  begin();
  compaction_.begin(compaction::goal::gaps);
  marker_.note_places_in(&compaction_);
  each_root([this](void** root) { marker_.push(*root); });
  marker_.run();
  finish();
  sweep_large();
  marker_.note_places_in(nullptr);
  marker_.trim();
  lines_.use_gaps(compaction_.living());
}

template <class EachRoot, class EachTold>
void old_space::compact(EachRoot each_root, EachTold each_told) {
  leave_room_for_tables();
  begin();
  compaction_.begin(compaction::goal::slide);
  marker_.note_places_in(&compaction_);
  each_root([this](void** root) { marker_.push(*root); });
  marker_.run();
  core_.weaks().settle_ephemerons(*this, core_.weaks().of_old);
  marker_.note_places_in(nullptr);
  core_.each_pinned([this](void* object) {
    if (blocks_.use_at(object) == use::lines) compaction_.keep(object);
  });
  compaction_.place();
  placed_ = true;
  each_told([this](void** root) { tell(root); });
  slide();
  placed_ = false;
  end_marking();
  sweep_large();
  marker_.trim();
}

STRATA_INLINE void old_space::tell(void** field) {
  void* object = *field;
  if (is_reference(object) && !is_young(object)) *field = compaction_.new_address(object);
}

}  // namespace strata::gc
