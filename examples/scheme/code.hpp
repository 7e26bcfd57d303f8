// The instructions of the machine: words of 64 bits, and R the slots of the running frame.
//
//   63 ...... 48 | 47 ...... 32 | 31 ...... 16 | 15 ...... 0
//   c            | b            | a            | operation
//   (far, signed, takes b and c)
//
//   K  the code's constants     C  what the closure captured, from 1 on
#pragma once

#include <cstdint>

namespace scheme {

enum class op : std::uint16_t {
  move,            // R[a] = R[b]
  constant,        // R[a] = K[b]
  number,          // R[a] = fixnum far
  global,          // R[a] = the global variable K[b]
  set_global,      // the global variable K[b], which has a value, = R[a]
  define_global,   // K[b] = R[a]
  captured,        // R[a] = C[b]
  make_box,        // R[a] = a box of R[b]
  unbox,           // R[a] = what is in box R[b]
  unbox_captured,  // R[a] = what is in box C[b]
  set_box,         // what is in box R[a] = R[b]
  set_captured,    // what is in box C[a] = R[b]
  make_closure,  // R[a] = a closure of code K[b]; c words follow, move or captured: what it captures
  patch,         // closure R[a]: captured b = R[c]
  jump,          // by far
  call,          // R[a] = R[a](R[a + 2] ... b of them)
  tail_call,     // the same, in the place of this frame
  give,          // return R[a]
  halt,          // leave the machine with R[a]

  car,
  cdr,   // R[a] = car R[b]
  cons,  // R[a] = (R[b] . R[c])
  set_car,
  set_cdr,  // of R[a] = R[b]
  add,
  subtract,
  multiply,  // R[a] = R[b] + R[c]
  add_number,
  subtract_number,  // R[a] = R[b] + c
  vector_ref,       // R[a] = R[b][R[c]]
  vector_set,       // R[a][R[b]] = R[c]
  vector_length,    // R[a] = length of R[b]
  string_ref,       // R[a] = R[b][R[c]]

  // Tests jump by c when they hold (if_) or don't (unless_).
  if_true,
  unless_true,  // R[a] is not #f; by far
  if_null,
  unless_null,  // by far
  if_pair,
  unless_pair,  // by far
  if_same,
  unless_same,  // R[a] is R[b]
  if_equal,
  unless_equal,  // R[a] = R[b], as numbers
  if_less,
  unless_less,
  if_most,
  unless_most,  // R[a] <= R[b]
  if_equal_number,
  unless_equal_number,  // R[a] = b
  if_less_number,
  unless_less_number,
  if_most_number,
  unless_most_number,
  if_more_number,
  unless_more_number,  // R[a] > b
  if_least_number,
  unless_least_number,  // R[a] >= b
};

constexpr std::uint64_t encode(op what, std::uint32_t a = 0, std::uint32_t b = 0,
                               std::uint32_t c = 0) {
  return static_cast<std::uint64_t>(what) | std::uint64_t{a & 0xffff} << 16 |
         std::uint64_t{b & 0xffff} << 32 | std::uint64_t{c & 0xffff} << 48;
}
constexpr std::uint64_t encode_far(op what, std::uint32_t a, std::int32_t far) {
  return encode(what, a) | static_cast<std::uint64_t>(static_cast<std::uint32_t>(far)) << 32;
}
constexpr op op_of(std::uint64_t word) { return static_cast<op>(word & 0xffff); }
constexpr std::uint32_t a_of(std::uint64_t word) { return word >> 16 & 0xffff; }
constexpr std::uint32_t b_of(std::uint64_t word) { return word >> 32 & 0xffff; }
constexpr std::uint32_t c_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 48); }
constexpr std::int64_t signed_b(std::uint64_t word) {
  return static_cast<std::int16_t>(word >> 32 & 0xffff);
}
constexpr std::int64_t signed_c(std::uint64_t word) {
  return static_cast<std::int16_t>(word >> 48);
}
constexpr std::int64_t far_of(std::uint64_t word) { return static_cast<std::int32_t>(word >> 32); }

}  // namespace scheme
