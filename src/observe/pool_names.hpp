// The table of names that a program's own pools have: open addressing in the shared area, by all processes and threads
// of a recording at once. A name is copied when it is new, cut, and never removed.
//
//   free --claimed by an exchange of its state--> begun --text copied--> there
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "os/process.hpp"
#include "wire/area.hpp"

namespace strata::observe {

struct cut_name {
  char text[wire::pool_name_bytes] = {};
  std::uint64_t hash = 0;

  explicit cut_name(const char* name) {
    if (name == nullptr) name = "";
    for (std::size_t i = 0; i + 1 < wire::pool_name_bytes && name[i] != '\0'; ++i) {
      text[i] = name[i];
      hash = base::mixed(hash ^ static_cast<unsigned char>(name[i]));
    }
  }
};

// Waits for who writes it; not for ever: it may have been stopped for good, or be what this has interrupted. Then
// the name is there twice, which is no harm.
inline bool is_named(const wire::pool_name& one, const cut_name& name) {
  constexpr int patience = 10000;
  for (int turns = 0; turns < patience; ++turns) {
    // acquire: the text is there.
    if (one.state.load(std::memory_order_acquire) == wire::name_there) {
      return __builtin_memcmp(one.text, name.text, sizeof(name.text)) == 0;
    }
    os::relax();
  }
  return false;
}

// 0: the table is full.
inline std::uint32_t number_of_name(wire::pool_name* names, const cut_name& name) {
  std::size_t at = name.hash;
  for (std::size_t probe = 0; probe < wire::most_pool_names; ++probe, ++at) {
    at %= wire::most_pool_names;
    wire::pool_name& one = names[at];
    std::uint32_t state = one.state.load(std::memory_order_relaxed);
    const auto number = static_cast<std::uint32_t>(at + 1);
    if (state == wire::name_free &&
        one.state.compare_exchange_strong(state, wire::name_begun, std::memory_order_relaxed)) {
      __builtin_memcpy(one.text, name.text, sizeof(name.text));
      one.state.store(wire::name_there, std::memory_order_release);
      return number;
    }
    if (is_named(one, name)) return number;
  }
  return 0;
}

}  // namespace strata::observe
