#include "os/stack_guard.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/bits.hpp"
#include "os/memory.hpp"

namespace strata::os {
namespace {

TEST(StackGuard, FirstResidentIsTheLowestTouchedPage) {
  const std::size_t size = 1000 * page_bytes();  // more than is asked for at once
  auto* range = static_cast<char*>(map(size, page_bytes()));
  ASSERT_NE(range, nullptr);
  never_huge(range, size);
  EXPECT_EQ(first_resident(range, size), size);
  for (std::size_t page : {999u, 700u, 255u, 0u}) {
    range[page * page_bytes() + 5] = 1;
    EXPECT_EQ(first_resident(range, size), page * page_bytes());
  }
  EXPECT_TRUE(release(range, size));
  errno = 77;
  EXPECT_EQ(first_resident(range, size), size) << "nothing is mapped there";
  EXPECT_EQ(errno, 77);
}

TEST(StackGuardDeathTest, AMarkedPageMayNotBeTouchedAndStaysMarked) {
  auto* range = static_cast<volatile char*>(map(3 * page_bytes(), page_bytes()));
  ASSERT_NE(range, nullptr);
  char* middle = const_cast<char*>(range) + page_bytes();
  if (!mark_as_guard(middle, page_bytes())) GTEST_SKIP() << "Linux before 6.13";
  range[0] = 1;
  range[2 * page_bytes()] = 1;
  EXPECT_DEATH(range[page_bytes()] = 1, "");
  EXPECT_DEATH(range[2 * page_bytes() - 1] = 1, "");
  EXPECT_TRUE(purge(const_cast<char*>(range), 3 * page_bytes()));
  EXPECT_EQ(range[0], 0);
  EXPECT_DEATH(range[page_bytes()] = 1, "");
  EXPECT_EQ(first_resident(middle, page_bytes()), page_bytes());
  EXPECT_TRUE(release(const_cast<char*>(range), 3 * page_bytes()));
  EXPECT_FALSE(mark_as_guard(middle, page_bytes()));
}

TEST(StackGuardDeathTest, ManyAreMarkedAtOnceAndNothingBetween) {
  const std::size_t distance = 4 * page_bytes();
  const std::size_t count = most_guards_at_once + 8;
  auto* range = static_cast<volatile char*>(map(count * distance, page_bytes()));
  ASSERT_NE(range, nullptr);
  auto guard = [&](std::size_t index) { return const_cast<char*>(range) + index * distance; };
  std::size_t marked = 0;
  while (marked < count) {
    std::size_t now = mark_as_guards(guard(marked), page_bytes(), distance, count - marked);
    if (now == 0) GTEST_SKIP() << "Linux before 6.13";
    EXPECT_LE(now, most_guards_at_once);
    marked += now;
  }
  EXPECT_EQ(marked, count);
  for (std::size_t at = 0; at < count * distance; at += page_bytes()) {
    if (at % distance != 0) range[at] = 1;
  }
  for (std::size_t index : {std::size_t{0}, std::size_t{1}, most_guards_at_once, count - 1}) {
    EXPECT_DEATH(range[index * distance] = 1, "");
    EXPECT_DEATH(range[index * distance + page_bytes() - 1] = 1, "");
  }
  EXPECT_TRUE(release(const_cast<char*>(range), count * distance));
  EXPECT_EQ(mark_as_guards(guard(0), page_bytes(), distance, count), 0u) << "nothing is mapped";
}

TEST(StackGuard, KnowsTheKernelsLimit) { EXPECT_GE(most_mappings(), 1000u); }

}  // namespace
}  // namespace strata::os
