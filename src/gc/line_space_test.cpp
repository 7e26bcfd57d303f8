#include "gc/line_space.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace strata::gc {
namespace {

class GcLineSpace : public testing::Test {
 protected:
  GcLineSpace() { EXPECT_TRUE(blocks_.open(4096) && space_.open(8, blocks::after::usable)); }

  std::byte* make(sizes taken_for) { return blocks_.address_of(space_.take(taken_for)); }
  // A marking that reaches the first line of each, so that all behind it is a hole.
  void mark(std::uint8_t epoch, std::initializer_list<std::byte*> starts) {
    space_.begin(epoch);
    for (std::byte* start : starts) space_.mark_lines(start, line_space::line_bytes, epoch);
    space_.end();
  }
  // Where the hole begins that somebody is given; null when there is none.
  std::byte* hole(std::size_t bytes, sizes taken_for) {
    line_cursor at;
    return space_.recycle(at, bytes, taken_for).cursor;
  }

  blocks blocks_;
  line_space space_{blocks_};
};

TEST_F(GcLineSpace, HolesAreForTheSizesThatTheirBlockWasTakenFor) {
  std::byte* small = make(sizes::small);
  std::byte* medium = make(sizes::medium);
  std::byte* other_medium = make(sizes::medium);
  mark(1, {small, medium, other_medium});
  EXPECT_EQ(medium + line_space::line_bytes, hole(16 << 10, sizes::medium));
  EXPECT_EQ(other_medium + line_space::line_bytes, hole(64, sizes::medium));
  EXPECT_EQ(nullptr, hole(64, sizes::medium));
  EXPECT_EQ(small + line_space::line_bytes, hole(64, sizes::small));
  EXPECT_EQ(nullptr, hole(64, sizes::small));
}

TEST_F(GcLineSpace, ABlockIsForWhatItIsTakenForTheNextTime) {
  std::byte* first = make(sizes::medium);
  mark(1, {});
  space_.sweep_all();
  EXPECT_EQ(use::free, blocks_.use_at(first));
  ASSERT_EQ(first, make(sizes::small));
  mark(2, {first});
  EXPECT_EQ(nullptr, hole(64, sizes::medium));
  EXPECT_NE(nullptr, hole(64, sizes::small));
}

TEST_F(GcLineSpace, ATooNarrowHoleIsLeftToOthers) {
  std::byte* start = make(sizes::medium);
  space_.begin(1);
  space_.mark_lines(start, line_space::line_bytes, 1);
  space_.mark_lines(start + detail::block_bytes / 2, detail::block_bytes / 2, 1);
  space_.end();
  EXPECT_EQ(nullptr, hole(detail::block_bytes / 2, sizes::medium));
  EXPECT_EQ(start + line_space::line_bytes, hole(2 << 10, sizes::medium));
}

}  // namespace
}  // namespace strata::gc
