// A stack of fixed capacity on pages of its own, which come as it grows.
//
//   base_ [ entries | committed | reserved .......... ] base_ + capacity
//                   ^ top_      ^ end_
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "os/memory.hpp"

namespace strata::conservative {

template <class T>
class work_stack {
 public:
  constexpr work_stack() = default;
  work_stack(const work_stack&) = delete;
  work_stack& operator=(const work_stack&) = delete;
  constexpr ~work_stack() {
    if (base_ != nullptr) os::release(base_, capacity_bytes_);
  }

  // As many as the system has addresses for, up to so many. False when it has none.
  bool open(std::size_t most_entries) {
    capacity_bytes_ = base::align_up(most_entries * sizeof(T), grain_bytes);
    for (; capacity_bytes_ >= grain_bytes;
         capacity_bytes_ = base::align_down(capacity_bytes_ / 2, grain_bytes)) {
      base_ = static_cast<T*>(
          os::reserve(capacity_bytes_, os::page_bytes(), os::reserved_as::inaccessible));
      if (base_ != nullptr) break;
    }
    top_ = end_ = base_;
    return base_ != nullptr;
  }

  [[nodiscard]] bool empty() const { return top_ == base_; }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(top_ - base_); }
  T* begin() { return base_; }
  T* end() { return top_; }
  T& operator[](std::size_t at) { return base_[at]; }
  void clear() { top_ = base_; }
  T pop() { return *--top_; }
  // Whether `entries` more have room; the system is asked for pages.
  STRATA_INLINE bool has_room(std::size_t entries) {
    return STRATA_LIKELY(static_cast<std::size_t>(end_ - top_) >= entries) || grow(entries);
  }
  // There is room.
  STRATA_INLINE void push(T entry) { *top_++ = entry; }
  // The same where `really`, without a branch.
  STRATA_INLINE void push_if(T entry, bool really) {
    *top_ = entry;
    top_ += really;
  }
  // Pages that only a deep trace needs go back.
  void trim() {
    std::size_t committed = base::address_of(end_) - base::address_of(base_);
    if (committed > kept_bytes)
      os::purge(base::pointer_to(base::address_of(base_) + kept_bytes), committed - kept_bytes);
  }

 private:
  static constexpr std::size_t grain_bytes = 256 * base::KiB;
  static constexpr std::size_t kept_bytes = base::MiB;
  static_assert(grain_bytes % sizeof(T) == 0);

  STRATA_NOINLINE bool grow(std::size_t entries) {
    std::size_t more = base::align_up(entries * sizeof(T), grain_bytes);
    std::size_t left = capacity_bytes_ - (base::address_of(end_) - base::address_of(base_));
    if (more > left || !os::commit(end_, more)) return false;
    end_ += more / sizeof(T);
    return true;
  }

  T* base_ = nullptr;
  T* top_ = nullptr;
  T* end_ = nullptr;
  std::size_t capacity_bytes_ = 0;
};

}  // namespace strata::conservative
