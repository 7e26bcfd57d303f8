// The registers that a walk up the stack needs, by their DWARF numbers, and how to come by them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/check.hpp"

namespace strata::os {

#if defined(__x86_64__)
inline constexpr std::size_t register_count = 17;
inline constexpr std::size_t stack_register = 7;    // rsp
inline constexpr std::size_t frame_register = 6;    // rbp
inline constexpr std::size_t return_register = 16;  // the return address
#elif defined(__aarch64__)
inline constexpr std::size_t register_count = 32;
inline constexpr std::size_t stack_register = 31;   // sp
inline constexpr std::size_t frame_register = 29;   // x29
inline constexpr std::size_t return_register = 30;  // x30
#endif

struct register_file {
  std::uintptr_t values[register_count] = {};
  std::uint32_t known = 0;  // bit i: values[i] is what the register held

  [[nodiscard]] bool knows(std::size_t number) const {
    return number < register_count && (known >> number & 1) != 0;
  }
  void set(std::size_t number, std::uintptr_t value) {
    values[number] = value;
    known |= std::uint32_t{1} << number;
  }
};

// Those that a function leaves as they were, here and now; returns the address of an instruction at
// which they are so.
STRATA_INLINE std::uintptr_t read_registers(register_file& into) {
  std::uintptr_t pc;
#if defined(__x86_64__)
  __asm__ volatile(
      "movq %%rbx, 24(%1)\n\t"
      "movq %%rbp, 48(%1)\n\t"
      "movq %%rsp, 56(%1)\n\t"
      "movq %%r12, 96(%1)\n\t"
      "movq %%r13, 104(%1)\n\t"
      "movq %%r14, 112(%1)\n\t"
      "movq %%r15, 120(%1)\n\t"
      "leaq 0(%%rip), %0"
      : "=&r"(pc)
      : "r"(into.values)
      : "memory");
  into.known = 0xf0c8;
#elif defined(__aarch64__)
  std::uintptr_t stack;
  __asm__ volatile(
      "stp x19, x20, [%2, #152]\n\t"
      "stp x21, x22, [%2, #168]\n\t"
      "stp x23, x24, [%2, #184]\n\t"
      "stp x25, x26, [%2, #200]\n\t"
      "stp x27, x28, [%2, #216]\n\t"
      "stp x29, x30, [%2, #232]\n\t"
      "mov %1, sp\n\t"
      "str %1, [%2, #248]\n\t"
      "adr %0, ."
      : "=&r"(pc), "=&r"(stack)
      : "r"(into.values)
      : "memory");
  into.known = 0xfff80000;
#endif
  return pc;
}

// Whoever called the function that this is inlined in, as it will be after the return: there a walk can begin.
struct calling_frame {
  std::uintptr_t pc = 0;     // 0: not to be had on this processor
  std::uintptr_t place = 0;  // of the return address
  std::uintptr_t stack = 0;
  std::uintptr_t frame = 0;
};
STRATA_INLINE calling_frame read_caller() {
#if defined(__x86_64__)
  // To ask for it makes the function keep one: | caller's rbp | return address |
  const auto* own = static_cast<const std::uintptr_t*>(__builtin_frame_address(0));
  return {own[1], reinterpret_cast<std::uintptr_t>(own + 1),
          reinterpret_cast<std::uintptr_t>(own + 2), own[0]};
#else
  return {};
#endif
}

// A return address without the signature that some processors keep in its upper bits.
inline std::uintptr_t plain_return(std::uintptr_t address) {
#if defined(__aarch64__)
  register std::uintptr_t x30 __asm__("x30") = address;
  __asm__("hint #7" : "+r"(x30));  // xpaclri
  return x30;
#else
  return address;
#endif
}

}  // namespace strata::os
