#include "alloc/span.hpp"

#include <gtest/gtest.h>

#include "alloc/allocate.hpp"
#include "alloc/bin.hpp"
#include "ground/address_map.hpp"

namespace strata::alloc {
namespace {

class Span : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override { ASSERT_TRUE(start()); }
};

TEST_P(Span, HoldsItsBlocksApartAndFindsThemAgain) {
  bin home(GetParam());
  span* one = make_span(&home, static_cast<ground::size_class>(GetParam()));
  ASSERT_NE(one, nullptr);
  std::size_t block = ground::class_bytes(GetParam());
  EXPECT_EQ(one->block_bytes, block);
  ASSERT_GE(one->capacity, 4u);
  ASSERT_LE(one->capacity * block, one->bytes());
  EXPECT_LT(one->bytes() - one->capacity * block, block) << "room for one more block";
  EXPECT_EQ(one->free_count, one->capacity);
  EXPECT_EQ(one->free_bits().count_range(0, one->capacity), one->capacity);
  for (std::size_t index = 0; index < one->capacity; ++index) {
    std::uintptr_t at = one->block_at(index);
    ASSERT_EQ(one->index_of(at), index);
    ASSERT_EQ(one->index_of(at + block / 2), index);
    ASSERT_EQ(one->index_of(at + block - 1), index);
    ASSERT_EQ(ground::run_of(base::pointer_to(at + block - 1)), one);
  }
  for (std::uintptr_t at = one->block_at(one->capacity); at < one->start + one->bytes(); ++at) {
    ASSERT_GE(one->index_of(at), one->capacity) << "the tail";
  }
  void* first = base::pointer_to(one->start);
  destroy_span(one);
  EXPECT_EQ(ground::run_of(first), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Classes, Span, testing::Range(std::size_t{1}, ground::number_count));

}  // namespace
}  // namespace strata::alloc
