// gc::listener: is told what a heap does. A heap has at most one, from its making to its end.
//
//   struct printer : gc::listener {
//     void collection_ends(const gc::collection_end& what) noexcept override { ... }
//   } to_me;
//   gc::heap heap{{.listener = &to_me}};
//
//   program      ... | stop | collect ............ | program ...
//                           ^ collection_begins     ^ collection_ends, memory_is_short
//   a refill         heap_grows        an allocation that fails for good        memory_is_exhausted
//
// Every call comes from the thread that the event happens to, with no lock of the heap held.
//
//   collection_begins   the world stands still, and what it does is part of the pause. It waits for no
//                       other thread of the heap: not by a lock either, which one that has been stopped
//                       may hold
//   the others          the world runs. Other threads may collect meanwhile, so calls may come at the same time,
//                       and ends in another order than begins: `number` tells. The thread counts as
//                       running: until it returns no other collection gets under way
//   all                 don't touch the heap: no make, no object, no collect. heap::statistics() and what
//                       wakes another thread (to run cleaners, to drop a cache) are fine. They throw nothing
#pragma once

#include <cstddef>
#include <cstdint>

#include <strata/gc/heap.hpp>

namespace strata::gc {

// Why there is a collection.
enum class cause : std::uint8_t {
  no_room,  // an allocation found none
  asked,    // heap::collect, mutator::collect
  stress,   // stress_options::collect_every
};

// What a collection did for a marking beside the program (plan::generational_concurrent): took the snapshot that
// it begins with; settled what lives, where references to much that is dead are cleared beside the program; or ended
// it.
enum class marking_step : std::uint8_t { none, begins, settles, ends };

struct collection_begin {
  std::uint64_t number = 0;  // 1 for the heap's first
  collection kind = collection::full;
  cause why = cause::no_room;
  std::size_t held_bytes = 0;  // blocks that hold objects
};

struct collection_end {
  std::uint64_t number = 0;
  collection kind = collection::full;  // may be more than what begun
  cause why = cause::no_room;
  std::uint64_t pause_ns = 0;  // from when threads were asked to stop until they went on
  std::uint64_t stop_ns = 0;   // of this, until all stood still
  std::size_t held_before_bytes = 0;
  std::size_t held_after_bytes = 0;
  std::uint64_t moved_bytes = 0;     // of objects, by this collection
  std::uint64_t promoted_bytes = 0;  // of these, out of the young generation
  std::uint64_t live_bytes = 0;      // that the last full collection has reached
  marking_step step = marking_step::none;
};

// Memory that the heap has never had before. It keeps it.
struct heap_growth {
  std::size_t before_bytes = 0;
  std::size_t after_bytes = 0;
};

// After a full collection what is alive, with the room that copying it takes, is more than nine tenths of
// max_bytes: collections become frequent, and out_of_memory is near.
struct heap_shortage {
  std::size_t needed_bytes = 0;
  std::size_t max_bytes = 0;
};

class listener {
 public:
  virtual void collection_begins(const collection_begin&) noexcept {}
  virtual void collection_ends(const collection_end&) noexcept {}
  virtual void heap_grows(const heap_growth&) noexcept {}
  virtual void memory_is_short(const heap_shortage&) noexcept {}
  // So many bytes, a header among them, are refused: out_of_memory comes next.
  virtual void memory_is_exhausted(std::size_t /*wanted_bytes*/) noexcept {}

 protected:
  ~listener() = default;
};

}  // namespace strata::gc
