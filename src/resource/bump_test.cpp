#include <strata/bump.hpp>

#include <array>
#include <memory>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

static_assert(resource<bump>);

// Writes its number down when it dies.
struct mortal {
  mortal(std::vector<int>& into, int which) : deaths(&into), number(which) {}
  mortal(const mortal&) = delete;
  mortal& operator=(const mortal&) = delete;
  ~mortal() { deaths->push_back(number); }
  std::vector<int>* deaths;
  int number;
};

class Bump : public testing::Test {
 protected:
  test_upstream upstream_;
  std::vector<int> deaths_;  // outlives what writes there
  bump bump_{&upstream_, {.first_chunk_bytes = 512, .most_chunk_bytes = 8192}};
};

TEST_F(Bump, AgreesWithTheModel) {
  run_model(bump_, {.operations = 3000});
  run_model(bump_, {.operations = 3000, .most_live = 3000, .frees_any = false, .seed = 2});
  run_containers(bump_);
  expect_regions_add_up(bump_);
}

TEST_F(Bump, ChunksDouble) {
  for (int i = 0; i < 4000; ++i) ASSERT_NE(bump_.try_allocate(16, 8), nullptr);
  std::vector<std::size_t> sizes = upstream_.sizes();
  ASSERT_GE(sizes.size(), 6u);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_EQ(sizes[i], std::min<std::size_t>(512u << i, 8192));
  }
}

TEST_F(Bump, ALongBlockHasAChunkOfItsOwn) {
  void* block = bump_.try_allocate(100'000, 8);
  ASSERT_NE(block, nullptr);
  EXPECT_LT(upstream_.live_bytes(), 100'100u);
  EXPECT_TRUE(bump_.owns(block));
  EXPECT_FALSE(bump_.owns(this));
}

TEST_F(Bump, TheYoungestBlockGoesBackAndGrowsInPlace) {
  void* older = bump_.try_allocate(40, 8);
  void* youngest = bump_.try_allocate(40, 8);
  EXPECT_FALSE(bump_.resize(older, 40, 60));
  EXPECT_TRUE(bump_.resize(youngest, 40, 200));
  EXPECT_FALSE(bump_.resize(youngest, 200, 5000)) << "longer than the chunk";
  EXPECT_TRUE(bump_.resize(youngest, 200, 8));
  bump_.deallocate(youngest, 8, 8);
  EXPECT_EQ(bump_.try_allocate(16, 8), youngest);
  EXPECT_GE(bump_.statistics().peak_used_bytes, 240u);
}

TEST_F(Bump, EmptyBlocksDiffer) { EXPECT_NE(bump_.try_allocate(0, 1), bump_.try_allocate(0, 1)); }

TEST_F(Bump, ObjectsDieYoungestFirst) {
  std::vector<int> deaths;
  for (int i = 0; i < 3; ++i) bump_.make<mortal>(deaths, i);
  bump::marker place = bump_.mark();
  for (int i = 3; i < 100; ++i) bump_.make<mortal>(deaths, i);
  bump_.rewind(place);
  ASSERT_EQ(deaths.size(), 97u);
  EXPECT_EQ(deaths.front(), 99);
  EXPECT_EQ(deaths.back(), 3);
  bump_.reset();
  EXPECT_EQ(deaths.back(), 0);
  EXPECT_EQ(deaths.size(), 100u);
}

TEST_F(Bump, WhatAConstructorThrowsPasses) {
  struct thrower {
    thrower() { throw 7; }
    ~thrower() { ADD_FAILURE() << "never lived"; }
  };
  EXPECT_THROW(bump_.make<thrower>(), int);
  bump_.reset();
}

TEST_F(Bump, ADestructorMayAllocate) {
  struct parting {
    explicit parting(bump& in) : from(&in) {}
    parting(const parting&) = delete;
    parting& operator=(const parting&) = delete;
    ~parting() { EXPECT_NE(from->try_allocate(100, 8), nullptr); }
    bump* from;
  };
  for (int i = 0; i < 50; ++i) bump_.make<parting>(bump_);
  bump_.reset();
  bump_.verify();
  EXPECT_EQ(bump_.statistics().used_bytes, 0u);
}

TEST_F(Bump, RewindingKeepsChunksForReuse) {
  bump::marker empty = bump_.mark();
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 1000; ++i) ASSERT_NE(bump_.try_allocate(16, 8), nullptr);
    bump_.rewind(empty);
    bump_.verify();
  }
  std::size_t taken = upstream_.taken();
  for (int i = 0; i < 1000; ++i) ASSERT_NE(bump_.try_allocate(16, 8), nullptr);
  EXPECT_EQ(upstream_.taken(), taken);
  bump_.release();
  EXPECT_EQ(upstream_.live_blocks(), 0u);
  EXPECT_NE(bump_.try_allocate(1, 1), nullptr);
}

