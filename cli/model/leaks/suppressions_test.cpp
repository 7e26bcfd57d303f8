#include "cli/model/leaks/suppressions.hpp"

#include <gtest/gtest.h>

namespace strata::cli::leaks {
namespace {

TEST(Suppressions, MatchesAnywhereUnlessAnchored) {
  EXPECT_TRUE(matches("make", "remake_all(int)"));
  EXPECT_FALSE(matches("make", "mak"));
  EXPECT_TRUE(matches("^make", "make_all"));
  EXPECT_FALSE(matches("^make", "remake"));
  EXPECT_TRUE(matches("all$", "make_all"));
  EXPECT_FALSE(matches("all$", "all_of"));
  EXPECT_TRUE(matches("^make$", "make"));
  EXPECT_FALSE(matches("^make$", "makes"));
  EXPECT_FALSE(matches("^aba$", "ababa"));
}

TEST(Suppressions, StarsStandForAnything) {
  EXPECT_TRUE(matches("lib*ssl", "/usr/lib/libopenssl.so"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("^a*b*c$", "a12b34c"));
  EXPECT_FALSE(matches("^a*b*c$", "a12c34b"));
  EXPECT_TRUE(matches("^a*a$", "aa"));
  EXPECT_FALSE(matches("^a*a$", "a"));
  EXPECT_TRUE(matches("a*", "za"));
}

TEST(Suppressions, ReadsFiles) {
  suppressions all;
  EXPECT_EQ(all.add("# known\n\n  leak:parse_*  \r\nleak:libold.so\n"), "");
  EXPECT_TRUE(all.match("parse_line(char*)"));
  EXPECT_TRUE(all.match("/opt/libold.so.1"));
  EXPECT_FALSE(all.match("parser"));
}

TEST(Suppressions, RefusesOtherLines) {
  suppressions all;
  EXPECT_EQ(all.add("leak:a\nrace:b\n"), "line 2 is not leak:PATTERN");
  EXPECT_EQ(all.add("leak:\n"), "line 1 is not leak:PATTERN");
  EXPECT_EQ(all.add("nonsense"), "line 1 is not leak:PATTERN");
}

}  // namespace
}  // namespace strata::cli::leaks
