#include "gc/fetch_queue.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

namespace strata::gc {
namespace {

// Beside a list: all that went in comes out, in order, and none is out before the queue says so.
TEST(GcFetchQueue, GivesBackInOrder) {
  std::mt19937 random{5};
  std::vector<std::uint64_t> objects(1000);
  fetch_queue queue;
  std::deque<void*> expected;
  for (int turn = 0; turn < 10000; ++turn) {
    void* next = random() % 3 == 0 ? nullptr : &objects[random() % objects.size()];
    if (next != nullptr) expected.push_back(next);
    void* got = queue.turn(next);
    if (got != nullptr) {
      ASSERT_FALSE(expected.empty());
      EXPECT_EQ(got, expected.front());
      expected.pop_front();
    }
    EXPECT_EQ(queue.empty(), expected.empty());
    std::size_t count = 0;
    queue.each([&](void* object) {
      EXPECT_NE(object, nullptr);
      ++count;
    });
    EXPECT_EQ(count, expected.size());
  }
  while (!queue.empty()) {
    if (queue.turn(nullptr) != nullptr) expected.pop_front();
  }
  EXPECT_TRUE(expected.empty());
}

}  // namespace
}  // namespace strata::gc
