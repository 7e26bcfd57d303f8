#include "cli/model/layout/gaps.hpp"

#include <gtest/gtest.h>

#include "cli/model/layout/record_test.hpp"

namespace strata::cli::layout {
namespace {

TEST(LayoutGaps, HolesAndPadding) {
  const waste found =
      waste_of(record_of(24, 8, {field_at("a", 0, 1), field_at("b", 8, 8), field_at("c", 16, 2)}));
  EXPECT_EQ(found.holes, 1u);
  EXPECT_EQ(found.hole_bytes, 7u);
  EXPECT_EQ(found.padding_bytes, 6u);
  EXPECT_EQ(found.bytes(), 13u);
  ASSERT_EQ(found.gaps.size(), 2u);
  EXPECT_EQ(found.gaps[0].before, 1u);
  EXPECT_EQ(found.gaps[0].offset_bits, 8u);
  EXPECT_EQ(found.gaps[1].before, 3u);
}

TEST(LayoutGaps, FullRecordWastesNothing) {
  EXPECT_TRUE(waste_of(record_of(8, 4, {field_at("a", 0, 4), field_at("b", 4, 4)})).gaps.empty());
}

TEST(LayoutGaps, BitFieldsLeaveBitsInTheirUnit) {
  // int a : 3; then a char in the same unit; nothing behind it but padding.
  const waste shared = waste_of(record_of(4, 4, {bits_at("a", 0, 3, 4), field_at("b", 1, 1)}));
  EXPECT_EQ(shared.bit_hole_bits, 5u);
  EXPECT_EQ(shared.hole_bytes, 0u);
  EXPECT_EQ(shared.padding_bytes, 2u);
  // Alone, the rest of the unit is padding of bits.
  const waste alone = waste_of(record_of(4, 4, {bits_at("a", 0, 3, 4)}));
  EXPECT_EQ(alone.bit_padding_bits, 29u);
  EXPECT_EQ(alone.padding_bytes, 0u);
  // Beyond the unit bytes count.
  const waste beyond = waste_of(record_of(16, 8, {bits_at("a", 0, 3, 1), field_at("b", 8, 8)}));
  EXPECT_EQ(beyond.bit_hole_bits, 5u);
  EXPECT_EQ(beyond.hole_bytes, 7u);
}

TEST(LayoutGaps, FieldInTheTailOfABaseLeavesNoGap) {
  EXPECT_TRUE(waste_of(record_of(16, 8, {base_at(0, 16, 8), field_at("a", 13, 1)})).gaps.empty());
}

TEST(LayoutGaps, GapBeforeAnOpenArrayIsAHole) {
  const waste found =
      waste_of(record_of(8, 8, {field_at("a", 0, 4), field_at("b", 4, 1), field_at("c", 8, 0, 8)}));
  EXPECT_EQ(found.hole_bytes, 3u);
  EXPECT_EQ(found.padding_bytes, 0u);
}

TEST(LayoutGaps, VirtualBasesFillTheRest) {
  field base = base_at(0, 16, 8);
  base.kind = field_kind::virtual_base;
  EXPECT_TRUE(waste_of(record_of(32, 8, {field_at("a", 0, 8), base})).gaps.empty());
}

TEST(LayoutGaps, NestedWasteCountsEachElement) {
  catalogue all;
  all.records = {record_of(8, 4, {field_at("a", 0, 4), field_at("b", 4, 1)}),
                 record_of(24, 4, {field_at("c", 0, 24, 4)}),
                 record_of(24, 4, {field_at("d", 0, 24, 4)})};
  all.records[1].fields[0].nested = 0;
  all.records[1].fields[0].count = 3;
  all.records[2].fields[0].nested = 1;
  EXPECT_EQ(nested_waste_bytes(all), (std::vector<std::uint64_t>{0, 9, 9}));
}

TEST(LayoutGaps, CacheLinesThatAreCrossed) {
  EXPECT_TRUE(crosses_cache_line(field_at("a", 60, 8)));
  EXPECT_FALSE(crosses_cache_line(field_at("a", 56, 8)));
  EXPECT_FALSE(crosses_cache_line(field_at("a", 0, 65)));  // fits into no line
}

}  // namespace
}  // namespace strata::cli::layout
