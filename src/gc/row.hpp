// A row of entries for collectors, on pages of its own: it grows in place, since its addresses are
// reserved, and no deeper in memory than it has to. Used as a stack and as a list.
//
//   base_ [ entries | committed | reserved .......... ]
//                   ^ top_      ^ end_                ^ base_ + most_bytes_
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "os/memory.hpp"

namespace strata::gc {

template <class T>
class row {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  row() = default;
  row(const row&) = delete;
  row& operator=(const row&) = delete;
  ~row() {
    if (base_ != nullptr) os::release(base_, most_bytes_);
  }

  // False when the system refuses.
  bool open(std::size_t most_entries) {
    most_bytes_ = base::align_up(most_entries * sizeof(T), grain_bytes);
    base_ =
        static_cast<T*>(os::reserve(most_bytes_, os::page_bytes(), os::reserved_as::inaccessible));
    top_ = base_;
    end_ = reinterpret_cast<std::byte*>(base_);
    return base_ != nullptr;
  }

  [[nodiscard]] bool empty() const { return top_ == base_; }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(top_ - base_); }
  T& operator[](std::size_t at) { return base_[at]; }
  T* begin() { return base_; }
  T* end() { return top_; }
  [[nodiscard]] const T* begin() const { return base_; }
  [[nodiscard]] const T* end() const { return top_; }
  void push(const T& entry) {
    if (STRATA_UNLIKELY(base::address_of(end_) - base::address_of(top_) < sizeof(T))) grow();
    *top_++ = entry;
  }
  T pop() { return *--top_; }
  void clear() { top_ = base_; }
  void shorten(std::size_t to) { top_ = base_ + to; }
  // Those of [from, to); what follows moves up.
  void erase(std::size_t from, std::size_t to) {
    std::copy(base_ + to, top_, base_ + from);
    top_ -= to - from;
  }
  static constexpr std::size_t kept_bytes = base::MiB;

  // Pages that only a deep trace needs go back. What is in it is kept.
  void trim(std::size_t least_bytes = kept_bytes) {
    std::size_t used = base::align_up(base::larger(size() * sizeof(T), least_bytes), grain_bytes);
    std::size_t committed = base::address_of(end_) - base::address_of(base_);
    if (committed <= used) return;
    os::purge(base::pointer_to(base::address_of(base_) + used), committed - used);
  }

 private:
  static constexpr std::size_t grain_bytes = 256 * base::KiB;

  STRATA_NOINLINE void grow() {
    STRATA_CHECK(base::address_of(end_) < base::address_of(base_) + most_bytes_);
    STRATA_CHECK(os::commit(end_, grain_bytes));
    end_ += grain_bytes;
  }

  T* base_ = nullptr;
  T* top_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t most_bytes_ = 0;
};

using work_stack = row<void*>;

}  // namespace strata::gc
