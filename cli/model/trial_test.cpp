#include "cli/model/trial.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <string>

namespace strata::cli {
namespace {

trial run_shell(const std::string& script) {
  return run_trial(
      {.path = "/bin/sh", .arguments = {"sh", "-c", script}, .variables = environment::current()});
}

TEST(OutputDigest, DependsOnBytesAndNotOnPieces) {
  output_digest whole;
  whole.add("abcdef");
  output_digest pieces;
  pieces.add("abc");
  pieces.add("def");
  EXPECT_TRUE(whole == pieces);
  EXPECT_EQ(whole.length(), 6u);
  output_digest other;
  other.add("abcdeg");
  EXPECT_FALSE(whole == other);
}

TEST(Trial, KeepsTheTwoOutputsApart) {
  const trial result = run_shell("printf out; printf error >&2; exit 3");
  output_digest out;
  out.add("out");
  output_digest error;
  error.add("error");
  EXPECT_TRUE(result.output == out);
  EXPECT_TRUE(result.errors == error);
  EXPECT_EQ(result.end.shell_status(), 3);
  EXPECT_FALSE(result.cut);
}

TEST(Trial, ReadsMoreThanAPipeHolds) {
  const trial result = run_shell("head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2");
  EXPECT_EQ(result.output.length(), 3'000'000u);
  EXPECT_EQ(result.errors.length(), 2'000'000u);
}

TEST(Trial, DoesNotWaitForWhatTheProgramLeftBehind) {
  const trial result = run_shell("sleep 20 & echo done");
  EXPECT_TRUE(result.cut);
  EXPECT_EQ(result.output.length(), 5u);
  EXPECT_LT(result.end.wall_seconds(), 10);
}

TEST(Trial, ReportsASignalAndWhatCannotStart) {
  EXPECT_EQ(run_shell("kill -SEGV $$").end.shell_status(), 128 + SIGSEGV);
  const trial none = run_trial({.path = "/nonexistent/program", .arguments = {"program"}});
  EXPECT_EQ(none.error, ENOENT);
}

}  // namespace
}  // namespace strata::cli
