#include "cli/model/layout/composition.hpp"

#include <gtest/gtest.h>

#include "cli/model/layout/record_test.hpp"

namespace strata::cli::layout {
namespace {

enum : std::size_t { item, pair, raw, node, both };

field record_at(const std::string& name, std::uint64_t offset, std::uint64_t bytes,
                std::size_t nested, std::uint64_t count = 1) {
  field made = field_at(name, offset, bytes, 8);
  made.nested = nested;
  made.count = count;
  return made;
}

// A struct item { char; long; char; } in a pair, in the raw bytes of a list's node, and twice in an array.
catalogue sample() {
  catalogue all;
  const auto add = [&](const std::string& name, std::uint64_t bytes, std::vector<field> fields) {
    all.records.push_back(record_of(bytes, 8, std::move(fields)));
    all.records.back().name = name;
  };
  add("item", 24, {field_at("a", 0, 1), field_at("b", 8, 8), field_at("c", 16, 1)});
  add("std::pair<const int, item>", 32,
      {field_at("first", 0, 4), record_at("second", 8, 24, item)});
  add("__gnu_cxx::__aligned_membuf<std::pair<int const, item> >", 32,
      {field_at("bytes", 0, 32, 8)});
  add("node", 48, {base_at(0, 16, 8), record_at("kept", 16, 32, raw)});
  add("both", 56, {record_at("two", 0, 48, item, 2), field_at("last", 48, 8)});
  return all;
}

TEST(LayoutComposition, CountsWhatIsInside) {
  const catalogue all = sample();
  const named_records names(all);
  const composition of(names);
  EXPECT_EQ(of.parts_of(node),
            (std::map<std::size_t, std::uint64_t>{{item, 1}, {pair, 1}, {raw, 1}, {node, 1}}));
  EXPECT_EQ(of.parts_of(both).at(item), 2u);
}

TEST(LayoutComposition, ABetterOrderInsideMakesTheWholeSmaller) {
  const catalogue all = sample();
  const named_records names(all);
  const composition of(names);
  EXPECT_EQ(of.size_with(item, item), 16u);
  EXPECT_EQ(of.size_with(node, item), 40u);
  EXPECT_EQ(of.size_with(both, item), 40u);
  EXPECT_EQ(of.size_with(item, node), 24u) << "has none inside";
}

TEST(LayoutComposition, WhatDoesNotLieInOrderIsLeftAlone) {
  catalogue all = sample();
  all.records[both].fields[1].offset_bits = 40 * byte_bits;  // in the tail of what is before
  all.records[both].size_bytes = 48;
  all.records[pair].kind = record_kind::union_type;
  const named_records names(all);
  const composition of(names);
  EXPECT_EQ(of.size_with(both, item), 48u);
  EXPECT_EQ(of.size_with(node, item), 48u);
  EXPECT_EQ(of.parts_of(node).count(item), 0u);
}

}  // namespace
}  // namespace strata::cli::layout
