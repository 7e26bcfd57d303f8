// References whose objects are on their way from memory: a queue before the marking stack (Cher, Hosking and
// Vitek, 2004).
//
//   stack -->  | next | . | . | ... | . | oldest |  --> its header is looked at
//              fetch begins                  `length` turns later
//
// An object's header and its first fields are fetched, which lie in two cache lines as often as not: an object of
// two references in one of four cases. Where objects lie at random, 64 in the queue take half of the time that 16
// take; more take no less.
#pragma once

#include <array>
#include <cstddef>

#include "base/check.hpp"
#include "gc/object_inl.hpp"

namespace strata::gc {

class fetch_queue {
 public:
  [[nodiscard]] bool empty() const { return waiting_ == 0; }
  // Puts in one, or null where there is none, and takes out what went in `length` turns ago: null, too, if none did.
  STRATA_INLINE void* turn(void* next) {
    if (next != nullptr) {
      auto* object = static_cast<std::byte*>(next);
      __builtin_prefetch(object - header::bytes);
      __builtin_prefetch(object + first_fields_bytes);
      ++waiting_;
    }
    void* oldest = at_[now_];
    at_[now_] = next;
    now_ = (now_ + 1) % length;
    if (oldest != nullptr) --waiting_;
    return oldest;
  }
  // Of those that are in it, without taking them out.
  template <class Function>
  void each(Function function) const {
    for (void* one : at_)
      if (one != nullptr) function(one);
  }

 private:
  static constexpr std::size_t length = 64;
  static constexpr std::size_t first_fields_bytes = 24;

  std::array<void*, length> at_{};
  std::size_t now_ = 0;
  std::size_t waiting_ = 0;
};

}  // namespace strata::gc
