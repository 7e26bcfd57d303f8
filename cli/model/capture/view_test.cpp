#include "cli/model/capture/view.hpp"

#include <gtest/gtest.h>

namespace strata::cli::capture {
namespace {

TEST(ShortName, LeavesOutTypesAndParameters) {
  EXPECT_EQ(short_name("main"), "main");
  EXPECT_EQ(short_name("net::open(int, char const*)"), "net::open");
  EXPECT_EQ(short_name("void std::vector<int, std::allocator<int> >::push_back(int&&)"),
            "std::vector<int, std::allocator<int> >::push_back");
  EXPECT_EQ(short_name("(anonymous namespace)::load(std::function<void (int)>)"),
            "(anonymous namespace)::load");
  EXPECT_EQ(short_name("a::operator()(int) const"), "a::operator()");
  EXPECT_EQ(short_name("operator<<(s&, t)"), "operator<<");
  EXPECT_EQ(short_name("(unknown calls)"), "(unknown calls)");
}

TEST(IsGoBetween, KnowsTheStandardLibrary) {
  EXPECT_TRUE(is_go_between("operator new(unsigned long)"));
  EXPECT_TRUE(is_go_between("void std::vector<int>::push_back(int&&)"));
  EXPECT_TRUE(is_go_between("__gnu_cxx::new_allocator<int>::allocate(unsigned long)"));
  EXPECT_FALSE(is_go_between("keep(std::string)"));
  EXPECT_FALSE(is_go_between("void fill<std::string>(std::string)"));
}

}  // namespace
}  // namespace strata::cli::capture
