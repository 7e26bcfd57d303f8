#include <strata/detail/word_lock.hpp>

#include "os/process.hpp"

namespace strata::detail {

void word_lock::lock_slow() noexcept {
  for (int spins = 0; spins < 100; ++spins) {
    std::uint32_t expected = 0;
    if (word_.load(std::memory_order_relaxed) == 0 &&
        word_.compare_exchange_strong(expected, 1, std::memory_order_acquire)) {
      return;
    }
    os::relax();
  }
  while (word_.exchange(2, std::memory_order_acquire) != 0) os::wait(&word_, 2);
}

void word_lock::wake() noexcept { os::wake_one(&word_); }

}  // namespace strata::detail
