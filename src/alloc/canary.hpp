// Canaries: the last word of a block is not the program's, and tells whether somebody wrote past its
// end, or before the start of the next.
//
//   | block: usable bytes | canary | block: usable bytes | canary | ...
//
//   canary    a secret of the process ^ its own address; its first byte is never 0, since a string
//             that is a byte too long writes that
//
// It is placed when a block leaves its span for the caches and checked when it comes back, while
// malloc and free in between leave it alone. So it costs the fast path no instruction, and a write is
// found some time after the block's free: at the latest, for most, when the process ends. Large blocks
// have theirs checked at their free.
//
// Medium and large blocks in memory fresh from the system have a canary of 0 instead, which is there
// without being written: the page at a block's end may be one that the program never touches.
//
// Plain blocks have none: a request whose alignment leaves no room for a canary (64 bytes aligned to
// 64) has all of its block, which comes from the plain twin of its class (size_class.hpp).
//
// Off under paranoid hardening, whose seal stands in the same place and tells more (paranoid.hpp). In
// first-class heaps only large blocks have one.
//
// The mechanism is StackGuard's (Cowan and others, 1998); that a slot's canary may outlive the block's
// uses is OpenBSD malloc's and hardened_malloc's observation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "ground/size_class.hpp"

namespace strata::alloc::canary {

// Of each block, whether a canary or a seal stands in it.
inline constexpr std::size_t bytes = sizeof(std::uint64_t);

// Draws the secret; before anything is allocated, and after paranoid::set_up().
void set_up();

struct setting {
  bool on;
  std::uint64_t secret;
};
extern setting chosen __attribute__((visibility("hidden")));
inline bool on() { return chosen.on; }

enum class kind : std::uint8_t { secret, zero, none };

// Whether a block of so many bytes has no room for a canary behind a request of `size`.
constexpr bool is_filled(std::size_t room, std::size_t size) { return room - size < bytes; }

namespace detail {
constexpr auto make_usable() {
  std::array<std::uint16_t, ground::number_count> usable{};
  for (std::size_t number = 1; number < usable.size(); ++number) {
    std::size_t canary = ground::is_plain(number) ? 0 : bytes;
    usable[number] = static_cast<std::uint16_t>(ground::class_bytes(number) - canary);
  }
  return usable;
}
inline constexpr auto usable = make_usable();
}  // namespace detail

// What a program may use of a block of the class, or twin.
constexpr std::size_t usable_bytes(std::size_t number) { return detail::usable[number]; }

// room: the block's bytes with its canary.
inline std::uintptr_t place_of(std::uintptr_t block, std::size_t room) {
  return block + room - bytes;
}
inline std::uint64_t word_at(std::uintptr_t at, kind as) {
  return as == kind::zero ? 0 : chosen.secret ^ at;
}
inline void place(std::uintptr_t block, std::size_t room, kind as) {
  std::uintptr_t at = place_of(block, room);
  std::uint64_t word = word_at(at, as);
  std::memcpy(base::pointer_to(at), &word, bytes);
}
// Stops the process when the canary is not as it was placed.
inline void check(std::uintptr_t block, std::size_t room, kind as) {
  std::uintptr_t at = place_of(block, room);
  std::uint64_t word = 0;
  std::memcpy(&word, base::pointer_to(at), bytes);
  if (STRATA_UNLIKELY(word != word_at(at, as))) {
    fatal(misuse::overflow, base::pointer_to(block), room - bytes);
  }
}

}  // namespace strata::alloc::canary
