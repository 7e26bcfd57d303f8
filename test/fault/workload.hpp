// The fixed workload of the fault test: every kind of request, by one thread and by several, with the
// contents of every block checked. Exhaustion is its only acceptable bad news.
#pragma once

namespace fault_test {

// Stops the process with a line that names the place when the condition does not hold.
#define FAULT_CHECK(condition) \
  ((condition) ? void(0) : ::fault_test::fail(#condition, __FILE__, __LINE__))
[[noreturn]] void fail(const char* condition, const char* file, int line);

// Runs all of it and frees everything. Same system calls in the same order each time, as long as
// none fails.
void run_workload();

// What must hold when no call fails any more: every size can be had, and the allocator's own
// structures agree.
void check_healed();

}  // namespace fault_test
