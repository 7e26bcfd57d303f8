#include "resource/instructions.hpp"
#include "base/config.hpp"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <gtest/gtest.h>

namespace strata {

std::optional<long> instructions_of(const std::function<void()>& work) {
  pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
    raise(SIGSTOP);
    work();
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP) return std::nullopt;
  long steps = 0;
  do {
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) return std::nullopt;
    waitpid(child, &status, 0);
    ++steps;
  } while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return steps;
}

namespace {

TEST(Instructions, AreCountedOneByOne) {
  if (config::thread_sanitizer) GTEST_SKIP() << "its checks would be counted, too";
  std::optional<long> none = instructions_of([] {});
  if (!none) GTEST_SKIP() << "no stepping through a child here";
  EXPECT_EQ(instructions_of([] {}), none) << "the same each time";
  auto loop = [](int turns) {
    return [turns] {
      volatile int left = turns;
      while (left > 0) left = left - 1;
    };
  };
  long hundred = *instructions_of(loop(100)) - *none;
  long thousand = *instructions_of(loop(1000)) - *none;
  EXPECT_GT(hundred, 200);
  EXPECT_GT(thousand, 9 * hundred);
  EXPECT_LE(thousand, 10 * hundred);
}

}  // namespace
}  // namespace strata
