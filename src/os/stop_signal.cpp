#include "os/stop_signal.hpp"

#include <csignal>

#include "os/process.hpp"
#include "os/syscall.hpp"

namespace strata::os {

bool on_signal(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  return sigaction(signal, &action, nullptr) == 0;
}

bool send_signal(std::int32_t thread, int signal) {
  return !failed(raw_syscall(SYS_tgkill, process_id(), thread, signal));
}

int default_stop_signal() { return SIGPWR; }
int default_restart_signal() { return SIGXCPU; }

signal_stack current_signal_stack() {
  stack_t found = {};
  if (sigaltstack(nullptr, &found) != 0 || (found.ss_flags & SS_ONSTACK) == 0) return {};
  auto start = reinterpret_cast<std::uintptr_t>(found.ss_sp);
  return {start, start + found.ss_size};
}

}  // namespace strata::os
