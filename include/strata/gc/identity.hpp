// What an object is told apart by, wherever it moves: its identity hash. docs/gc/objects.md says how it is
// kept. Two objects may have the same.
#pragma once

#include <atomic>
#include <cstdint>

#include <strata/gc/mutator.hpp>

namespace strata::gc {

namespace detail {
STRATA_GC_API std::uint32_t identity_hash(mutator& self, void* object) noexcept;
}  // namespace detail

// The same from the first time until the object dies. By any threads at the same time.
template <class T>
std::uint32_t identity_hash(const local<T>& object) noexcept {
  return detail::identity_hash(object.self(), object.get());
}

// 16 bits of a wide header that the heap carries along and never looks at: for a language's locks. Good
// until the next allocation or safepoint of this thread.
template <class T>
requires(detail::header::bytes == detail::wide_header::bytes)
    std::atomic_ref<std::uint16_t> lock_bits(const local<T>& object)
noexcept { return std::atomic_ref<std::uint16_t>(detail::wide_header::lock_bits(object.get())); }

}  // namespace strata::gc
