// A heap whose objects stay where they are, and are found by whatever looks like their address (Boehm and Weiser,
// Garbage Collection in an Uncooperative Environment, 1988).
//
//   cursor  --next hole-->  block  <--take--  lists_[kind][class]: blocks with free slots, by address
//                                  <--take--  blocks: free ones
//   large object: a run of blocks
//
//   a slot is allocated where its bit is set; that is all there is to know of it
//   a block is owned by a cursor, or in a list, or has no free slot that anybody knows
//
// Objects have no header. Sweeping (McCarthy, 1960; by bitmap: Boehm, 1993) is to make the marks the
// allocation bits, a cache line or two a block, in one pass over them: no object is touched until its slot is taken
// again, and then a hole at a time, right before its use.
//
// All but next_hole() wants the heap's lock, which is the caller's. So are threads, and stopping them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "conservative/blocks.hpp"
#include "conservative/cursor.hpp"
#include "conservative/kinds.hpp"

namespace strata::conservative {

class heap {
 public:
  struct object {
    std::byte* base = nullptr;  // null: no object
    std::size_t bytes = 0;
    std::size_t block = 0;
    std::size_t slot = 0;
    unsigned kind = 0;
  };

  constexpr heap() = default;
  heap(const heap&) = delete;
  heap& operator=(const heap&) = delete;

  bool open(std::size_t most_bytes);
  [[nodiscard]] conservative::blocks& blocks() { return blocks_; }
  [[nodiscard]] kind_table& kinds() { return kinds_; }

  // ---- Which addresses within an object are references to it, when they lie in the heap or in static data. In
  // stacks and registers all are.
  bool all_interior = true;
  void allow_displacement(std::size_t bytes) {
    if (bytes < block_bytes) displacements_[bytes / 64] |= std::uint64_t{1} << (bytes % 64);
  }
  [[nodiscard]] bool is_allowed(std::size_t displacement) const {
    return all_interior || displacement == 0 ||
           (displacement < block_bytes &&
            (displacements_[displacement / 64] >> (displacement % 64) & 1) != 0);
  }

  // ---- Allocation

  // The next hole of the cursor's own block. By its owner, and without the lock; false when there is none.
  bool next_hole(cursor& at, unsigned kind, std::size_t size_class, std::uint64_t& taken_bytes);
  // Gives the cursor another block; false when there is none.
  bool next_block(cursor& at, unsigned kind, std::size_t size_class);
  // Of kinds that threads have no cursors for. Null when there is no block.
  void* take_shared(unsigned kind, std::size_t size_class);
  // All slots left in a block, each with a pointer to the next in its first word.
  void* take_many(unsigned kind, std::size_t size_class);
  // Zeroed where the kind says so. Null when there is no run of blocks.
  void* take_large(unsigned kind, std::size_t bytes, use as);
  void release(const object& what);
  // The cursor gives back what it has.
  void flush(cursor& at, std::size_t size_class);
  void flush(cursors& of);

  // ---- Questions

  // The object that the address lies in.
  [[nodiscard]] object find(std::uintptr_t address);
  [[nodiscard]] bool is_marked(const object& what) {
    return (blocks_.marked(what.block, what.slot) >> (what.slot % 64) & 1) != 0;
  }
  void set_mark(const object& what, bool to) {
    std::uint64_t bit = std::uint64_t{1} << (what.slot % 64);
    std::uint64_t& word = blocks_.marked(what.block, what.slot);
    word = to ? word | bit : word & ~bit;
  }
  // visit(object) for each that is allocated, of kinds for which wants(kind).
  template <class Wants, class Visit>
  void each(Wants wants, Visit visit);

  // ---- A collection: what lives is marked, and no cursor has anything.
  void sweep();
  // Of those cursors that are the heap's.
  void flush_shared();

  // ---- Figures
  struct figures {
    std::uint64_t allocated_bytes =
        0;  // since the last collection, but for what cursors of threads count
    std::uint64_t allocated_before = 0;  // until then
    std::uint64_t released_bytes = 0;    // by hand, since the last collection
    std::uint64_t reclaimed_bytes = 0;   // by the last collection
    std::uint64_t reclaimed_before = 0;  // by those before it
    std::uint64_t live_bytes = 0;        // after the last collection
    std::uint64_t live_leaf_bytes = 0;   // of them, of kinds that are not scanned
  };
  figures count;
  [[nodiscard]] std::uint64_t allocated_bytes_now();
  void verify();

 private:
  static constexpr std::uint32_t unlisted = 0;
  static constexpr std::uint32_t owned = ~std::uint32_t{0};
  static constexpr std::uint32_t last = owned - 1;

  struct lists_of_kind {
    std::array<std::uint32_t, class_count> first{};  // block + 1
    std::array<std::uint32_t, class_count> back{};   // while they are made
  };

  void list(std::size_t block, unsigned kind, std::size_t size_class);
  void append(std::size_t block, unsigned kind, std::size_t size_class);
  std::size_t find_free(std::size_t block, std::size_t slots, std::size_t from);
  std::size_t find_taken(std::size_t block, std::size_t slots, std::size_t from);
  void set_allocated(std::size_t block, std::size_t from, std::size_t to, bool value);
  bool refill(cursor& at, unsigned kind, std::size_t size_class);
  struct swept {
    std::size_t before = 0;  // slots
    std::size_t after = 0;
  };
  swept settle(std::size_t block, std::size_t slots);
  void sweep_slots(std::size_t block);
  std::size_t sweep_large(std::size_t block);
  void disclaim(std::size_t block, std::size_t slots);
  void count_live(unsigned kind, std::size_t bytes, std::size_t before, std::size_t after);

  conservative::blocks blocks_;
  kind_table kinds_;
  std::array<std::uint64_t, block_bytes / 64> displacements_{};
  std::array<lists_of_kind, most_kinds> lists_{};
  std::array<std::array<cursor, class_count>, most_kinds> shared_{};
};

template <class Wants, class Visit>
void heap::each(Wants wants, Visit visit) {
  for (std::size_t block = 0; block < blocks_.extent();) {
    block_info& info = blocks_.info(block);
    std::size_t step = 1;
    if (info.as == use::large || info.as == use::large_near) {
      step = blocks_.run(block);
      if (wants(info.kind))
        visit(object{blocks_.address_of(block), step << block_shift, block, 0, info.kind});
    } else if ((info.as == use::slots || info.as == use::fresh_slots) && wants(info.kind)) {
      const size_class& size = classes[class_for(info.slot_bytes)];
      for (std::size_t slot = 0; slot < size.slots; ++slot)
        if ((blocks_.allocated(block, slot) >> (slot % 64) & 1) != 0)
          visit(object{blocks_.address_of(block) + slot * size.bytes, size.bytes, block, slot,
                       info.kind});
    }
    block += step;
  }
}

}  // namespace strata::conservative
