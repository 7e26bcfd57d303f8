#include "cli/model/layout/order.hpp"

#include <gmock/gmock.h>

#include "cli/model/layout/record_test.hpp"

namespace strata::cli::layout {
namespace {

using testing::ElementsAre;

TEST(LayoutOrder, StrictestAlignmentFirst) {
  const auto found =
      order_of(record_of(24, 8, {field_at("a", 0, 1), field_at("b", 8, 8), field_at("c", 16, 2)}));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size_bytes, 16u);
  EXPECT_THAT(found->fields, ElementsAre(1, 2, 0));
}

TEST(LayoutOrder, NothingWhereNothingIsSaved) {
  EXPECT_FALSE(order_of(record_of(16, 8, {field_at("a", 0, 8), field_at("b", 8, 1)})));
  EXPECT_FALSE(order_of(record_of(1, 1, {})));
}

TEST(LayoutOrder, SmallFieldsFillTheTailOfABase) {
  // The base ends at 12: what is aligned to 4 goes there before what is aligned to 8.
  const auto found =
      order_of(record_of(32, 8, {base_at(0, 12, 4), field_at("a", 16, 8), field_at("b", 24, 4)}));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size_bytes, 24u);
  EXPECT_THAT(found->fields, ElementsAre(0, 2, 1));
}

TEST(LayoutOrder, OpenArrayStaysLast) {
  const auto found = order_of(record_of(
      24, 8,
      {field_at("a", 0, 1), field_at("b", 8, 8), field_at("c", 16, 4), field_at("d", 20, 0, 1)}));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size_bytes, 16u);
  EXPECT_EQ(found->fields.back(), 3u);
}

TEST(LayoutOrder, BitFieldsMoveTogether) {
  const auto found = order_of(record_of(
      24, 8,
      {bits_at("a", 0, 3, 4), bits_at("b", 3, 20, 4), field_at("c", 8, 8), field_at("d", 16, 4)}));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size_bytes, 16u);
  EXPECT_THAT(found->fields, ElementsAre(2, 0, 1, 3));
}

TEST(LayoutOrder, SomeRecordsAreLeftAlone) {
  record wasteful =
      record_of(24, 8, {field_at("a", 0, 1), field_at("b", 8, 8), field_at("c", 16, 2)});
  record other = wasteful;
  other.kind = record_kind::union_type;
  EXPECT_FALSE(order_of(other));
  other = wasteful;
  other.is_packed = true;
  EXPECT_FALSE(order_of(other));
  other = wasteful;
  other.fields[2].is_size_known = false;
  EXPECT_FALSE(order_of(other));
  other = wasteful;
  other.fields[2].is_variant = true;
  EXPECT_FALSE(order_of(other));
  EXPECT_FALSE(order_notes(other).empty());
  EXPECT_TRUE(order_notes(wasteful).empty());
}

}  // namespace
}  // namespace strata::cli::layout
