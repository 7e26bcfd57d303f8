// A table by address: entries in a row, and an index of them that is probed linearly (Peterson, 1957).
//
//   index_    | 3 | 0 |   |   | 1 | 2 | ...        entry + 1; 0: none. At most half of them are taken
//   entries_  | key, ... | key, ... | ...          what goes is replaced by the last one
//
// Both lie on pages of the table's own, in one mapping; it doubles when it is full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/bits.hpp"
#include "os/memory.hpp"

namespace strata::conservative {

// Entry: trivially copyable, with a std::uintptr_t key.
template <class Entry>
class address_table {
  static_assert(std::is_trivially_copyable_v<Entry>);

 public:
  constexpr address_table() = default;
  address_table(const address_table&) = delete;
  address_table& operator=(const address_table&) = delete;
  constexpr ~address_table() {
    if (entries_ != nullptr) os::release(entries_, bytes_for(capacity_));
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  Entry& operator[](std::size_t at) { return entries_[at]; }

  // The next one needs more memory, and a lot of it: entries that are needed no more could go first.
  [[nodiscard]] bool is_full_and_large() const { return size_ == capacity_ && size_ >= large; }
  // After such: false when so many have gone that it is not worth it, or the system refuses.
  bool grow_unless_sparse() { return size_ + size_ / 4 >= capacity_ && grow(); }

  [[nodiscard]] Entry* find(std::uintptr_t key) {
    if (size_ == 0) return nullptr;
    std::uint32_t entry = index_[place_of(key)];
    return entry == 0 ? nullptr : entries_ + entry - 1;
  }
  // Its key is not in the table. False when the system refuses.
  bool add(const Entry& entry) {
    if (size_ == capacity_ && !grow()) return false;
    entries_[size_] = entry;
    index_[place_of(entry.key)] = static_cast<std::uint32_t>(++size_);
    return true;
  }
  void remove(std::size_t at) {
    clear(place_of(entries_[at].key));
    if (at != --size_) {
      index_[place_of(entries_[size_].key)] = static_cast<std::uint32_t>(at) + 1;
      entries_[at] = entries_[size_];
    }
  }
  void remove(Entry* entry) { remove(static_cast<std::size_t>(entry - entries_)); }
  // All for which which(entry) is true.
  template <class Which>
  void remove_if(Which which) {
    for (std::size_t at = 0; at < size_;) {
      if (which(entries_[at]))
        remove(at);
      else
        ++at;
    }
  }

 private:
  static constexpr std::size_t first_capacity = 256;
  static constexpr std::size_t large = std::size_t{1} << 14;

  [[nodiscard]] std::size_t mask() const { return 2 * capacity_ - 1; }
  static std::size_t bytes_for(std::size_t capacity) {
    return base::align_up(capacity * (sizeof(Entry) + 2 * sizeof(std::uint32_t)), os::page_bytes());
  }
  // Where the key is, or would be.
  [[nodiscard]] std::size_t place_of(std::uintptr_t key) const {
    std::size_t place = base::mixed(key) & mask();
    while (index_[place] != 0 && entries_[index_[place] - 1].key != key)
      place = (place + 1) & mask();
    return place;
  }
  // Later ones of the same run move up (Knuth, 6.4, algorithm R).
  void clear(std::size_t hole) {
    for (std::size_t place = (hole + 1) & mask(); index_[place] != 0;
         place = (place + 1) & mask()) {
      std::size_t home = base::mixed(entries_[index_[place] - 1].key) & mask();
      if (((place - home) & mask()) < ((place - hole) & mask())) continue;
      index_[hole] = index_[place];
      hole = place;
    }
    index_[hole] = 0;
  }
  bool grow() {
    std::size_t capacity = capacity_ == 0 ? first_capacity : 2 * capacity_;
    auto* entries = static_cast<Entry*>(os::map(bytes_for(capacity), os::page_bytes()));
    if (entries == nullptr) return false;
    for (std::size_t at = 0; at < size_; ++at) entries[at] = entries_[at];
    if (entries_ != nullptr) os::release(entries_, bytes_for(capacity_));
    entries_ = entries;
    capacity_ = capacity;
    index_ = reinterpret_cast<std::uint32_t*>(entries_ + capacity_);
    for (std::size_t at = 0; at < size_; ++at)
      index_[place_of(entries_[at].key)] = static_cast<std::uint32_t>(at) + 1;
    return true;
  }

  Entry* entries_ = nullptr;
  std::uint32_t* index_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

}  // namespace strata::conservative
