// How many blocks are allocated between two young collections. A young pause lasts as long as what survives
// takes to copy, most of which is in proportion to eden: a pause that was longer than its goal makes eden
// smaller at once. Short ones make it larger again step by step, so that a program that comes and goes between
// little and much surviving has few long ones.
//
//   pause   | grows a little ... | stays ........ | shrinks to fit the aim, by half at most |
//           0                    aim / 2          aim = 3/4 of the goal
//
// A quarter of the goal is left for what differs from pause to pause. Time is the collecting thread's: that
// it had no processor says nothing of eden.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"

namespace strata::gc {

class eden_size {
 public:
  // goal_us 0: always most_blocks.
  eden_size(std::size_t most_blocks, std::uint32_t goal_us)
      : most_(most_blocks), now_(most_blocks), aim_ns_(std::uint64_t{goal_us} * 750) {}

  [[nodiscard]] std::size_t most() const { return most_; }
  [[nodiscard]] std::size_t blocks() const { return now_; }
  // A young collection has taken so long; threads: that allocate, each in blocks of its own.
  void collected(std::uint64_t took_ns, std::size_t threads) {
    if (aim_ns_ == 0) return;
    std::size_t next = now_;
    if (took_ns > aim_ns_)
      next = base::larger(now_ / 2, static_cast<std::size_t>(now_ * aim_ns_ / took_ns));
    else if (took_ns < aim_ns_ / 2)
      next = now_ + now_ / 16 + 1;
    std::size_t least = base::larger(least_blocks, 2 * threads);
    now_ = base::smaller(most_, base::larger(least, next));
  }

 private:
  static constexpr std::size_t least_blocks = 4;

  std::size_t most_;
  std::size_t now_;
  std::uint64_t aim_ns_;
};

}  // namespace strata::gc
