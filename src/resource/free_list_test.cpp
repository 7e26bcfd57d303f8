#include <strata/free_list.hpp>

#include "resource/tagged_heap_test.hpp"

namespace strata {
namespace {

static_assert(resource<first_fit>);
static_assert(resource<next_fit>);
static_assert(resource<best_fit>);
static_assert(resource<segregated_fit>);

constexpr free_list_options by_address{.order = list_order::address};
constexpr free_list_options deferred{.when = coalescing::deferred};
constexpr std::array all_options{
    free_list_options{}, by_address, deferred,
    free_list_options{.when = coalescing::deferred, .order = list_order::address}};

template <class Resource>
class FreeList : public testing::Test {};
using all_fits = testing::Types<first_fit, next_fit, best_fit, segregated_fit>;
TYPED_TEST_SUITE(FreeList, all_fits);

TYPED_TEST(FreeList, AgreesWithTheModel) {
  for (free_list_options options : all_options) {
    test_upstream upstream;
    options.regions.first_region_bytes = 4096;
    TypeParam one(&upstream, options);
    run_model(one, {.operations = 6000, .most_live = 300});
    run_containers(one);
    run_model(one, {.operations = 1500, .most_bytes = 20'000, .most_alignment = 4096, .seed = 2});
    one.coalesce();
    one.verify();
    expect_regions_add_up(one);
  }
}

TYPED_TEST(FreeList, AllOfABufferComesBackInAnyOrder) {
  std::uint64_t seed = 1;
  for (const free_list_options& options : all_options) {
    for (int i = 0; i < 3; ++i) expect_all_comes_back<TypeParam>(seed++, options);
  }
}

TYPED_TEST(FreeList, EmptyRegionsGoBack) {
  for (const free_list_options& options : all_options) expect_regions_go_back<TypeParam>(options);
}

TYPED_TEST(FreeList, TakesAnyAlignment) {
  for (const free_list_options& options : all_options) {
    test_upstream upstream;
    TypeParam one(&upstream, options);
    expect_any_alignment(one);
  }
}

TYPED_TEST(FreeList, ExhaustionIsNullAndHarmless) {
  test_upstream upstream;
  TypeParam limited(&upstream, {.regions = {.first_region_bytes = 512, .most_bytes = 10'000}});
  std::size_t got = 0;
  while (limited.try_allocate(100, 8) != nullptr) ++got;
  EXPECT_GT(got, 80u);
  EXPECT_LE(limited.statistics().held_bytes, 10'000u);
  expect_exhaustion_is_harmless(limited, upstream);
}

TYPED_TEST(FreeList, ABufferTooShortForABlockIsNotUsed) {
  alignas(16) std::array<std::byte, 80> memory{};
  for (std::size_t bytes = 0; bytes <= memory.size(); ++bytes) {
    TypeParam one(std::span<std::byte>(memory).first(bytes));
    EXPECT_EQ(one.try_allocate(24, 8) != nullptr, bytes >= 64);
    EXPECT_EQ(one.try_allocate(24, 8), nullptr);
    one.release();
    expect_regions_add_up(one);
  }
}

TYPED_TEST(FreeList, EmptyBlocksDiffer) {
  TypeParam one;
  EXPECT_NE(one.try_allocate(0, 1), one.try_allocate(0, 1));
  EXPECT_EQ(one.statistics().live_blocks, 2u);
}

TYPED_TEST(FreeList, OwnsWhatItHolds) {
  TypeParam one;
  auto* block = static_cast<std::byte*>(one.try_allocate(100, 8));
  EXPECT_TRUE(one.owns(block));
  EXPECT_TRUE(one.owns(block + 99));
  EXPECT_FALSE(one.owns(&one));
}

TYPED_TEST(FreeList, ABlockMergesWithBothNeighbours) {
  for (list_order order : {list_order::lifo, list_order::address}) {
    // Which of three neighbours are freed before the middle one.
    for (unsigned before = 0; before < 4; ++before) {
      exact_buffer buffer(30 * unit);
      TypeParam one(buffer.span(), free_list_options{.order = order});
      void* high = one.try_allocate(payload_of(10), 8);
      void* middle = one.try_allocate(payload_of(10), 8);
      void* low = one.try_allocate(payload_of(10), 8);
      EXPECT_EQ(one.free_space().free_blocks, 0u);
      if ((before & 1) != 0) one.deallocate(low, payload_of(10), 8);
      if ((before & 2) != 0) one.deallocate(high, payload_of(10), 8);
      one.deallocate(middle, payload_of(10), 8);
      std::size_t units = 10 + (before & 1) * 10 + (before >> 1) * 10;
      EXPECT_EQ(one.free_space().free_blocks, 1u);
      EXPECT_EQ(one.free_space().largest_bytes, units * unit);
      EXPECT_EQ(one.statistics().live_blocks, 3 - units / 10);
      one.verify();
      EXPECT_NE(one.try_allocate(payload_of(units), 8), nullptr);
    }
  }
}

TYPED_TEST(FreeList, DeferredBlocksMergeWhenARequestCantBeMet) {
  exact_buffer buffer(100 * unit);
  TypeParam one(buffer.span(), deferred);
  std::vector<void*> live;
  for (int i = 0; i < 10; ++i) live.push_back(one.try_allocate(payload_of(10), 8));
  for (void* each : live) one.deallocate(each, payload_of(10), 8);
  EXPECT_EQ(one.free_space().free_blocks, 10u);
  EXPECT_EQ(one.free_space().largest_bytes, 10 * unit);
  one.verify();
  void* short_one = one.try_allocate(payload_of(10), 8);
  EXPECT_EQ(one.free_space().free_blocks, 9u) << "one of the size was there: nothing is merged";
  one.deallocate(short_one, payload_of(10), 8);
  EXPECT_NE(one.try_allocate(payload_of(55), 8), nullptr);
  EXPECT_EQ(one.free_space().free_blocks, 1u);
  EXPECT_EQ(one.free_space().largest_bytes, 45 * unit);
}

TYPED_TEST(FreeList, DeferredBlocksMergeOnDemand) {
  for (list_order order : {list_order::lifo, list_order::address}) {
    exact_buffer buffer(100 * unit);
    TypeParam one(buffer.span(), free_list_options{.when = coalescing::deferred, .order = order});
    std::vector<void*> live;
    for (int i = 0; i < 10; ++i) live.push_back(one.try_allocate(payload_of(10), 8));
    for (std::size_t i : {8U, 1U, 2U, 5U, 6U, 9U}) one.deallocate(live[i], payload_of(10), 8);
    EXPECT_EQ(one.free_space().free_blocks, 6u);
    one.coalesce();
    one.verify();
    EXPECT_EQ(one.free_space().free_blocks, 3u);
    EXPECT_EQ(one.free_space().free_bytes, 60 * unit);
    EXPECT_EQ(one.free_space().largest_bytes, 20 * unit);
  }
}

TYPED_TEST(FreeList, TheBlockFreedLastServesFirst) {
  with_holes<TypeParam> lifo({10, 10, 10});
  EXPECT_EQ(lifo.hole_for(10), 2u);
  EXPECT_EQ(lifo.hole_for(10), 1u);
}

TYPED_TEST(FreeList, TheLowestAddressServesFirst) {
  with_holes<TypeParam> ordered({10, 10, 10}, by_address);
  EXPECT_EQ(ordered.hole_for(10), 0u);
  EXPECT_EQ(ordered.hole_for(10), 1u);
}

TYPED_TEST(FreeList, AlignedBlocksComeFromHolesThatFitByLuck) {
  exact_buffer buffer(600 * unit);
  TypeParam one(buffer.span());
  void* block = one.try_allocate(payload_of(4), 4096);
  ASSERT_NE(block, nullptr);
  one.deallocate(block, payload_of(4), 4096);
  EXPECT_EQ(one.free_space().free_blocks, 1u);
  void* rest = one.try_allocate(payload_of(4), 4096);
  EXPECT_EQ(rest, block);
  // Full but for the hole it leaves, which is too short to be sure of the alignment.
  while (one.try_allocate(payload_of(2), 8) != nullptr) {
  }
  one.deallocate(rest, payload_of(4), 4096);
  EXPECT_EQ(one.try_allocate(payload_of(4), 4096), block);
}

// ---- Where the policies differ

// Knuth, section 2.5: areas of 1300 and 1200 words, requests for 1000, 1100 and 250.
TEST(Fits, WhereFirstFitSucceedsAndBestFitIsStuck) {
  with_holes<first_fit> first({1300, 1200}, by_address);
  EXPECT_TRUE(first.can(1000));
  EXPECT_TRUE(first.can(1100));
  EXPECT_TRUE(first.can(250));
  with_holes<best_fit> best({1300, 1200}, by_address);
  EXPECT_TRUE(best.can(1000));
  EXPECT_TRUE(best.can(1100));
  EXPECT_FALSE(best.can(250));
  EXPECT_EQ(best.one.free_space().largest_bytes, 200 * unit);
}

// The same areas, and requests that turn it round.
TEST(Fits, WhereBestFitSucceedsAndFirstFitIsStuck) {
  with_holes<best_fit> best({1300, 1200}, by_address);
  EXPECT_TRUE(best.can(1100));
  EXPECT_TRUE(best.can(1050));
  EXPECT_TRUE(best.can(250));
  with_holes<first_fit> first({1300, 1200}, by_address);
  EXPECT_TRUE(first.can(1100));
  EXPECT_TRUE(first.can(1050));
  EXPECT_FALSE(first.can(250));
}

// The roving pointer of Knuth's exercise 2.5-6: the search goes on where the last one ended.
TEST(Fits, NextFitRoves) {
  with_holes<next_fit> next({100, 100, 100}, by_address);
  EXPECT_EQ(next.hole_for(60), 0u);
  EXPECT_EQ(next.hole_for(60), 1u);
  EXPECT_EQ(next.hole_for(30), 1u) << "the first hole has room, but lies behind";
  EXPECT_EQ(next.hole_for(50), 2u);
  EXPECT_EQ(next.hole_for(40), 2u);
  EXPECT_EQ(next.hole_for(40), 0u) << "round the end";
  with_holes<first_fit> first({100, 100, 100}, by_address);
  EXPECT_EQ(first.hole_for(60), 0u);
  EXPECT_EQ(first.hole_for(60), 1u);
  EXPECT_EQ(first.hole_for(30), 0u);
}

// Roving spreads small blocks over all memory, which is what Bays (1977) found it to lose by.
TEST(Fits, WhereFirstFitSucceedsAndNextFitIsStuck) {
  with_holes<first_fit> first({100, 200}, by_address);
  with_holes<next_fit> next({100, 200}, by_address);
  for (std::size_t units : {60U, 60U, 40U}) {
    EXPECT_TRUE(first.can(units));
    EXPECT_TRUE(next.can(units));
  }
  EXPECT_TRUE(first.can(140));
  EXPECT_FALSE(next.can(140));
}

TEST(Fits, WhereNextFitSucceedsAndFirstFitIsStuck) {
  with_holes<first_fit> first({100, 200}, by_address);
  with_holes<next_fit> next({100, 200}, by_address);
  for (std::size_t units : {150U, 50U}) {
    EXPECT_TRUE(first.can(units));
    EXPECT_TRUE(next.can(units));
  }
  EXPECT_FALSE(first.can(100));
  EXPECT_TRUE(next.can(100));
}

TEST(Fits, SegregatedFitLooksInTheOwnClassFirst) {
  with_holes<first_fit> first({1000, 100, 300}, by_address);
  EXPECT_EQ(first.hole_for(99), 0u);
  with_holes<segregated_fit> segregated({1000, 100, 300}, by_address);
  EXPECT_EQ(segregated.hole_for(99), 1u);
  EXPECT_EQ(segregated.hole_for(99), 2u) << "the next class that has any";
}

TEST(Fits, SegregatedFitTakesTheFirstOfAClassAndBestFitTheShortest) {
  // One class: from 20480 bytes on, 512 more.
  with_holes<segregated_fit> segregated({1282, 1300, 1290}, by_address);
  EXPECT_EQ(segregated.hole_for(1285), 1u);
  with_holes<best_fit> best({1282, 1300, 1290}, by_address);
  EXPECT_EQ(best.hole_for(1285), 2u);
}

TEST(Fits, BestFitIsTheShortestOfAll) {
  std::mt19937 random{4};
  std::vector<std::size_t> units;
  for (int i = 0; i < 200; ++i) units.push_back(3 + random() % 3000);
  with_holes<best_fit> best(units);
  for (int i = 0; i < 200; ++i) {
    // Holes are taken whole, or nearly, so that it is known what there is.
    std::size_t asked = units[random() % units.size()];
    if (asked == SIZE_MAX) continue;
    std::size_t shortest = SIZE_MAX;
    for (std::size_t each : units) {
      if (each >= asked - 1 && each < shortest) shortest = each;
    }
    std::size_t hole = best.hole_for(asked - 1);
    ASSERT_NE(hole, SIZE_MAX);
    EXPECT_EQ(units[hole], shortest);
    units[hole] = SIZE_MAX;
  }
}

TEST(Fits, BestFitIsTheShortestForAnAlignment) {
  with_holes<best_fit> best({600, 20, 400, 3});
  std::uintptr_t aligned = detail::address_of(best.one.try_allocate(100, 1024));
  EXPECT_EQ(aligned % 1024, 0u);
  best.one.verify();
  EXPECT_EQ(best.hole_for(600), 0u) << "the longest is still whole";
}

// ---- Misuse

template <class Resource>
class FreeListDeathTest : public testing::Test {};
TYPED_TEST_SUITE(FreeListDeathTest, all_fits);

template <class Resource>
std::string name_of() {
  if (std::is_same_v<Resource, first_fit>) return "first_fit";
  if (std::is_same_v<Resource, next_fit>) return "next_fit";
  return std::is_same_v<Resource, best_fit> ? "best_fit" : "segregated_fit";
}

TYPED_TEST(FreeListDeathTest, WrongFreesStop) {
  expect_wrong_frees_stop<TypeParam>(name_of<TypeParam>());
}

TYPED_TEST(FreeListDeathTest, StrayWritesStop) {
  expect_stray_writes_stop<TypeParam>(name_of<TypeParam>());
}

TEST(FreeListDeathTest, DeferredFreesAreCheckedToo) {
  exact_buffer buffer(4096);
  segregated_fit one(buffer.span(), deferred);
  void* block = one.try_allocate(100, 8);
  void* other = one.try_allocate(100, 8);
  one.deallocate(block, 100, 8);
  EXPECT_DEATH(one.deallocate(block, 100, 8), "strata: segregated_fit: double free");
  smash(detail::address_of(block) - 8, 0x20);
  EXPECT_DEATH(one.deallocate(other, 100, 8), "write past the end of a block");
  EXPECT_DEATH(one.coalesce(), "corrupted metadata");
}

#if STRATA_UNDER_ASAN
TEST(FreeListDeathTest, FreeMemoryAndTagsArePoisoned) { expect_strays_are_poisoned<first_fit>(); }
#endif

}  // namespace
}  // namespace strata
