// How a frame knows its caller: the word `link`, an immediate of its own kind.
//
//   63 ........ 32 | 31 ...................... 1 | 0
//   offset in the  | how far the caller's base   | 1
//   caller's text  | is below this frame's
//
//   all zeros but the last bit: the caller's frame is in the continuation below the stack
#pragma once

#include "value.hpp"

namespace scheme {

constexpr value link_to(std::size_t offset, std::size_t delta) {
  return value::of_word(offset << 32 | delta << 1 | 1);
}
inline constexpr value underflow_link = link_to(0, 0);
constexpr std::size_t offset_in(value link) { return link.word() >> 32; }
constexpr std::size_t delta_in(value link) { return (link.word() >> 1) & 0x7fffffff; }

}  // namespace scheme
