/* dlopen(file, mode): clears RTLD_DEEPBIND in mode and jumps to the real one, so that it sees our
 * caller's return address. Why: dlopen.cpp. */
#if defined(__x86_64__)
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
#elif defined(__aarch64__)
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
#endif
  .section .note.GNU-stack,"",%progbits
