#include "cli/model/library.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/model/file.hpp"

namespace strata::cli {
namespace {

TEST(PreloadLibrary, MustBeForThisMachineAndHaveAnUsableName) {
  EXPECT_EQ(why_no_preload_library("/proc/self/exe"), "");
  EXPECT_NE(why_no_preload_library("/no/such/library.so"), "");
  EXPECT_NE(why_no_preload_library("/dev/null").find("not a shared library"), std::string::npos);
  EXPECT_NE(why_no_preload_library("/proc/self/../self/a b.so").find("space"), std::string::npos);
}

TEST(StrataLibrary, IsWhatTheVariableNames) {
  std::string why;
  setenv("STRATA_LIBRARY", "/proc/self/exe", 1);
  EXPECT_EQ(find_strata_library(why), "/proc/self/exe");
  setenv("STRATA_LIBRARY", "/no/such/library.so", 1);
  EXPECT_EQ(find_strata_library(why), "");
  EXPECT_NE(why.find("/no/such/library.so"), std::string::npos);
  unsetenv("STRATA_LIBRARY");
}

TEST(OtherAllocators, AreOnlyThoseThatExist) {
  for (const allocator_choice& choice : find_other_allocators()) {
    EXPECT_NE(choice.name, "");
    EXPECT_EQ(why_no_preload_library(choice.library), "") << choice.library;
  }
}

}  // namespace
}  // namespace strata::cli
