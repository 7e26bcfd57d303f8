// dlopen without RTLD_DEEPBIND.
//
// A module loaded with that flag binds malloc and free to libc's own, and then exchanges blocks with
// the rest of the program, which has ours: Debian's PHP dies of it under other allocators. So the
// flag is taken away. dlopen looks at its caller (for $ORIGIN, run paths and namespaces), so this
// one leaves the return address as it is and jumps on.
#include <dlfcn.h>

#include "base/check.hpp"

extern "C" {

__attribute__((visibility("hidden"))) void* strata_real_dlopen = nullptr;

__attribute__((visibility("hidden"), used)) void strata_find_dlopen() {
  strata_real_dlopen = dlsym(RTLD_NEXT, "dlopen");
  STRATA_CHECK(strata_real_dlopen != nullptr);
}
}

static_assert(RTLD_DEEPBIND == 8);

#if defined(__x86_64__)
__asm__(R"(
  .text
  .globl dlopen
  .type dlopen, @function
dlopen:
  .cfi_startproc
  andl $~8, %esi
  movq strata_real_dlopen(%rip), %rax
  testq %rax, %rax
  je 1f
  jmp *%rax
1:
  pushq %rdi
  .cfi_adjust_cfa_offset 8
  pushq %rsi
  .cfi_adjust_cfa_offset 8
  subq $8, %rsp
  .cfi_adjust_cfa_offset 8
  call strata_find_dlopen
  addq $8, %rsp
  .cfi_adjust_cfa_offset -8
  popq %rsi
  .cfi_adjust_cfa_offset -8
  popq %rdi
  .cfi_adjust_cfa_offset -8
  jmp *strata_real_dlopen(%rip)
  .cfi_endproc
  .size dlopen, .-dlopen
)");
#elif defined(__aarch64__)
__asm__(R"(
  .text
  .globl dlopen
  .type dlopen, @function
dlopen:
  .cfi_startproc
  and w1, w1, #~8
  adrp x9, strata_real_dlopen
  ldr x9, [x9, :lo12:strata_real_dlopen]
  cbz x9, 1f
  br x9
1:
  stp x29, x30, [sp, #-32]!
  .cfi_def_cfa_offset 32
  .cfi_offset 29, -32
  .cfi_offset 30, -24
  stp x0, x1, [sp, #16]
  bl strata_find_dlopen
  ldp x0, x1, [sp, #16]
  ldp x29, x30, [sp], #32
  .cfi_def_cfa_offset 0
  adrp x9, strata_real_dlopen
  ldr x9, [x9, :lo12:strata_real_dlopen]
  br x9
  .cfi_endproc
  .size dlopen, .-dlopen
)");
#endif
