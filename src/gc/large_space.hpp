// Objects larger than half a block: each has a run of blocks of its own, and is marked where it stands.
//
//   | header, object ............ | ................. | ...... | free |
//   ^ use::large, run 3             ^ large_tail, run 1 ^ large_tail, run 2: the way back to the first
//
//   all_      | alive .... | to be looked at .... | made since the marking |     first blocks, in no order
//                          ^ sweep_at_            ^ sweep_end_
//
// Sweeping may be lazy, as that of lines is: begin_sweep() when a marking is over, then sweep_some() until it is
// true, before the next.
#pragma once

#include <cstddef>
#include <cstring>
#include <mutex>

#include "base/bits.hpp"
#include "gc/blocks.hpp"
#include "gc/object_inl.hpp"
#include "gc/row.hpp"

namespace strata::gc {

class large_space {
 public:
  explicit large_space(blocks& of) : blocks_(of) {}

  // Blocks below it are not its own. False when the system refuses.
  bool open(std::size_t first_block) {
    first_block_ = first_block;
    return all_.open(blocks_.count());
  }
  [[nodiscard]] std::size_t used_blocks() const { return used_blocks_; }
  static std::size_t blocks_for(std::size_t bytes) {
    return base::divide_up(bytes, detail::block_bytes);
  }

  // Null when there is no run of blocks. Not yet zeroed.
  std::byte* take(std::size_t bytes) {
    std::size_t wanted = blocks_for(bytes);
    std::size_t first = blocks_.take(wanted, use::large_tail, first_block_, blocks_.count());
    if (first == blocks::none) return nullptr;
    blocks_.set_use(first, use::large);
    for (std::size_t each = 0; each < wanted; ++each)
      blocks_.run_of(first + each) = static_cast<std::uint32_t>(each == 0 ? wanted : each);
    used_blocks_ += wanted;
    all_.push(static_cast<std::uint32_t>(first));
    return blocks_.address_of(first);
  }

  // The same, zeroed, where has_room(blocks) says under the heap's lock that the limit allows for so many more.
  template <class HasRoom>
  std::byte* take_zeroed(std::size_t bytes, std::mutex& heap_lock, HasRoom has_room) {
    std::byte* at = nullptr;
    {
      std::lock_guard guard{heap_lock};
      if (has_room(blocks_for(bytes))) at = take(bytes);
    }
    if (at != nullptr) std::memset(at, 0, bytes);
    return at;
  }

  // Whether this marking has reached the object around an address.
  [[nodiscard]] bool lives(const void* inside, std::uint8_t epoch) {
    std::size_t block = blocks_.index_of(inside);
    if (blocks_.use_of(block) == use::large_tail) block -= blocks_.run_of(block);
    return header::mark(blocks_.address_of(block) + header::bytes) == epoch;
  }

  // Gives back what this marking has not reached. Returns the bytes of what stays.
  std::size_t sweep(std::uint8_t epoch) {
    begin_sweep();
    sweep_some(all_.size(), epoch);
    return used_blocks_ * detail::block_bytes;
  }
  void begin_sweep() {
    sweep_at_ = 0;
    sweep_end_ = all_.size();
  }
  [[nodiscard]] bool is_swept() const { return sweep_at_ == sweep_end_; }
  // The same of so many; true when all are done. Heap locked, or world stopped.
  bool sweep_some(std::size_t most, std::uint8_t epoch) {
    for (; most > 0 && !is_swept(); --most) {
      std::size_t block = all_[sweep_at_];
      if (header::mark(blocks_.address_of(block) + header::bytes) == epoch) {
        ++sweep_at_;
        continue;
      }
      std::size_t run = blocks_.run_of(block);
      used_blocks_ -= run;
      blocks_.give(block, run);
      all_[sweep_at_] = all_[--sweep_end_];
      all_[sweep_end_] = all_[all_.size() - 1];
      all_.shorten(all_.size() - 1);
    }
    return is_swept();
  }

 private:
  blocks& blocks_;
  std::size_t first_block_ = 0;
  row<std::uint32_t> all_;
  std::size_t sweep_at_ = 0;
  std::size_t sweep_end_ = 0;
  std::size_t used_blocks_ = 0;
};

}  // namespace strata::gc