TEST_F(Bump, NestedMarkersRewindInTurn) {
  std::vector<int>& deaths = deaths_;
  std::vector<bump::marker> places;
  std::mt19937 random{5};
  for (int round = 0; round < 2000; ++round) {
    if (places.empty() || random() % 5 < 3) {
      places.push_back(bump_.mark());
      bump_.make<mortal>(deaths, static_cast<int>(places.size()));
      ASSERT_NE(bump_.try_allocate(random() % 900, 8), nullptr);
    } else {
      std::size_t depth = random() % places.size();
      deaths.clear();
      bump_.rewind(places[depth]);
      EXPECT_EQ(deaths.size(), places.size() - depth);
      places.resize(depth);
    }
    bump_.verify();
  }
}

TEST_F(Bump, StartsInTheBufferGiven) {
  std::array<std::byte, 400> buffer;
  bump local(buffer, &upstream_);
  void* first = local.try_allocate(100, 8);
  EXPECT_GE(first, buffer.data());
  EXPECT_LT(first, buffer.data() + buffer.size());
  EXPECT_EQ(upstream_.taken(), 0u);
  ASSERT_NE(local.try_allocate(400, 8), nullptr);
  EXPECT_EQ(upstream_.taken(), 1u);
  expect_regions_add_up(local);
  local.release();
  EXPECT_EQ(upstream_.live_blocks(), 0u);
  EXPECT_EQ(local.try_allocate(100, 8), first) << "the buffer serves again";
}

TEST_F(Bump, ABufferTooShortForAnythingIsNotUsed) {
  for (std::size_t bytes = 0; bytes < 64; ++bytes) {
    std::array<std::byte, 64> buffer;
    bump local(std::span<std::byte>(buffer).first(bytes), &upstream_);
    ASSERT_NE(local.try_allocate(48, 8), nullptr);
    EXPECT_EQ(upstream_.live_blocks(), 1u);
  }
}

TEST_F(Bump, ExhaustionIsNullAndHarmless) {
  bump limited(&upstream_, {.first_chunk_bytes = 256, .most_bytes = 4096});
  std::size_t got = 0;
  while (limited.try_allocate(100, 8) != nullptr) ++got;
  EXPECT_GT(got, 30u);
  EXPECT_LE(limited.statistics().held_bytes, 4096u);
  EXPECT_EQ(limited.try_allocate(SIZE_MAX - 8, 8), nullptr);
  EXPECT_EQ(limited.try_allocate(SIZE_MAX / 2, 4096), nullptr);
  using too_long = std::array<char, 5000>;
  EXPECT_THROW(limited.make<too_long>(), std::bad_alloc);
  limited.reset();
  EXPECT_NE(limited.try_allocate(100, 8), nullptr);
  // Upstream fails at each of its calls in turn.
  for (std::size_t left = 0; left < 5; ++left) {
    upstream_.left = left;
    bump failing(&upstream_);
    std::size_t blocks = 0;
    while (failing.try_allocate(300, 64) != nullptr) ++blocks;
    EXPECT_EQ(blocks == 0, left == 0);
    failing.verify();
  }
  upstream_.left = SIZE_MAX;
}

