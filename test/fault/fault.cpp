// Fails each system call of the ground in turn: strata_fault_test
//
// A first child runs the workload and counts its N calls. Then, for each i in 1 .. N, one child runs it
// with call i failing, and one with every call from i on failing; after that the calls succeed again and
// the allocator must work as if nothing had been. A child that crashes, stops, hangs or finds a block
// changed is named with its i. The ground is the one that STRATA_GROUND asks for; failing calls may
// make it sparse.
//
// The clock makes some of the calls, so N differs a little from run to run, and a child may end before
// it has made its i-th call. That is no failure, as long as few do.
//
// Exit status: 0 fine, 1 a child failed.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "os/fault.hpp"
#include "workload.hpp"

namespace {

namespace fault = strata::os::fault;

constexpr unsigned child_seconds = 30;
constexpr int not_reached = 3;  // exit status of a child: no call failed

// Runs work in a child; returns its wait status.
template <typename Work>
int in_child(Work work) {
  std::fflush(nullptr);
  pid_t child = fork();
  if (child < 0) {
    std::perror("fault: fork");
    std::exit(1);
  }
  if (child == 0) {
    alarm(child_seconds);
    work();
    std::_Exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

bool report(int status, const char* how, std::uint64_t call) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  std::fprintf(stderr, "fault: call %lu failing%s: the child %s %d\n",
               static_cast<unsigned long>(call), how,
               WIFSIGNALED(status) ? "got signal" : "ended with",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  return false;
}

std::uint64_t count_calls() {
  auto* counted = static_cast<std::uint64_t*>(mmap(
      nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (counted == MAP_FAILED) {
    std::perror("fault: mmap");
    std::exit(1);
  }
  int status = in_child([counted] {
    fault_test::run_workload();
    *counted = fault::calls;
    fault_test::check_healed();
  });
  return report(status, " (none)", 0) ? *counted : 0;
}

// missed: counts the children that no call failed in.
bool run_with_failures(std::uint64_t first, std::uint64_t last, const char* how,
                       std::uint64_t& missed) {
  int status = in_child([first, last] {
    fault::first = first;
    fault::last = last;
    fault_test::run_workload();
    bool struck = fault::calls >= first;
    fault::first = 0;
    fault_test::check_healed();
    if (!struck) std::_Exit(not_reached);
  });
  if (WIFEXITED(status) && WEXITSTATUS(status) == not_reached) {
    ++missed;
    return true;
  }
  return report(status, how, first);
}

}  // namespace

int main() {
  // The clock makes a few calls more on a slow machine: the fewest of three is what each run reaches.
  std::uint64_t calls = std::min({count_calls(), count_calls(), count_calls()});
  if (calls == 0) return 1;
  bool fine = true;
  std::uint64_t missed = 0;
  for (std::uint64_t call = 1; call <= calls; ++call) {
    fine &= run_with_failures(call, call, "", missed);
    fine &= run_with_failures(call, UINT64_MAX, " with all after it", missed);
  }
  if (missed > calls / 4) {
    std::fprintf(stderr, "fault: %lu of %lu runs did not reach their call\n",
                 static_cast<unsigned long>(missed), static_cast<unsigned long>(2 * calls));
    fine = false;
  }
  if (!fine) return 1;
  std::printf("%lu calls, each failed in turn: ok\n", static_cast<unsigned long>(calls));
  return 0;
}
