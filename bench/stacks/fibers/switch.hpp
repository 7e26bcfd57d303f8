// A switch of stacks that is as short as it can be, so that a bench measures the stacks. It keeps
// what functions keep (not the modes of floating point).
#pragma once

#include <cstdint>

// Puts the interrupted side's registers on its stack, and where that stands into *from; goes on at
// `to`.
extern "C" void strata_bench_switch(void** from, void* to);

#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".type strata_bench_switch, @function\n"
    "strata_bench_switch:\n\t"
    "pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
    "movq %rsp, (%rdi)\n\t"
    "movq %rsi, %rsp\n\t"
    "popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\t"
    "ret\n"
    ".size strata_bench_switch, . - strata_bench_switch\n");
#elif defined(__aarch64__)
__asm__(
    ".text\n"
    ".type strata_bench_switch, %function\n"
    "strata_bench_switch:\n\t"
    "sub sp, sp, #160\n\t"
    "stp x19, x20, [sp]\n\tstp x21, x22, [sp, #16]\n\tstp x23, x24, [sp, #32]\n\t"
    "stp x25, x26, [sp, #48]\n\tstp x27, x28, [sp, #64]\n\tstp x29, x30, [sp, #80]\n\t"
    "stp d8, d9, [sp, #96]\n\tstp d10, d11, [sp, #112]\n\t"
    "stp d12, d13, [sp, #128]\n\tstp d14, d15, [sp, #144]\n\t"
    "mov x2, sp\n\tstr x2, [x0]\n\tmov sp, x1\n\t"
    "ldp x19, x20, [sp]\n\tldp x21, x22, [sp, #16]\n\tldp x23, x24, [sp, #32]\n\t"
    "ldp x25, x26, [sp, #48]\n\tldp x27, x28, [sp, #64]\n\tldp x29, x30, [sp, #80]\n\t"
    "ldp d8, d9, [sp, #96]\n\tldp d10, d11, [sp, #112]\n\t"
    "ldp d12, d13, [sp, #128]\n\tldp d14, d15, [sp, #144]\n\t"
    "add sp, sp, #160\n\tret\n"
    ".size strata_bench_switch, . - strata_bench_switch\n");
#endif

// What to switch to in order that function() begins on the stack that ends at top. It never
// returns.
inline void* first_switch_to(void* top, void (*function)()) {
#if defined(__x86_64__)
  // Six registers, the address to return to, and that function's own, which leads nowhere.
  constexpr int words = 8;
  constexpr int start = 6;
#elif defined(__aarch64__)
  constexpr int words = 20;
  constexpr int start = 11;
#endif
  auto* saved = static_cast<std::uintptr_t*>(top) - words;
  for (int i = 0; i < words; ++i) saved[i] = 0;
  saved[start] = reinterpret_cast<std::uintptr_t>(function);
  return saved;
}