TEST_F(Bump, MergeTakesOverObjectsAndMemory) {
  std::vector<int> deaths;
  for (int own = 0; own < 2; ++own) {
    for (int theirs = 0; theirs < 40; theirs += 13) {
      bump into(&upstream_, {.first_chunk_bytes = 256});
      bump from(&upstream_, {.first_chunk_bytes = 256});
      if (own == 1) into.make<mortal>(deaths, 1000);
      mortal* last = nullptr;
      for (int i = 0; i < theirs; ++i) last = from.make<mortal>(deaths, i);
      std::size_t held = into.statistics().held_bytes + from.statistics().held_bytes;
      into.merge(from);
      into.verify();
      from.verify();
      expect_regions_add_up(into);
      EXPECT_EQ(from.statistics().held_bytes, 0u);
      EXPECT_EQ(into.statistics().held_bytes, held);
      if (last != nullptr) {
        EXPECT_EQ(last->number, theirs - 1);
      }
      ASSERT_NE(into.try_allocate(50, 8), nullptr);
      ASSERT_NE(from.try_allocate(50, 8), nullptr);
      deaths.clear();
      into.reset();
      EXPECT_EQ(deaths.size(), static_cast<std::size_t>(own + theirs));
    }
  }
}

// What others have a pointer class of its own for.
TEST_F(Bump, AnObjectAndItsPartsInOneBlock) {
  struct parsed {
    explicit parsed(std::pmr::memory_resource* in) : words(in), counts(in) {}
    std::pmr::vector<std::pmr::string> words;
    std::pmr::vector<int> counts;
  };
  bump together(&upstream_, {.first_chunk_bytes = 4096});
  pmr_ref parts(together);
  auto* made = together.make<parsed>(&parts);
  made->words.reserve(10);
  for (int i = 0; i < 10; ++i) {
    made->words.emplace_back("a word that is too long to stand in place");
    made->counts.push_back(i);
  }
  EXPECT_EQ(upstream_.taken(), 1u);
  EXPECT_TRUE(together.owns(made->words[9].data()) && together.owns(&made->counts[9]));
  together.release();
  EXPECT_EQ(upstream_.live_blocks(), 0u) << "object and parts went at once";
}

TEST_F(Bump, WorksUnderPmrAndByItself) {
  as_pmr<bump> memory(&upstream_);
  std::pmr::vector<std::pmr::string> texts(&memory);
  for (int i = 0; i < 100; ++i) texts.emplace_back("a string that is too long to stand in place");
  EXPECT_GT(memory->statistics().used_bytes, 4000u);
  as_pmr<bump> other(&upstream_);
  EXPECT_FALSE(memory.is_equal(other));
  EXPECT_TRUE(memory.is_equal(pmr_ref(*memory)));
}

using BumpDeathTest = Bump;

TEST_F(BumpDeathTest, WrongMarkersAndMergesStop) {
  bump other(&upstream_);
  ASSERT_NE(other.try_allocate(10, 8), nullptr);
  bump::marker of_other = other.mark();
  EXPECT_DEATH(bump_.rewind(of_other), "strata: bump: call that is not allowed: address 0x");
  bump elsewhere;
  EXPECT_DEATH(bump_.merge(elsewhere), "strata: bump: call that is not allowed");
  EXPECT_DEATH(bump_.merge(bump_), "strata: bump: call that is not allowed");
  std::array<std::byte, 1000> buffer;
  bump given(buffer, &upstream_);
  ASSERT_NE(given.try_allocate(10, 8), nullptr);
  EXPECT_DEATH(bump_.merge(given), "strata: bump: call that is not allowed");
}

#if STRATA_UNDER_ASAN
TEST_F(BumpDeathTest, RewoundMemoryIsPoisoned) {
  bump::marker place = bump_.mark();
  auto* block = static_cast<char*>(bump_.try_allocate(100, 8));
  bump_.rewind(place);
  EXPECT_DEATH(block[5] = 1, "use-after-poison");
}
#endif

}  // namespace
}  // namespace strata
