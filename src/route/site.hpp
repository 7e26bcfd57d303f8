// Tells by its stack whether an allocation is of the site that is routed.
//
//   return address of malloc --> number --> starts no chain               most allocations: one look
//                                       --> is a chain by itself
//                                       --> begins some: the stack is walked as far as the longest goes
//
// Numbers of addresses are kept in a table, without locks: an entry is an address and its number, in one word.
// Number 0 is any call that is in no chain. Code that is unloaded leaves its numbers behind.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "wire/routes.hpp"

namespace strata::route::site {

using call_number = std::uint16_t;            // of the calls, + 1
inline constexpr call_number alone = 0x8000;  // it is a chain by itself, whatever is further out
static_assert(wire::most_routed_calls < alone);

inline constexpr unsigned entry_bits = 14;
inline constexpr unsigned number_bits = 16;
extern std::atomic<std::uint64_t> numbers[std::size_t{1} << entry_bits]
    __attribute__((visibility("hidden")));

// False: no memory to walk stacks with.
bool set_up(const wire::routes& all);
// Looks the address up, and keeps what it finds.
call_number find_number(std::uintptr_t call);
// The stack, whose innermost call has the number, which is not 0, is of the site.
bool is_on_a_chain(call_number innermost);

STRATA_INLINE call_number number_of(std::uintptr_t call) {
  std::uint64_t kept =
      numbers[call * 0x9e3779b97f4a7c15 >> (64 - entry_bits)].load(std::memory_order_relaxed);
  if (STRATA_LIKELY(kept >> number_bits == call)) return static_cast<call_number>(kept);
  return find_number(call);
}

STRATA_INLINE bool is_called_from(std::uintptr_t call) {
  call_number innermost = number_of(call);
  if (STRATA_LIKELY(innermost == 0)) return false;
  return (innermost & alone) != 0 || is_on_a_chain(innermost);
}

}  // namespace strata::route::site
