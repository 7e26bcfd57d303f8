#include "cli/model/layout/named_records.hpp"

#include <gtest/gtest.h>

#include "cli/model/layout/record_test.hpp"

namespace strata::cli::layout {
namespace {

TEST(CommonName, IsTheSameHoweverItIsWritten) {
  EXPECT_EQ(common_name("std::pair<int const, box<long unsigned int, 3> >"),
            common_name("std::pair<const int, box<unsigned long, 3UL>>"));
  EXPECT_EQ(common_name("set<item*>"), common_name("set<item *>"));
  EXPECT_EQ(common_name("set<unsigned>"), common_name("set<unsigned int>"));
  EXPECT_EQ(common_name("owner<item, (__gnu_cxx::_Lock_policy)2>"),
            common_name("owner<item, __gnu_cxx::_S_atomic>"));
  EXPECT_EQ(common_name("(anonymous namespace)::item"), common_name("(anonymous)::item"));
}

TEST(CommonName, TellsTypesApart) {
  EXPECT_NE(common_name("set<int>"), common_name("set<unsigned int>"));
  EXPECT_NE(common_name("set<long>"), common_name("set<long long>"));
  EXPECT_NE(common_name("set<item*>"), common_name("set<item>"));
  EXPECT_NE(common_name("box<1>"), common_name("box<11>"));
}

catalogue named(const std::vector<std::string>& names) {
  catalogue all;
  for (const std::string& name : names) {
    all.records.push_back(record_of(8, 8, {field_at("a", 0, 8)}));
    all.records.back().name = name;
  }
  return all;
}

TEST(NamedRecords, AreFoundWhereOnlyOneIsMeant) {
  const catalogue all = named({"a::item", "b::node", "c::node", "whole_item"});
  const named_records names(all);
  EXPECT_EQ(names.find("a::item"), 0u);
  EXPECT_EQ(names.find("item"), no_record);
  EXPECT_EQ(names.find_in_scopes("item"), 0u);
  EXPECT_EQ(names.find_in_scopes("node"), no_record) << "two are called so";
  EXPECT_EQ(names.find_in_scopes("b::node"), 1u);
}

}  // namespace
}  // namespace strata::cli::layout
