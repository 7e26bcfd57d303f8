// Fault injection: in test builds each system call of the ground is counted, and the chosen one, or
// each from the chosen one on, fails. In other builds this costs nothing.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/config.hpp"

namespace strata::os::fault {

#if STRATA_FAULT_INJECTION
inline std::atomic<std::uint64_t> calls{0};
inline std::atomic<std::uint64_t> first{0};  // 0: none
inline std::atomic<std::uint64_t> last{0};   // inclusive

inline bool strikes() {
  std::uint64_t call = calls.fetch_add(1, std::memory_order_relaxed) + 1;
  std::uint64_t from = first.load(std::memory_order_relaxed);
  return from != 0 && call >= from && call <= last.load(std::memory_order_relaxed);
}
#else
inline constexpr bool strikes() { return false; }
#endif

}  // namespace strata::os::fault
