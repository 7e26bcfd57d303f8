#include <strata/tlsf.hpp>

#include <functional>
#include <optional>

#include <strata/free_list.hpp>

#include "base/config.hpp"
#include "resource/instructions.hpp"
#include "resource/tagged_heap_test.hpp"

namespace strata {
namespace {

static_assert(resource<tlsf>);

TEST(Tlsf, AgreesWithTheModel) {
  test_upstream upstream;
  tlsf one(&upstream, {.first_region_bytes = 4096});
  run_model(one);
  run_containers(one);
  run_model(one, {.operations = 5000, .most_bytes = 50'000, .most_alignment = 4096, .seed = 2});
  expect_regions_add_up(one);
}

TEST(Tlsf, AllOfABufferComesBackInAnyOrder) {
  for (std::uint64_t seed = 1; seed < 10; ++seed) expect_all_comes_back<tlsf>(seed);
}

TEST(Tlsf, EmptyRegionsGoBack) { expect_regions_go_back<tlsf>(); }

TEST(Tlsf, TakesAnyAlignment) {
  test_upstream upstream;
  tlsf one(&upstream);
  expect_any_alignment(one);
}

TEST(Tlsf, ExhaustionIsNullAndHarmless) {
  test_upstream upstream;
  tlsf limited(&upstream, {.first_region_bytes = 512, .most_bytes = 10'000});
  std::size_t got = 0;
  while (limited.try_allocate(100, 8) != nullptr) ++got;
  EXPECT_GT(got, 80u);
  expect_exhaustion_is_harmless(limited, upstream);
}

TEST(Tlsf, EmptyBlocksDiffer) {
  tlsf one;
  EXPECT_NE(one.try_allocate(0, 1), one.try_allocate(0, 1));
}

TEST(Tlsf, NeighboursMergeAtOnce) {
  with_holes<tlsf> holes({10, 20, 30});
  holes.one.deallocate(holes.wall(0), payload_of(2), 8);
  EXPECT_EQ(holes.one.free_space().free_blocks, 2u);
  EXPECT_EQ(holes.one.free_space().largest_bytes, 32 * unit);
  holes.one.deallocate(holes.wall(1), payload_of(2), 8);
  EXPECT_EQ(holes.one.free_space().free_blocks, 1u);
  EXPECT_EQ(holes.one.free_space().largest_bytes, 64 * unit);
  holes.one.verify();
}

TEST(Tlsf, TheShortestStepThatIsSureToFitServes) {
  with_holes<tlsf> holes({3000, 40, 500, 41, 3000});
  EXPECT_EQ(holes.hole_for(40), 1u);
  EXPECT_EQ(holes.hole_for(40), 3u);
  EXPECT_EQ(holes.hole_for(41), 2u);
}

// The paper's bound: a request passes over no block that is longer by more than one step.
TEST(Tlsf, ABlockThatIsLongerBy32thIsNeverPassedOver) {
  for (std::size_t units = 3; units < 3000; units += 1 + units / 40) {
    std::size_t hole = units + units / 32 + 1;
    with_holes<tlsf> holes({hole, 2, 2});
    EXPECT_EQ(holes.hole_for(units), 0u) << units;
    holes.one.verify();
  }
}

TEST(Tlsf, OneThatIsJustLongEnoughServesWhereItIsTheFirst) {
  // One step: from 20480 bytes on, 512 more.
  with_holes<tlsf> served({1282, 1300});
  EXPECT_EQ(served.hole_for(1290), 1u);
  with_holes<tlsf> passed({1300, 1282});
  EXPECT_FALSE(passed.can(1290)) << "no search within a list";
  EXPECT_EQ(passed.hole_for(1280), 1u);
}

// ---- Constant time, counted in instructions

// The most that one of many operations takes, with that many free blocks of two dozen sizes and as many
// live ones between them.
template <class Resource>
std::optional<long> most_instructions(std::size_t holes) {
  std::vector<std::size_t> units;
  for (std::size_t i = 0; i < holes; ++i) units.push_back(3 + i % 12 + (i % 24 / 12) * 80);
  units.push_back(5000);
  with_holes<Resource> state(units);
  std::optional<long> most = instructions_of([] {});
  std::vector<std::function<void()>> works;
  for (std::size_t bytes : {1U, 40U, 100U, 700U, 1500U, 30'000U}) {
    works.emplace_back([&, bytes] { (void)state.one.try_allocate(bytes, 8); });
    works.emplace_back([&, bytes] { (void)state.one.try_allocate(bytes, 256); });
  }
  // Too long for any.
  works.emplace_back([&] { (void)state.one.try_allocate(std::size_t{1} << 30, 8); });
  // Merges with both neighbours.
  works.emplace_back([&] { state.one.deallocate(state.wall(holes / 2), payload_of(2), 8); });
  for (const auto& work : works) {
    std::optional<long> one = instructions_of(work);
    if (!one || !most) return std::nullopt;
    most = std::max(*most, *one);
  }
  return most;
}

TEST(Tlsf, InstructionsDontGrowWithTheNumberOfBlocks) {
  if (config::thread_sanitizer) GTEST_SKIP() << "its checks would be counted, too";
  std::optional<long> few = most_instructions<tlsf>(25);
  if (!few) GTEST_SKIP() << "no stepping through a child here";
  for (std::size_t holes : {500U, 10'000U}) {
    EXPECT_LE(most_instructions<tlsf>(holes).value(), *few + *few / 10) << holes;
  }
  // What the same count is where there is a search.
  EXPECT_GT(most_instructions<first_fit>(300).value(), *few + 900);
}

// ---- Misuse

TEST(TlsfDeathTest, WrongFreesStop) { expect_wrong_frees_stop<tlsf>("tlsf"); }

TEST(TlsfDeathTest, StrayWritesStop) { expect_stray_writes_stop<tlsf>("tlsf"); }

#if STRATA_UNDER_ASAN
TEST(TlsfDeathTest, FreeMemoryAndTagsArePoisoned) { expect_strays_are_poisoned<tlsf>(); }
#endif

}  // namespace
}  // namespace strata
