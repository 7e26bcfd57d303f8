// A lock of one word, for sections of some ten instructions: whoever finds it held spins for a moment
// and then sleeps. Not fair.
//
//   word   0 free   1 held   2 held, and somebody may sleep    (Drepper, Futexes Are Tricky, 2011)
#pragma once

#include <atomic>
#include <cstdint>

#include <strata/detail/support.hpp>

namespace strata::detail {

class word_lock {
 public:
  void lock() noexcept {
    std::uint32_t expected = 0;
    // acquire: pairs with unlock's release, so that the section sees what the last one wrote.
    if (!word_.compare_exchange_strong(expected, 1, std::memory_order_acquire)) [[unlikely]]
      lock_slow();
  }
  [[nodiscard]] bool try_lock() noexcept {
    std::uint32_t expected = 0;
    return word_.compare_exchange_strong(expected, 1, std::memory_order_acquire);
  }
  void unlock() noexcept {
    // release: the next holder sees what this section wrote.
    if (word_.exchange(0, std::memory_order_release) == 2) [[unlikely]]
      wake();
  }

 private:
  STRATA_RESOURCES_API void lock_slow() noexcept;
  STRATA_RESOURCES_API void wake() noexcept;

  std::atomic<std::uint32_t> word_{0};
};

}  // namespace strata::detail
