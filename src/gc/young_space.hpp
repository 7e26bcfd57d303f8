// The young generation: one contiguous range of blocks at the start of the heap, so that 'is it young' is
// a compare.
//
//   | eden | eden | survivors | eden | free | ... |  old blocks ...
//   base                                          base + count_ blocks
//
// Each block is use::objects, and use::from in a collection, whether mutators or a collection filled it.
// Objects' ages are in their headers: the number of collections that they have survived.
#pragma once

#include <cstddef>

#include "gc/blocks.hpp"
#include "gc/copy_space.hpp"

namespace strata::gc {

class young_space {
 public:
  explicit young_space(blocks& of) : blocks_(of) {}
  void open(std::size_t count) { count_ = count; }

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] std::uintptr_t end() const { return blocks_.base() + count_ * detail::block_bytes; }
  [[nodiscard]] bool has(const void* object) const {
    return base::address_of(object) - blocks_.base() < count_ * detail::block_bytes;
  }

  // Empty when there is no free block. Heap locked, or world stopped.
  bump_range take() {
    std::size_t block = blocks_.take(1, use::objects, 0, count_);
    if (block == blocks::none) return {};
    ++used_;
    return {blocks_.address_of(block), blocks_.address_of(block) + detail::block_bytes};
  }

  // Room for a survivor; null when there is none: it is then promoted.
  std::byte* take_for_survivor(std::size_t bytes, std::size_t most_blocks) {
    if (std::byte* at = survivors_.take(bytes)) return at;
    survivors_ = take_for_survivors(most_blocks);
    return survivors_.take(bytes);
  }
  // A block for them; empty when there is none.
  bump_range take_for_survivors(std::size_t most_blocks) {
    return used_ - condemned_ < most_blocks ? take() : bump_range{};
  }
  // The one that the collecting thread fills.
  bump_range& survivors() { return survivors_; }
  // Blocks that are to be emptied.
  [[nodiscard]] std::size_t condemned() const { return condemned_; }

  void condemn() {
    survivors_ = {};
    condemned_ = used_;
    each([this](std::size_t block, use) { blocks_.set_use(block, use::from); });
  }
  void pin(const void* object) { blocks_.set_use(blocks_.index_of(object), use::from_pinned); }
  void reclaim(blocks::after then) {
    each([&](std::size_t block, use as) {
      if (as == use::from) {
        blocks_.give(block, 1, then);
        --used_;
      }
      if (as == use::from_pinned) blocks_.set_use(block, use::objects);
    });
    condemned_ = 0;
    survivors_ = {};
  }

 private:
  template <class Visit>
  void each(Visit visit) {
    for (std::size_t block = 0; block < count_; ++block) {
      if (blocks_.use_of(block) != use::free) visit(block, blocks_.use_of(block));
    }
  }

  blocks& blocks_;
  std::size_t count_ = 0;
  std::size_t used_ = 0;
  std::size_t condemned_ = 0;
  bump_range survivors_;
};

}  // namespace strata::gc
