// Threads that are told by a signal to stop where they are.
#pragma once

#include <cstdint>

namespace strata::os {

// What is asked for with `signal` runs with all other signals blocked; interrupted system calls go on where the
// system can. False when it is no signal.
bool on_signal(int signal, void (*handler)(int));
// False when there is no such thread of this process.
bool send_signal(std::int32_t thread, int signal);
int default_stop_signal();     // what libgc takes, so that programs leave it alone: SIGPWR
int default_restart_signal();  // the same: SIGXCPU; nobody needs it

// Where the calling thread's alternative signal stack is, if it runs on it.
struct signal_stack {
  std::uintptr_t start = 0;
  std::uintptr_t end = 0;
};
signal_stack current_signal_stack();

}  // namespace strata::os
