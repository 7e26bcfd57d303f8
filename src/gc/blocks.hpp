// The blocks of 64 KiB of one heap, and what each is used for.
//
//   slice   | block | block | block | block ...                      |
//   uses    | u8    | u8    | u8    | u8    ...    what the tracer asks for at each reference
//   runs    | u32   | u32   | ...                  of a large object's first block: how many it has; of its
//                                                  others: how far back the first is
//   salts   | u32   | u32   | ...                  how often it was taken: identity hashes depend on it
//
//   a block is free exactly where its bit in `free_` is set, and its use is then use::free
//   blocks that were ever used lie below `committed_`; the system knows no others
//   a block has pages of the system where its bit in `backed_` is set: it was taken, and has not been given back
//
// The lowest free blocks are taken first, so that memory that the heap has touched is used again before
// other. Where it is not, and no more may have pages, another free block gives its pages back. Callers hold the
// heap's lock, or have stopped the world.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "gc/area.hpp"
#include "strata/gc/config.hpp"

namespace strata::gc {

enum class use : std::uint8_t {
  free,
  objects,  // of a copying space: what is in it, or has come to it by this collection; of a sliding one
  from,         // to be emptied by this collection
  from_pinned,  // the same, but what is in it stays where it is
  lines,        // of a mark-region space
  lines_from,   // the same, and this collection tries to empty it
  slots,        // cut into pages of objects of one size
  large,        // the first of a large object
  large_tail,
};

class blocks {
 public:
  static constexpr std::size_t none = ~std::size_t{0};

  blocks() = default;
  blocks(const blocks&) = delete;
  blocks& operator=(const blocks&) = delete;
  ~blocks();

  // Free blocks give their pages back until so many more could have some: for what is beside the heap a while.
  void leave_room(std::size_t for_blocks) {
    while (backed_count_ + for_blocks > most_backed_ && give_back_one()) continue;
  }

  // False when the system refuses.
  bool open(std::size_t count);
  // As long as so many are enough for what is used, no more of them have pages. Before any is taken. Huge pages are
  // for those that will all be used before others: from huge_from on, as far as so many go; `none`: for none.
  void keep_backed_below(std::size_t most, std::size_t huge_from) {
    most_backed_ = huge_to_ = most;
    huge_from_ = huge_from;
  }

  [[nodiscard]] std::size_t count() const { return count_; }
  // relaxed: those who ask without the lock want a figure.
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  // Blocks that the system has been asked for.
  [[nodiscard]] std::size_t committed() const { return committed_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t backed() const { return backed_count_; }
  // No block from here on was ever used.
  [[nodiscard]] std::size_t touched() const { return touched_; }
  // Nor have pages been found for it.
  [[nodiscard]] std::size_t populated() const {
    bool awaited = awaited_.load(std::memory_order_acquire);
    return base::larger(touched_, awaited ? awaited_range_.first : populated_);
  }
  [[nodiscard]] std::uintptr_t base() const { return slice_.base; }

  // `wanted` neighbours from [from, to), all of the given use; `none` where there are none.
  std::size_t take(std::size_t wanted, use as, std::size_t from, std::size_t to);
  std::size_t take(std::size_t wanted, use as) { return take(wanted, as, 0, count_); }
  enum class after { usable, inaccessible };
  void give(std::size_t block, std::size_t count, after then = after::usable);
  // Some blocks that nobody has used yet, of the first `ahead` from `from` on: the caller makes the system
  // find pages for them, and then says found(). 0 of them where others have been given out before. Others take them
  // meanwhile only where nothing else is free: they would wait for the same pages.
  struct fresh {
    std::size_t first = 0;
    std::size_t count = 0;
  };
  fresh next_fresh(std::size_t from, std::size_t ahead);
  void found() { awaited_.store(false, std::memory_order_release); }

  [[nodiscard]] bool has(const void* address) const {
    return base::address_of(address) - slice_.base < count_ * detail::block_bytes;
  }
  [[nodiscard]] std::size_t index_of(const void* address) const {
    return (base::address_of(address) - slice_.base) >> detail::block_shift;
  }
  [[nodiscard]] std::byte* address_of(std::size_t block) const {
    return base::pointer_to<std::byte>(slice_.base + block * detail::block_bytes);
  }
  [[nodiscard]] use use_of(std::size_t block) const { return uses_[block]; }
  [[nodiscard]] use use_at(const void* address) const { return uses_[index_of(address)]; }
  void set_use(std::size_t block, use to) { uses_[block] = to; }
  [[nodiscard]] std::uint32_t& run_of(std::size_t block) { return runs_[block]; }
  [[nodiscard]] std::uint32_t salt_at(const void* address) const {
    return salts_[index_of(address)];
  }

  // No object's hash follows from its place in the block any more.
  void renew_salt(std::size_t block) { ++salts_[block]; }

  // visit(block, use) for each block that is not free.
  template <class Visit>
  void each_used(Visit visit) const {
    for (std::size_t block = 0; block < touched_; ++block) {
      if (uses_[block] != use::free) visit(block, uses_[block]);
    }
  }

 private:
  [[nodiscard]] std::size_t find_run(std::size_t wanted, std::size_t from, std::size_t to) const;
  bool commit_to(std::size_t end);
  void back(std::size_t block);
  // False when none has any, or the system refuses.
  bool give_back_one();

  area::slice slice_;
  std::size_t count_ = 0;
  std::size_t touched_ = 0;
  std::size_t populated_ = 0;  // next_fresh has given out those below it
  std::size_t most_backed_ = none;
  std::size_t huge_from_ = 0;
  std::size_t huge_to_ = none;
  // Those that next_fresh gave out last; changes while awaited_ is false. Release when their pages are there.
  fresh awaited_range_;
  std::atomic<bool> awaited_{false};
  std::size_t backed_count_ = 0;
  std::size_t gave_back_at_ = 0;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> committed_{0};
  use* uses_ = nullptr;
  std::uint32_t* runs_ = nullptr;
  std::uint32_t* salts_ = nullptr;
  base::bit_row free_{nullptr};
  base::bit_row inaccessible_{nullptr};  // free, and to be made accessible when taken
  base::bit_row backed_{nullptr};
  void* tables_ = nullptr;
  std::size_t table_bytes_ = 0;
};

}  // namespace strata::gc
