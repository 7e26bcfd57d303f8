#include "os/fault_watch.hpp"

#include <errno.h>
#include <signal.h>

#include "os/process.hpp"
#include "os/syscall.hpp"

// libc's own: `sigaction` is ours.
extern "C" int __sigaction(int signal, const struct sigaction* action,
                           struct sigaction* before) noexcept;

namespace strata::os {
namespace {

constinit fault_judge the_judge = nullptr;

// The signal comes back when the handler returns, and finds the default action.
void pass_on(int signal, siginfo_t* info) {
  struct ::sigaction fallback = {};
  __sigaction(signal, &fallback, nullptr);
  raw_syscall(SYS_rt_tgsigqueueinfo, process_id(), thread_id(), signal, as_long(info));
}

void on_fault(int signal, siginfo_t* info, void* context) {
  int error = errno;
  bool by_an_access = info->si_code == SEGV_ACCERR || info->si_code == SEGV_MAPERR;
  if (by_an_access) the_judge(base::address_of(info->si_addr), context);
  pass_on(signal, info);
  errno = error;
}

bool is_watch(const struct ::sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_fault;
}

}  // namespace

bool watch_faults(fault_judge judge) {
  the_judge = judge;
  struct ::sigaction before = {};
  if (__sigaction(SIGSEGV, nullptr, &before) != 0) return false;
  if (is_watch(before)) return true;
  if ((before.sa_flags & SA_SIGINFO) != 0 || before.sa_handler != SIG_DFL) return false;
  struct ::sigaction watch = {};
  watch.sa_sigaction = on_fault;
  watch.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&watch.sa_mask);
  return __sigaction(SIGSEGV, &watch, nullptr) == 0;
}

void hide_watch(struct ::sigaction& action) {
  if (is_watch(action)) action = {};
}

}  // namespace strata::os
