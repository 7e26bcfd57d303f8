#include "cli/model/layout/choice.hpp"

#include <gmock/gmock.h>

namespace strata::cli::layout {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

catalogue with_names(std::initializer_list<const char*> names) {
  catalogue made;
  for (const char* name : names) {
    made.records.emplace_back();
    made.records.back().name = name;
    made.records.back().file = "source.cpp";
  }
  return made;
}

TEST(LayoutChoice, ExactNamesComeBeforeScopedOnesBeforeTemplates) {
  const catalogue all = with_names({"a::node", "node", "b::node", "b::list<a::node>", "list<int>"});
  EXPECT_THAT(records_named(all, "node"), ElementsAre(1));
  EXPECT_THAT(records_named(all, "a::node"), ElementsAre(0));
  EXPECT_THAT(records_named(all, "list<int>"), ElementsAre(4));
  EXPECT_THAT(records_named(all, "list"), ElementsAre(3, 4));
  EXPECT_THAT(records_named(all, "ode"), IsEmpty());
  EXPECT_THAT(records_named(all, ""), IsEmpty());
}

TEST(LayoutChoice, PatternsOfNameAndFile) {
  const catalogue all = with_names({"a::node", "b::node", ""});
  pattern name;
  pattern file;
  EXPECT_THAT(records_matching(all, name, file), ElementsAre(0, 1));
  EXPECT_EQ(name.set("^b::"), "");
  EXPECT_THAT(records_matching(all, name, file), ElementsAre(1));
  EXPECT_EQ(file.set("[.]hpp$"), "");
  EXPECT_THAT(records_matching(all, name, file), IsEmpty());
}

TEST(LayoutChoice, WrongPatternsSayWhy) {
  pattern wrong;
  EXPECT_NE(wrong.set("("), "");
  EXPECT_TRUE(wrong.matches("anything"));
}

}  // namespace
}  // namespace strata::cli::layout
