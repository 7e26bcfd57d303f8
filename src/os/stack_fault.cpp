#include "os/stack_fault.hpp"

#include <errno.h>
#include <signal.h>
#include <ucontext.h>

#include <atomic>

#include "base/bits.hpp"
#include "os/process.hpp"
#include "os/syscall.hpp"

namespace strata::os {
namespace {

// Written before the handler is there.
constinit std::atomic<stack_judge> the_judge{nullptr};
constinit struct ::sigaction before = {};

std::uintptr_t stack_pointer_of(const ucontext_t& context) {
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RSP]);
#elif defined(__aarch64__)
  return context.uc_mcontext.sp;
#endif
}

// The signal comes back when the handler returns, and finds the default action.
void die_of(int signal, siginfo_t* info) {
  struct ::sigaction fallback = {};
  sigaction(signal, &fallback, nullptr);
  raw_syscall(SYS_rt_tgsigqueueinfo, process_id(), thread_id(), signal, as_long(info));
}

void pass_on(int signal, siginfo_t* info, void* context) {
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) {
    die_of(signal, info);  // the kernel lets nobody ignore a fault
  } else {
    before.sa_handler(signal);
  }
}

void on_fault(int signal, siginfo_t* info, void* context) {
  int error = errno;
  stack_fault fault{base::address_of(info->si_addr),
                    stack_pointer_of(*static_cast<const ucontext_t*>(context)), context};
  bool by_an_access = info->si_code == SEGV_ACCERR || info->si_code == SEGV_MAPERR;
  if (!by_an_access || !the_judge.load(std::memory_order_relaxed)(fault)) {
    pass_on(signal, info, context);
  }
  errno = error;
}

}  // namespace

bool watch_stacks(stack_judge judge) {
  stack_judge none = nullptr;
  // Whoever is first installs the handler.
  if (!the_judge.compare_exchange_strong(none, judge)) return true;
  struct ::sigaction watch = {};
  watch.sa_sigaction = on_fault;
  watch.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&watch.sa_mask);
  if (sigaction(SIGSEGV, nullptr, &before) == 0 && sigaction(SIGSEGV, &watch, nullptr) == 0) {
    return true;
  }
  the_judge.store(nullptr);
  return false;
}

void may_leave(const stack_fault& fault) {
  const auto& interrupted = *static_cast<const ucontext_t*>(fault.context);
  pthread_sigmask(SIG_SETMASK, &interrupted.uc_sigmask, nullptr);
}

void go_on_in(const stack_fault& fault, void* top, void (*function)(void*), void* argument) {
  auto& context = *static_cast<ucontext_t*>(fault.context);
  std::uintptr_t stack = base::align_down(base::address_of(top), 16);
  auto code = reinterpret_cast<std::uintptr_t>(function);
#if defined(__x86_64__)
  // As after a call: the return address, which leads nowhere, lies on a multiple of 16 less 8.
  stack -= sizeof(std::uintptr_t);
  *base::pointer_to<std::uintptr_t>(stack) = 0;
  context.uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(stack);
  context.uc_mcontext.gregs[REG_RBP] = 0;
  context.uc_mcontext.gregs[REG_RDI] = static_cast<greg_t>(base::address_of(argument));
  context.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(code);
  context.uc_mcontext.gregs[REG_EFL] &= ~greg_t{0x400};  // the direction flag: forward
#elif defined(__aarch64__)
  context.uc_mcontext.sp = stack;
  context.uc_mcontext.regs[29] = 0;
  context.uc_mcontext.regs[30] = 0;
  context.uc_mcontext.regs[0] = base::address_of(argument);
  context.uc_mcontext.pc = code;
#endif
}

bool take_alternate_stack(void* memory, std::size_t bytes) {
  stack_t current = {};
  if (sigaltstack(nullptr, &current) != 0 || (current.ss_flags & SS_DISABLE) == 0) return false;
  stack_t ours = {};
  ours.ss_sp = memory;
  ours.ss_size = bytes;
  return sigaltstack(&ours, nullptr) == 0;
}

void drop_alternate_stack(const void* memory) {
  stack_t current = {};
  if (sigaltstack(nullptr, &current) != 0 || current.ss_sp != memory) return;
  stack_t none = {};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
}

}  // namespace strata::os
