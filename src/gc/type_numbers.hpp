// Numbers for types, while a collection needs the room that their addresses take in headers: the k-th type that
// it meets is number k.
//
//   recent_   | type, number | ...        by the type's address; most objects find theirs here
//   slots_    number + 1 | 0 | ...        open addressing, at most half full
//   types_    type | type | ...           by number
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "gc/row.hpp"
#include "strata/gc/type.hpp"

namespace strata::gc {

class type_numbers {
 public:
  static constexpr std::size_t most = std::size_t{1} << 24;

  type_numbers() = default;
  type_numbers(const type_numbers&) = delete;
  type_numbers& operator=(const type_numbers&) = delete;
  ~type_numbers() {
    if (slots_ != nullptr) os::release(slots_, count_ * sizeof(std::uint32_t));
  }
  bool open() { return types_.open(most); }

  void clear() {
    types_.clear();
    recent_ = {};
    if (slots_ != nullptr) std::memset(slots_, 0, count_ * sizeof(std::uint32_t));
  }
  STRATA_INLINE std::uint32_t number_of(type* of) {
    entry& seen = recent_[base::address_of(of) / 64 % recent_.size()];
    if (STRATA_UNLIKELY(seen.of != of)) seen = {of, find(of)};
    return seen.number;
  }
  [[nodiscard]] type* at(std::uint32_t number) { return types_[number]; }

 private:
  struct entry {
    type* of = nullptr;
    std::uint32_t number = 0;
  };

  STRATA_NOINLINE std::uint32_t find(type* of) {
    if (2 * types_.size() >= count_) grow();
    std::uint32_t& slot = slot_of(of);
    if (slot == 0) {
      STRATA_CHECK(types_.size() < most);
      types_.push(of);
      slot = static_cast<std::uint32_t>(types_.size());
    }
    return slot - 1;
  }
  std::uint32_t& slot_of(const type* of) {
    std::size_t at = base::mixed(base::address_of(of)) % count_;
    while (slots_[at] != 0 && types_[slots_[at] - 1] != of) at = (at + 1) % count_;
    return slots_[at];
  }
  void grow() {
    if (slots_ != nullptr) os::release(slots_, count_ * sizeof(std::uint32_t));
    count_ = base::larger(2 * count_, os::page_bytes());
    void* memory = os::map(count_ * sizeof(std::uint32_t), os::page_bytes());
    STRATA_CHECK(memory != nullptr);
    slots_ = static_cast<std::uint32_t*>(memory);
    for (std::uint32_t at = 0; at < types_.size(); ++at) slot_of(types_[at]) = at + 1;
  }

  std::array<entry, 64> recent_;
  std::uint32_t* slots_ = nullptr;
  std::size_t count_ = 0;
  row<type*> types_;
};

}  // namespace strata::gc
