#include "cli/model/process.hpp"

#include <gtest/gtest.h>

namespace strata::cli {
namespace {

TEST(Environment, SetsReplacesAndRemoves) {
  environment variables;
  variables.set("A", "1");
  variables.set("AB", "2");
  variables.set("A", "3");
  EXPECT_EQ(variables.get("A"), "3");
  EXPECT_EQ(variables.entries().size(), 2u);
  variables.unset("A");
  EXPECT_EQ(variables.get("A"), "");
  EXPECT_EQ(variables.get("AB"), "2");
}

TEST(Environment, PutsTheLibraryInFrontOfOtherPreloads) {
  environment variables;
  variables.prepend_preload("/lib/a.so");
  EXPECT_EQ(variables.get("LD_PRELOAD"), "/lib/a.so");
  variables.prepend_preload("/lib/b.so");
  EXPECT_EQ(variables.get("LD_PRELOAD"), "/lib/b.so:/lib/a.so");
}

TEST(MustForward, LeavesTerminalAndOwnSignalsAlone) {
  siginfo_t info{};
  info.si_signo = SIGINT;
  info.si_code = SI_USER;
  info.si_pid = 10;
  EXPECT_TRUE(must_forward(info, 20));
  EXPECT_FALSE(must_forward(info, 10));  // the program signalled its own group
  info.si_code = SI_KERNEL;              // Ctrl-C: the program has it already
  EXPECT_FALSE(must_forward(info, 20));
}

TEST(Ending, ShowsSignalsAsAShellDoes) {
  ending end;
  end.wait_status = 3 << 8;
  EXPECT_EQ(end.shell_status(), 3);
  end.wait_status = SIGKILL;
  EXPECT_EQ(end.shell_status(), 128 + SIGKILL);
}

TEST(LaunchFloor, IsMeasuredAndSmallerThanThisProcess) {
  rusage own{};
  getrusage(RUSAGE_SELF, &own);
  EXPECT_GT(launch_floor_bytes(), 0u);
  EXPECT_LT(launch_floor_bytes(), static_cast<std::uint64_t>(own.ru_maxrss) * 1024);
}

}  // namespace
}  // namespace strata::cli
