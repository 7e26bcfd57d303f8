// The addresses of a heap, in blocks of 8 KiB, and what is beside them.
//
//   reservation  | block | block | block | ... used or free ... | never used ......... |
//                                                               ^ extent               ^ count
//   infos        | u64   | u64   | ...                 what the marker asks for at each address
//   bits         | 128 B | 128 B | ...                 of slots: | allocated 0 | marked 0 | allocated 1 | ...
//   links, runs  | u32   | u32   | ...                 lists of blocks; how many a large object has
//   free, backed   a bit a block
//
//   used() + free bits below extent == extent
//   a block without its bit in `backed` has no page of the system, and reads as zero
//   backed blocks are never more than size()
//
// size() is what the heap may have in memory: address space is plentiful, so that blocks that lie apart are no
// reason why a large object should not find room. What has pages elsewhere gives them back for it.
// Both bits of a slot lie in one cache line. All is guarded by the heap's lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "conservative/geometry.hpp"

namespace strata::conservative {

enum class use : std::uint8_t {
  free,
  slots,
  fresh_slots,  // nothing was ever in them: they are zero
  large,
  large_near,  // the same, and addresses behind its first page are no references to it
  large_tail,
};

struct block_info {
  std::uint32_t reciprocal = 0;  // large: 0, all is slot 0; large_tail: blocks back to the first
  std::uint16_t slot_bytes = 0;
  std::uint8_t kind = 0;
  use as = use::free;
};
static_assert(sizeof(block_info) == 8);

class blocks {
 public:
  static constexpr std::size_t none = ~std::size_t{0};
  static constexpr std::size_t bit_words = 2 * block_bytes / granule_bytes / 64;

  constexpr blocks() = default;
  blocks(const blocks&) = delete;
  blocks& operator=(const blocks&) = delete;
  constexpr ~blocks() {
    if (count_ != 0) release();
  }

  // As many addresses as the system has, up to so many. False when it has none.
  bool open(std::size_t most_bytes);

  [[nodiscard]] std::uintptr_t base() const { return base_; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t extent() const { return extent_; }
  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] std::size_t backed() const { return backed_; }
  // How many may have pages.
  [[nodiscard]] std::size_t size() const { return size_; }
  void resize(std::size_t to) { size_ = base::smaller(to, count_); }

  // `wanted` free neighbours; `none` when size() or the system has no room.
  std::size_t take(std::size_t wanted);
  void give(std::size_t block, std::size_t count);
  // Whether it reads as zero: before its first use, or after its pages went back. Asked when it has been taken,
  // and answered once.
  bool claim_zero(std::size_t block);
  // Free blocks give back pages until at most so many blocks have some, those at high addresses first.
  void give_back_to(std::size_t most_backed);

  [[nodiscard]] std::byte* address_of(std::size_t block) const {
    return base::pointer_to<std::byte>(base_ + (block << block_shift));
  }
  [[nodiscard]] bool has(std::uintptr_t address) const {
    return address - base_ < extent_ << block_shift;
  }
  [[nodiscard]] std::size_t index_of(std::uintptr_t address) const {
    return (address - base_) >> block_shift;
  }
  [[nodiscard]] block_info& info(std::size_t block) { return infos_[block]; }
  [[nodiscard]] std::uint32_t& link(std::size_t block) { return links_[block]; }
  [[nodiscard]] std::uint32_t& run(std::size_t block) { return runs_[block]; }
  [[nodiscard]] std::uint64_t& allocated(std::size_t block, std::size_t slot) {
    return bits_[block * bit_words + slot / 64 * 2];
  }
  [[nodiscard]] std::uint64_t& marked(std::size_t block, std::size_t slot) {
    return bits_[block * bit_words + slot / 64 * 2 + 1];
  }
  void clear_bits(std::size_t block) {
    for (std::size_t word = 0; word < bit_words; ++word) bits_[block * bit_words + word] = 0;
  }
  [[nodiscard]] std::size_t table_bytes() const { return extent_ * per_block_bytes; }
  void verify();

 private:
  static constexpr std::size_t per_block_bytes =
      sizeof(block_info) + bit_words * sizeof(std::uint64_t) + 2 * sizeof(std::uint32_t);

  bool reserve(std::size_t count);
  void release();
  bool grow_to(std::size_t extent);
  std::size_t find_run(std::size_t wanted);

  std::uintptr_t base_ = 0;
  std::size_t count_ = 0;
  std::size_t extent_ = 0;
  std::size_t committed_ = 0;
  std::size_t used_ = 0;
  std::size_t backed_ = 0;
  std::size_t size_ = 0;
  std::size_t lowest_free_ = 0;  // no free block lies before it
  std::size_t step_ = 0;
  block_info* infos_ = nullptr;
  std::uint64_t* bits_ = nullptr;
  std::uint32_t* links_ = nullptr;
  std::uint32_t* runs_ = nullptr;
  base::bit_row free_{nullptr};
  base::bit_row has_pages_{nullptr};
  std::uint64_t* rows_ = nullptr;  // free_ and has_pages_
  std::size_t row_bytes_ = 0;      // of each
};

}  // namespace strata::conservative
