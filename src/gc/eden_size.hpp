// How many blocks are allocated between two young collections. There are two ways to choose.
//
// Where pauses have a goal: a young pause lasts as long as what survives takes to copy, most of which is in proportion
// to eden. A pause that was longer than its goal makes eden smaller at once. Short ones make it larger again step by
// step, so that a program that comes and goes between little and much surviving has few long ones.
//
//   pause   | grows a little ... | stays ........ | shrinks to fit the aim, by half at most |
//           0                    aim / 2          aim = 3/4 of the goal
//
// A quarter of the goal is left for what differs from pause to pause. Time is the collecting thread's: that
// it had no processor says nothing of eden.
//
// Where they have none, what counts is how much is copied in all. Where little survives, twice as large an eden is
// collected half as often, and has no more to copy each time; where nearly all survives it has twice as much, which
// is in the cache no longer. In between, what lives a while outlives a wide eden as well, and is copied from memory:
// eden does not grow for it.
//
//   survived   | doubles ... | stays ......... | halves, to `least` ... |
//              0            1/4               3/4                      1
//
// A quarter of what the last full collection has left free is the most: as much again is kept for its promotion, and
// half is for old objects until the next.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "strata/gc/config.hpp"

namespace strata::gc {

class eden_size {
 public:
  // goal_us 0: none. Where the two sizes are one, that is eden's; a goal may still make it smaller.
  eden_size(std::size_t least, std::size_t most, std::uint32_t goal_us)
      : least_(least), most_(most), now_(least), aim_ns_(std::uint64_t{goal_us} * 750) {}

  [[nodiscard]] std::size_t most() const { return most_; }
  [[nodiscard]] std::size_t blocks() const { return now_; }
  // A young collection has taken so long; threads: that allocate, each in blocks of its own.
  void follow_pause(std::uint64_t took_ns, std::size_t threads) {
    if (aim_ns_ == 0) return;
    std::size_t next = now_;
    if (took_ns > aim_ns_)
      next = base::larger(now_ / 2, static_cast<std::size_t>(now_ * aim_ns_ / took_ns));
    else if (took_ns < aim_ns_ / 2)
      next = now_ + now_ / 16 + 1;
    std::size_t least = base::larger(least_blocks, 2 * threads);
    now_ = base::smaller(most_, base::larger(least, next));
  }
  // It has moved so many bytes of so many blocks. The last full collection has left so many free.
  void follow_survival(std::uint64_t moved_bytes, std::size_t blocks, std::size_t free_blocks) {
    if (aim_ns_ != 0 || blocks == 0) return;
    std::uint64_t all_bytes = blocks * detail::block_bytes;
    std::size_t next = now_;
    if (moved_bytes < all_bytes / 4)
      next = 2 * now_;
    else if (moved_bytes >= all_bytes / 4 * 3)
      next = now_ / 2;
    next = base::smaller(next, free_blocks / 4);
    now_ = base::smaller(most_, base::larger(least_, next));
  }

 private:
  static constexpr std::size_t least_blocks = 4;

  std::size_t least_;
  std::size_t most_;
  std::size_t now_;
  std::uint64_t aim_ns_;
};

}  // namespace strata::gc
