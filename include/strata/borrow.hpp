// Borrowed: a reference to what a box, rc, arc or intrusive_rc owns, that keeps nothing alive.
//
// It is a pointer and no more, unless STRATA_OWNERSHIP_DEBUG is 1. Then it remembers which object it was
// lent, by a number that no other object has, and each use asks the ledger whether that one still
// lives: use after the last owner has gone stops the process, though the memory may be in use again.
#pragma once

#include <cstdint>
#include <type_traits>

#include <strata/detail/ownership_ledger.hpp>

namespace strata {
inline namespace STRATA_OWNERSHIP_MODE {

template <class T>
class borrowed {
 public:
  // What lends: not null, and inside an object that an owner has.
  explicit borrowed(T* lent) noexcept : to_(lent) {
    if constexpr (ownership_debug) serial_.value = detail::ownership_ledger::serial_of(lent);
  }

  [[nodiscard]] T* get() const noexcept {
    if constexpr (ownership_debug) {
      if (detail::ownership_ledger::serial_of(to_) != serial_.value) {
        detail::stop_ownership(detail::ownership_misuse::borrowed_while_freed,
                               detail::type_name<T>(), to_);
      }
    }
    return to_;
  }
  T& operator*() const noexcept { return *get(); }
  T* operator->() const noexcept { return get(); }

 private:
  struct serial {
    std::uint64_t value;
  };
  struct nothing {};

  T* to_;
  [[no_unique_address]] std::conditional_t<ownership_debug, serial, nothing> serial_;
};

static_assert(ownership_debug || sizeof(borrowed<int>) == sizeof(int*));

}  // namespace STRATA_OWNERSHIP_MODE
}  // namespace strata
