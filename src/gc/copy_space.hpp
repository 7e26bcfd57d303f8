// Where a collection copies objects to: blocks taken one by one and filled from the start.
//
//   block   | copy | copy | copy | free ...... |        cursor_, end_
//   medium  | copy ............. | free ...... |        objects that the first has no room for
#pragma once

#include <cstddef>

#include "base/check.hpp"
#include "gc/blocks.hpp"

namespace strata::gc {

// Larger objects don't make a bump allocator leave a block that has room for many smaller ones.
inline constexpr std::size_t medium_bytes = 2048;

struct bump_range {
  std::byte* cursor = nullptr;
  std::byte* end = nullptr;

  // Null when there is no room.
  std::byte* take(std::size_t bytes) {
    if (static_cast<std::size_t>(end - cursor) < bytes) return nullptr;
    std::byte* at = cursor;
    cursor += bytes;
    return at;
  }
};

class copy_space {
 public:
  explicit copy_space(blocks& of) : blocks_(of) {}

  // Before the first copy of a collection.
  void begin() { small_ = medium_ = {}; }
  // Room for an object with its header. The heap keeps enough blocks for all that may be copied.
  std::byte* take(std::size_t bytes) {
    if (std::byte* at = small_.take(bytes)) return at;
    return take_slow(bytes);
  }

 private:
  STRATA_NOINLINE std::byte* take_slow(std::size_t bytes) {
    bump_range& range = bytes >= medium_bytes ? medium_ : small_;
    std::byte* at = range.take(bytes);
    if (at != nullptr) return at;
    std::size_t block = blocks_.take(1, use::objects);
    STRATA_CHECK(block != blocks::none);
    range = {blocks_.address_of(block), blocks_.address_of(block) + detail::block_bytes};
    return range.take(bytes);
  }

  blocks& blocks_;
  bump_range small_;
  bump_range medium_;
};

}  // namespace strata::gc
