#include <strata/box.hpp>

#include <memory>
#include <string>

#include <strata/bump.hpp>

#include "resource/ownership_model.hpp"
#include "resource/ownership_subjects.hpp"
#include "resource/resource_test.hpp"

namespace strata {
namespace {

using namespace subjects;

static_assert(resource<stateless>);
static_assert(sizeof(box<int, resource_memory<stateless>>) == sizeof(void*));

TEST(Box, AgreesWithTheModel) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) run_box_model(seed, 1000);
}

TEST(Box, MovesAndIsKnownToBeMovedFrom) {
  int lives = 0;
  auto one = make_box<counted_life>(lives, 7);
  box<counted_life> other = std::move(one);
  EXPECT_EQ(one, nullptr);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(other->value, 7);
  one = std::move(other);
  EXPECT_EQ(one->value, 7);
  EXPECT_EQ(lives, 1);
  one.reset();
  EXPECT_EQ(lives, 0);
}

TEST(Box, LivesInAnyMemory) {
  test_upstream upstream;
  bump memory(&upstream);
  int lives = 0;
  {
    auto in_pmr = make_box_on<counted_life>(&upstream, lives, 1);
    auto in_bump = make_box_on<counted_life>(memory, lives, 2);
    stateless none;
    auto in_none = make_box_on<counted_life>(none, lives, 3);
    EXPECT_TRUE(memory.owns(in_bump.get()));
    EXPECT_EQ(upstream.live_blocks(), 2u);
    EXPECT_EQ(stateless::live, 1u);
    auto moved = std::move(in_pmr);
    moved = make_box_on<counted_life>(&upstream, lives, 4);
    EXPECT_EQ(lives, 3);
  }
  EXPECT_EQ(lives, 0);
  EXPECT_EQ(stateless::live, 0u);
  memory.release();
}

TEST(Box, OfABaseGivesBackTheWhole) {
  test_upstream upstream;
  box<rear> on_heap = make_box<both>();
  EXPECT_EQ(on_heap->in_rear, 2);
  box<rear, sized_memory<pmr_memory>> in_memory = make_box_on<both>(&upstream);
  EXPECT_EQ(in_memory->in_rear, 2);
  in_memory = make_box_on<both>(&upstream);  // the upstream checks sizes and addresses
  EXPECT_EQ(upstream.live_blocks(), 1u);
}

TEST(Box, HoldsArrays) {
  test_upstream upstream;
  int lives = 0;
  auto many = make_box_on<counted_life[]>(&upstream, 10, lives, 5);
  EXPECT_EQ(many.size(), 10u);
  EXPECT_EQ(lives, 10);
  int sum = 0;
  for (const counted_life& each : many) sum += each.value;
  EXPECT_EQ(sum, 50);
  many = nullptr;
  EXPECT_EQ(lives, 0);
  auto zeros = make_box<int[]>(100);
  EXPECT_EQ(zeros[99], 0);
  EXPECT_EQ(make_box<int[]>(0).size(), 0u);
  std::size_t length = zeros.size();
  zeros = box<int[]>::from_raw(std::move(zeros).into_raw(), length);
  EXPECT_EQ(zeros.size(), 100u);
  EXPECT_THROW((void)make_box<int[]>(SIZE_MAX / 2), std::bad_array_new_length);
}

TEST(Box, EndsByADeleterToo) {
  static int ended = 0;
  auto deleter = [](int*) noexcept { ++ended; };
  int on_stack = 5;
  {
    auto one = box<int, decltype(deleter)>::from_raw(&on_stack);
    static_assert(sizeof one == sizeof(void*));
    EXPECT_EQ(*one, 5);
  }
  EXPECT_EQ(ended, 1);
}

TEST(Box, LetsGoOnlyWhenTold) {
  int lives = 0;
  int* number = make_box<int>(4).into_raw();
  EXPECT_EQ(*box<int>::from_raw(number), 4);
  counted_life& for_ever = make_box<counted_life>(lives).leak();
  EXPECT_EQ(lives, 1);
  delete &for_ever;
}

}  // namespace
}  // namespace strata
