// Ledger: what a resource that watches its blocks knows of each, kept apart from the blocks, so
// that no stray write reaches it and no foreign address need be read.
//
//   entry   | address | bytes | tag | number, alignment, live? |      32 bytes
//
//   table   [   | a, live |   | b, freed | c, live |   |   | d, live ]    a power of two, at most 3/4
//             ^ hash(address): from here to the right until the           of it in use
//               address or an empty entry
//
// A freed block's entry stays, which keeps what is to its right reachable, and tells a double free
// from a foreign one. It goes when the table is made anew, which is when 3/4 are in use: twice as
// long if more than half of these are live.
//
//   time      O(1), O(entries) when the table is made anew, and in judge() once something is wrong
//   overhead  43 to 171 bytes for each of the most blocks that were live
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include <strata/detail/support.hpp>

namespace strata::detail {

class STRATA_RESOURCES_API ledger {
 public:
  struct entry {
    std::uintptr_t address;  // 0: empty
    std::size_t bytes;
    const char* tag;
    std::uint64_t number : 56;  // 1 for the first block ever
    std::uint64_t alignment_log2 : 7;
    std::uint64_t is_live : 1;

    [[nodiscard]] std::size_t alignment() const { return std::size_t{1} << alignment_log2; }
  };

  explicit ledger(std::pmr::memory_resource* tables) noexcept : tables_(tables) {}
  ledger(const ledger&) = delete;
  ledger& operator=(const ledger&) = delete;
  ~ledger();

  // Room for one block more. False when there is no memory for the table; asked before the block is
  // there.
  [[nodiscard]] bool has_room() noexcept { return in_use_ < capacity_ / 4 * 3 || renew(); }
  // After has_room().
  void add(const void* block, std::size_t bytes, std::size_t alignment, const char* tag) noexcept;
  // The live block's, if address, size and alignment are right; else null, and judge() tells why.
  [[nodiscard]] entry* find(const void* block, std::size_t bytes, std::size_t alignment) noexcept {
    entry* found = find(block);
    bool fits = found != nullptr && found->is_live != 0 && found->bytes == bytes &&
                found->alignment() == alignment;
    return fits ? found : nullptr;
  }
  // Of the block at this address, live or freed; null when there is none.
  [[nodiscard]] entry* find(const void* block) const noexcept;
  void remove(entry& one) noexcept {
    one.is_live = 0;
    --live_blocks_;
    live_bytes_ -= one.bytes;
  }
  // What is wrong with freeing this. about: the entry of the block that is meant, if any.
  struct verdict {
    misuse kind;
    const entry* about;
  };
  [[nodiscard]] verdict judge(const void* block) const noexcept;

  // The live block that the address lies in, or null. O(entries).
  [[nodiscard]] const entry* containing(const void* address) const noexcept;
  // The oldest live block with a number of at least this, or null. O(entries).
  [[nodiscard]] const entry* oldest_from(std::uint64_t number) const noexcept;
  // visit(const entry&) for each live block, in no order.
  template <class Visit>
  void each(Visit visit) const {
    for (std::size_t i = 0; i < capacity_; ++i) {
      if (table_[i].address != 0 && table_[i].is_live != 0) visit(table_[i]);
    }
  }

  [[nodiscard]] std::size_t live_blocks() const { return live_blocks_; }
  [[nodiscard]] std::size_t live_bytes() const { return live_bytes_; }
  [[nodiscard]] std::size_t peak_live_bytes() const { return peak_live_bytes_; }
  // Of the youngest block.
  [[nodiscard]] std::uint64_t last_number() const { return last_number_; }
  void verify(const char* resource) const;

  // "strata: NAME: 3 blocks of 120 bytes in all are live", and the oldest of them, to stderr.
  void report(const char* resource) const noexcept;

 private:
  [[nodiscard]] entry& place_of(std::uintptr_t address) const noexcept;
  bool renew() noexcept;

  std::pmr::memory_resource* tables_;
  entry* table_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t in_use_ = 0;  // live, or freed
  std::size_t live_blocks_ = 0;
  std::size_t live_bytes_ = 0;
  std::size_t peak_live_bytes_ = 0;
  std::uint64_t last_number_ = 0;
};

}  // namespace strata::detail
