// Accesses to memory that may not be accessed: SIGSEGV, and who wants to know of it.
//
//   fault --> judge(address)      it was the judge's memory: a report, and the process ends
//               | returns: no
//               v
//             as if nobody had looked: the default action, with the same siginfo and registers
//
// The program comes first. There is no watch where it handles the signal, or ignores it; a handler that
// it installs later takes the place of the watch, and finds the default action to have been there
// before (entry/process.cpp), so that it treats faults as it always did. A stack that has
// overflown ends the process as ever, for there is no room for a handler.
#pragma once

#include <cstdint>

struct sigaction;

namespace strata::os {

// Called in a handler, with the address of the access and the context that take_interrupted_stack wants.
using fault_judge = void (*)(std::uintptr_t address, const void* context);

// False: the program has a handler of its own.
bool watch_faults(fault_judge judge);
// Turns the watch into the default action, and leaves other actions alone.
void hide_watch(struct ::sigaction& action);

}  // namespace strata::os
