// Copying out of the young generation by several threads while the world is stopped (Flood, Detlefs, Shavit and
// Zhang, 2001; HotSpot's ParNew). The collecting thread begins alone; once it has copied enough that to wake others
// is worth it, what is left is everybody's:
//
//   remembered fields   | done alone | taken piece by piece ... | those that stay remembered, appended ... |
//   stack               given to who is hungry (shared_work.hpp)
//
//   copier   stack, block for survivors, place in the old space: each has its own, and takes the next under lock_
//
// Who comes to an object copies it, and claims it by a compare-and-swap of its header's word: one wins, and the
// others take back the room that they have copied it into. So nobody waits for a copy under way. Objects that stay
// in place are claimed by their mark.
//
// A word of the log has bits of 512 bytes, which may be several copiers': bits are set and cleared by atomic
// operations. relaxed: nothing but the bits is told by them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "gc/core.hpp"
#include "gc/old_space.hpp"
#include "gc/row.hpp"
#include "gc/shared_work.hpp"
#include "gc/workers.hpp"
#include "gc/young_space.hpp"

namespace strata::gc {

class parallel_young {
 public:
  // Remembered fields of [from, to) have not been visited.
  struct task {
    std::size_t from;
    std::size_t to;
    bool promotes_all;
    unsigned tenure_age;
    std::size_t most_survivor_blocks;
    std::uint8_t in_place_mark;
  };
  struct result {
    std::uint64_t moved_bytes = 0;
    std::uint64_t promoted_bytes = 0;
  };

  // in_place: takes the objects of pinned blocks that have been reached.
  parallel_young(core& of, young_space& young, old_space& old, row<void*>& in_place);
  ~parallel_young();

  // Where so few blocks are free that those which copiers leave filled in part would be missed, one copies alone.
  [[nodiscard]] bool may_run() const {
    workers* helpers = old_.helpers();
    return helpers != nullptr && !is_refused_ &&
           old_.has_room(young_.condemned() + (helpers->helpers() + 1) * blocks_of_copier);
  }
  // All that the fields and the core's stack lead to. False when the system refuses what it needs: nothing is done.
  bool run(const task& what, result& done);

 private:
  class copier;
  // A block for survivors, and two of the old space.
  static constexpr std::size_t blocks_of_copier = 3;
  static constexpr std::size_t piece_fields = 128;

  bool open(unsigned helpers);
  bool take_piece(std::size_t& from, std::size_t& to);

  core& core_;
  blocks& blocks_;
  young_space& young_;
  old_space& old_;
  row<void*>& in_place_;
  task what_{};
  std::atomic<std::size_t> next_field_{0};
  shared_work shared_;
  bool is_refused_ = false;  // by the system, what open() needs
  // Guards blocks, lines, and the rows of remembered fields, of weak objects and of those in place.
  std::mutex lock_;
  std::vector<std::unique_ptr<work_stack>> stacks_;  // of the helpers
  std::vector<std::unique_ptr<copier>> copiers_;
};

}  // namespace strata::gc
