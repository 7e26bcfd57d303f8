// Which bytes of the address space belong to a live block: one bit for every 8 bytes.
//
//   address (47 bits)   | region: 17 bits | granule: 27 bits | byte: 3 bits |
//                         index of tables_  bit of the table
//
// An allocation claims its granules and a free gives them up. Both are atomic, so two blocks that
// overlap are found in the moment the second one is handed out, whichever threads hold them.
// Blocks begin on 8-byte boundaries, so no granule can belong to two of them by right.
//
// Both are relaxed: it is for the allocator to order one owner's last access before the next one's
// first, and an order made here would keep ThreadSanitizer from noticing that it does not.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pages.hpp"

namespace model {

class claim_map {
 public:
  claim_map() : tables_(map_array<std::atomic<word*>>(region_count)) {}

  // False if any byte was claimed already.
  bool claim(const void* begin, size_t bytes) {
    return for_each_word(begin, bytes, [](word& bits, uint64_t mask) {
      return (bits.fetch_or(mask, std::memory_order_relaxed) & mask) == 0;
    });
  }

  // False if any byte was not claimed.
  bool release(const void* begin, size_t bytes) {
    return for_each_word(begin, bytes, [](word& bits, uint64_t mask) {
      return (bits.fetch_and(~mask, std::memory_order_relaxed) & mask) == mask;
    });
  }

 private:
  using word = std::atomic<uint64_t>;
  static constexpr unsigned granule_shift = 3;
  static constexpr unsigned region_shift = 30;
  static constexpr size_t region_count = size_t{1} << (47 - region_shift);
  static constexpr size_t granules_per_region = size_t{1} << (region_shift - granule_shift);

  template <typename Visit>
  bool for_each_word(const void* begin, size_t bytes, Visit visit) {
    uintptr_t granule = reinterpret_cast<uintptr_t>(begin) >> granule_shift;
    const uintptr_t end = (reinterpret_cast<uintptr_t>(begin) + bytes + 7) >> granule_shift;
    bool as_expected = true;
    while (granule < end) {
      const unsigned first_bit = granule % 64;
      const uintptr_t in_word = end - granule < 64 - first_bit ? end - granule : 64 - first_bit;
      const uint64_t mask = (in_word == 64 ? ~uint64_t{0} : (uint64_t{1} << in_word) - 1)
                            << first_bit;
      as_expected &= visit(word_of(granule), mask);
      granule += in_word;
    }
    return as_expected;
  }

  word& word_of(uintptr_t granule) {
    std::atomic<word*>& table = tables_[granule / granules_per_region];
    word* words = table.load(std::memory_order_acquire);
    if (words == nullptr) {
      words = add_table(table);
    }
    return words[granule % granules_per_region / 64];
  }

  // Two threads may both map one; the loser's stays unused and untouched.
  static word* add_table(std::atomic<word*>& table) {
    word* fresh = map_array<word>(granules_per_region / 64);
    word* present = nullptr;
    return table.compare_exchange_strong(present, fresh, std::memory_order_acq_rel) ? fresh
                                                                                    : present;
  }

  std::atomic<word*>* tables_;
};

}  // namespace model
