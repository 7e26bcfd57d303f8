#include "cli/model/capture/pool_events.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace strata::cli::capture {
namespace {

using wire::entry_kind;
using wire::pool_kind;
using row = std::tuple<entry_kind, std::uint64_t, std::uint64_t>;  // kind, number, size

constexpr std::uint64_t here = 0x7000;
constexpr std::uint64_t there = 0x8000;

class PoolEvents : public testing::Test {
 protected:
  // What the event comes to.
  std::vector<row> take(pool_kind kind, std::uint64_t pool, std::uint64_t address,
                        std::uint64_t size = 0) {
    std::vector<row> made;
    blocks_.take(kind, pool, address, {.thread = 1, .node = 2, .size = size, .time_ms = 3},
                 [&](const event& one) { made.emplace_back(one.kind, one.block, one.size); });
    return made;
  }
  static row came(std::uint64_t number, std::uint64_t size) {
    return {entry_kind::allocate, number, size};
  }
  static row went(std::uint64_t number) { return {entry_kind::deallocate, number, 0}; }

 private:
  pooled_blocks blocks_;
};

using rows = std::vector<row>;

TEST_F(PoolEvents, BlocksAreOfTheirPool) {
  EXPECT_EQ(rows({came(1, 10)}), take(pool_kind::allocate, here, 0, 10));
  EXPECT_EQ(rows({came(2, 20)}), take(pool_kind::allocate, there, 0, 20));
  EXPECT_EQ(rows({went(2)}), take(pool_kind::deallocate, there, 0));
  EXPECT_EQ(rows({went(0)}), take(pool_kind::deallocate, there, 0));
  EXPECT_EQ(rows({went(0)}), take(pool_kind::deallocate, here, 1));
  EXPECT_EQ(rows({went(1)}), take(pool_kind::deallocate, here, 0));
}

TEST_F(PoolEvents, ABlockThatComesWhereOneIsEndsIt) {
  take(pool_kind::allocate, here, 16, 10);
  EXPECT_EQ(rows({went(1), came(2, 30)}), take(pool_kind::allocate, here, 16, 30));
  EXPECT_EQ(rows({went(2)}), take(pool_kind::empty, here, 0));
}

TEST_F(PoolEvents, EmptyingIsOfOnePool) {
  for (std::uint64_t at = 0; at < 3; ++at) take(pool_kind::allocate, here, at, 1);
  take(pool_kind::allocate, there, 0, 1);
  rows gone = take(pool_kind::empty, here, 0);
  std::sort(gone.begin(), gone.end());
  EXPECT_EQ(rows({went(1), went(2), went(3)}), gone);
  EXPECT_EQ(rows(), take(pool_kind::empty, here, 0));
  EXPECT_EQ(rows({went(4)}), take(pool_kind::empty, there, 0));
}

TEST(PoolRows, ThereAndBack) {
  const std::vector<event> all = {
      {.thread = 1, .node = 9, .block = 1, .size = 100, .time_ms = 5},
      {.thread = 300, .node = 1, .block = 2, .size = 0, .time_ms = 5},
      {.kind = entry_kind::deallocate, .thread = 1, .block = 0, .time_ms = 9},
      {.kind = entry_kind::deallocate, .thread = 1, .block = 1, .time_ms = 70000},
      {.thread = 1, .node = 9, .block = 3, .size = std::uint64_t{1} << 47, .time_ms = 70000}};
  pool_rows made;
  byte_writer written;
  // Twice: each block of the file stands alone.
  for (int turn = 0; turn < 2; ++turn) {
    for (const event& one : all) made.add(one);
    written.clear();
    made.put(written);
    EXPECT_TRUE(made.empty());
    byte_reader from(written.bytes());
    pool_reader read(from);
    event one;
    for (const event& its : all) {
      ASSERT_TRUE(read.next(one));
      EXPECT_EQ(std::tie(its.kind, its.thread, its.node, its.block, its.size, its.time_ms),
                std::tie(one.kind, one.thread, one.node, one.block, one.size, one.time_ms));
    }
    EXPECT_FALSE(read.next(one));
    EXPECT_TRUE(from.good());
  }
  byte_reader cut(std::string_view(written.bytes()).substr(0, written.size() - 1));
  pool_reader read(cut);
  event one;
  while (read.next(one)) continue;
  EXPECT_FALSE(cut.good());
}

}  // namespace
}  // namespace strata::cli::capture
