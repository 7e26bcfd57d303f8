#include "ground/size_class.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace strata::ground {
namespace {

// The sizes of the classes, made as docs and comments tell it, not as the code does.
std::vector<std::size_t> sizes_by_the_book() {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 16; size <= 256; size += 16) sizes.push_back(size);
  for (std::size_t from = 256; from < 32768; from *= 2) {
    if (from < 1024) sizes.push_back(from + 16);
    if (from > 1024) sizes.push_back(from + 128);
    for (std::size_t part = 1; part <= 8; ++part) sizes.push_back(from + part * from / 8);
  }
  sizes.push_back(32768 + 128);
  return sizes;
}

TEST(SizeClass, SizesAreThoseOfTheBook) {
  std::vector<std::size_t> sizes = sizes_by_the_book();
  ASSERT_EQ(sizes.size() + 1, class_count);
  for (std::size_t number = 1; number < class_count; ++number) {
    EXPECT_EQ(class_bytes(number), sizes[number - 1]) << number;
  }
}

TEST(SizeClass, EverySizeGetsTheSmallestThatFits) {
  std::vector<std::size_t> sizes = sizes_by_the_book();
  std::size_t number = 1;
  for (std::size_t size = 1; size <= medium_bytes; ++size) {
    while (sizes[number - 1] < size) ++number;
    ASSERT_EQ(class_of(size), number) << size;
  }
  EXPECT_EQ(class_of(0), 0u);
}

TEST(SizeClass, EveryBlockSizeIsOfGranules) {
  for (std::size_t number = 1; number < class_count; ++number) {
    EXPECT_EQ(class_bytes(plain_twin_of(number)), class_bytes(number));
    EXPECT_EQ(is_medium(plain_twin_of(number)), is_medium(number));
    EXPECT_EQ(class_of_number(plain_twin_of(number)), number);
    EXPECT_FALSE(is_plain(number));
    EXPECT_EQ(class_bytes(number) % granule_bytes, 0u);
    EXPECT_EQ(class_of(class_bytes(number)), number);
    EXPECT_EQ(is_medium(number), class_bytes(number) > 1024);
  }
}

// What aligned allocation leans on.
TEST(SizeClass, PowersOfTwoAreClasses) {
  for (std::size_t size = granule_bytes; size <= longest_power; size *= 2) {
    EXPECT_EQ(class_bytes(class_of(size)), size);
  }
}

}  // namespace
}  // namespace strata::ground
