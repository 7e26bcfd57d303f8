#include "cli/model/launcher.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace strata::cli {
namespace {

command shell(const std::string& script) {
  command what{.path = "/bin/sh", .arguments = {"sh", "-c", script}};
  what.variables.set("WORD", "several words=and more");
  return what;
}

TEST(Launcher, RunsWhatItIsGiven) {
  launcher from;
  const trial done =
      from.run(shell("test \"$WORD\" = 'several words=and more' && echo 12; exit 3"));
  EXPECT_EQ(done.error, 0);
  EXPECT_EQ(WEXITSTATUS(done.end.wait_status), 3);
  EXPECT_EQ(done.output.length(), 3u);
  EXPECT_EQ(done.output, run_trial(shell("echo 12")).output);
}

TEST(Launcher, TellsWhatCannotBeStarted) {
  launcher from;
  EXPECT_EQ(from.run({.path = "/nothing/there", .arguments = {"there"}}).error, ENOENT);
}

TEST(Launcher, IsAsSmallAsItWas) {
  launcher from;
  constexpr std::size_t bytes = std::size_t{64} << 20;
  const std::unique_ptr<char[]> large(new char[bytes]);
  std::memset(large.get(), 1, bytes);
  EXPECT_LT(from.run(shell("true")).end.peak_resident_bytes(), bytes);
  EXPECT_GT(large[bytes / 2], 0);
}

}  // namespace
}  // namespace strata::cli
