// A stack of addresses for tracers, on pages of its own: as deep as the heap may need it, and no deeper in
// memory than it was.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "os/memory.hpp"

namespace strata::gc {

class work_stack {
 public:
  work_stack() = default;
  work_stack(const work_stack&) = delete;
  work_stack& operator=(const work_stack&) = delete;
  ~work_stack() {
    if (base_ != nullptr) os::release(base_, most_bytes_);
  }

  bool open(std::size_t most_entries) {
    most_bytes_ = base::align_up(most_entries * sizeof(void*), grain_bytes);
    base_ = static_cast<void**>(
        os::reserve(most_bytes_, os::page_bytes(), os::reserved_as::inaccessible));
    top_ = end_ = base_;
    return base_ != nullptr;
  }

  [[nodiscard]] bool empty() const { return top_ == base_; }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(top_ - base_); }
  void push(void* entry) {
    if (STRATA_UNLIKELY(top_ == end_)) grow();
    *top_++ = entry;
  }
  void* pop() { return *--top_; }
  // Pages that only a deep trace needs go back.
  void trim() {
    std::size_t bytes = base::address_of(end_) - base::address_of(base_);
    if (bytes > kept_bytes) os::purge(base_ + kept_bytes / sizeof(void*), bytes - kept_bytes);
  }

 private:
  static constexpr std::size_t grain_bytes = base::MiB;
  static constexpr std::size_t kept_bytes = base::MiB;

  STRATA_NOINLINE void grow() {
    STRATA_CHECK(base::address_of(end_) < base::address_of(base_) + most_bytes_);
    STRATA_CHECK(os::commit(end_, grain_bytes));
    end_ += grain_bytes / sizeof(void*);
  }

  void** base_ = nullptr;
  void** top_ = nullptr;
  void** end_ = nullptr;
  std::size_t most_bytes_ = 0;
};

}  // namespace strata::gc
