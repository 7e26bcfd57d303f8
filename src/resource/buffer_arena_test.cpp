#include <memory>
#include <optional>
#include <set>

#include "resource/buffer_arena_test.hpp"

namespace strata {
namespace {

static_assert(resource<buffer_arena>);

TEST_F(BufferArena, AgreesWithTheModel) {
  run_model(arena_, {.operations = 5000});
  run_model(arena_, {.operations = 2000, .most_live = 100, .most_bytes = 200'000, .seed = 2});
  run_model(arena_,
            {.operations = 1000, .most_bytes = 30'000, .most_alignment = 65'536, .seed = 3});
  run_containers(arena_);
  expect_regions_add_up(arena_);
  EXPECT_EQ(arena_.statistics().live_blocks, 0u);
  EXPECT_EQ(arena_.statistics().used_bytes, 0u);
}

TEST_F(BufferArena, AgreesWithTheModelInSmallChunksAndWithoutCaches) {
  buffer_arena small(&upstream_, {.chunk_bytes = 64 * kib, .arenas = 1});
  run_model(small, {.operations = 3000, .most_bytes = 20'000});
  buffer_arena bare(&upstream_, {.arenas = 3, .thread_caches = false});
  run_model(bare, {.operations = 3000, .most_bytes = 20'000, .seed = 4});
  EXPECT_EQ(bare.metrics().threads, 0u);
  EXPECT_EQ(bare.metrics().hits, 0u);
}

TEST_F(BufferArena, EachClassHasMetricsCachedOrNot) {
  for (bool cached : {true, false}) {
    buffer_arena arena(&upstream_, {.arenas = 1, .thread_caches = cached});
    for (std::size_t number = 0; number < 60; ++number) {
      std::size_t bytes = buffer_arena_metrics::class_bytes(number);
      for (int i = 0; i < 5; ++i) {
        void* block = arena.try_allocate(bytes, 8);
        ASSERT_NE(block, nullptr);
        EXPECT_EQ(arena.metrics().live_bytes, bytes);
        arena.deallocate(block, bytes, 8);
      }
      buffer_arena_metrics now = arena.metrics();
      EXPECT_EQ(now.allocations[number], 5u);
      EXPECT_EQ(now.frees[number], 5u);
      EXPECT_EQ(now.live_bytes, 0u);
    }
    buffer_arena_metrics now = arena.metrics();
    EXPECT_EQ(now.hits + now.misses, 300u);
    EXPECT_EQ(now.hits, cached ? 40u * 4 : 0u) << "all but each class's first, up to 32 KiB";
    EXPECT_EQ(now.threads, cached ? 1u : 0u);
  }
}

TEST_F(BufferArena, PinnedMemoryIsWhatIsLiveNotWhatIsCached) {
  EXPECT_EQ(arena_.metrics().live_bytes, 0u);
  void* small = arena_.try_allocate(100, 8);
  void* normal = arena_.try_allocate(100 * kib, 8);
  EXPECT_EQ(arena_.metrics().live_bytes, 112 + 112 * kib);
  arena_.deallocate(small, 100, 8);
  EXPECT_EQ(arena_.metrics().live_bytes, 112 * kib);
  EXPECT_EQ(arena_.metrics().cached_bytes, 112u);
  arena_.deallocate(normal, 100 * kib, 8);
  EXPECT_EQ(arena_.metrics().live_bytes, 0u);
  EXPECT_EQ(arena_.metrics().cached_bytes, 112u) << "long runs are not cached";
  arena_.trim();
  EXPECT_EQ(arena_.metrics().cached_bytes, 0u);
  EXPECT_EQ(count(arena_.metrics().chunks), 0u);
}

// In the longest chunk an element's place needs all bits of its offset.
TEST_F(BufferArena, SmallBlocksAtLargeOffsets) {
  buffer_arena arena(&upstream_, {.chunk_bytes = 32 * mib, .arenas = 1});
  blocks live(arena);
  std::set<void*> found;
  while (count(arena.metrics().chunks) < 2) {
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(found.insert(live.take(28 * kib)).second);
  }
  EXPECT_GT(found.size(), 1100u);
  arena.verify();
  live.free_all();
  arena.trim();
  EXPECT_EQ(count(arena.metrics().chunks), 0u);
}

TEST_F(BufferArena, AChunkThatFallsEmptyIsFreed) {
  std::vector<void*> runs;
  for (int i = 0; i < 3; ++i) runs.push_back(arena_.try_allocate(3584 * kib, 8));
  EXPECT_EQ(in(arena_, buffer_band::q050), 3u) << "88 %, on the way up";
  for (void* run : runs) arena_.deallocate(run, 3584 * kib, 8);
  EXPECT_EQ(count(arena_.metrics().chunks), 1u) << "one stays for the next";
  EXPECT_EQ(in(arena_, buffer_band::qinit), 1u);
  std::size_t taken = upstream_.taken();
  for (int i = 0; i < 100; ++i) {
    arena_.deallocate(arena_.try_allocate(mib, 8), mib, 8);
  }
  EXPECT_EQ(upstream_.taken(), taken) << "a run by turns fetches no chunks";
  arena_.trim();
  EXPECT_EQ(count(arena_.metrics().chunks), 0u);
}

TEST_F(BufferArena, ChunksGoThroughTheBandsAsTheyFillAndEmpty) {
  // 505 pages are usable; runs of 56 are 11 %.
  std::vector<void*> runs;
  std::vector<buffer_band> seen;
  auto look = [&] {
    for (auto which : {buffer_band::qinit, buffer_band::q000, buffer_band::q025, buffer_band::q050,
                       buffer_band::q075, buffer_band::q100}) {
      if (in(arena_, which) == 1 && (seen.empty() || seen.back() != which)) seen.push_back(which);
    }
  };
  void* other = arena_.try_allocate(8 * kib, 8);
  for (int i = 0; i < 9; ++i) {
    runs.push_back(arena_.try_allocate(448 * kib, 8));
    look();
  }
  EXPECT_EQ(count(arena_.metrics().chunks), 1u);
  EXPECT_EQ(seen, (std::vector{buffer_band::qinit, buffer_band::q000, buffer_band::q025,
                               buffer_band::q050, buffer_band::q100}));
  seen.clear();
  arena_.verify();
  arena_.deallocate(other, 8 * kib, 8);
  arena_.trim();
  look();
  for (void* run : runs) {
    arena_.deallocate(run, 448 * kib, 8);
    arena_.verify();
    look();
  }
  EXPECT_EQ(seen, (std::vector{buffer_band::q075, buffer_band::q050, buffer_band::q025,
                               buffer_band::q000, buffer_band::qinit}));
}

TEST_F(BufferArena, HalfFullChunksAreSearchedFirst) {
  std::vector<void*> first;
  std::vector<void*> second;
  for (int i = 0; i < 9; ++i) first.push_back(arena_.try_allocate(448 * kib, 8));
  for (int i = 0; i < 9; ++i) second.push_back(arena_.try_allocate(448 * kib, 8));
  auto chunk_of = [](void* run) { return detail::align_down(detail::address_of(run), 4 * mib); };
  ASSERT_NE(chunk_of(first[0]), chunk_of(second[0]));
  for (std::size_t i = 0; i < 3; ++i) arena_.deallocate(first[i], 448 * kib, 8);   // 66 %
  for (std::size_t i = 0; i < 7; ++i) arena_.deallocate(second[i], 448 * kib, 8);  // 22 %
  EXPECT_EQ(in(arena_, buffer_band::q050), 1u);
  EXPECT_EQ(in(arena_, buffer_band::q000), 1u);
  for (std::size_t i = 0; i < 3; ++i) {
    first[i] = arena_.try_allocate(448 * kib, 8);
    EXPECT_EQ(chunk_of(first[i]), chunk_of(first[8]));
  }
  for (std::size_t i = 7; i < 9; ++i) arena_.deallocate(second[i], 448 * kib, 8);
  for (void* run : first) arena_.deallocate(run, 448 * kib, 8);
}

TEST_F(BufferArena, HugeBlocksComeStraightFromUpstream) {
  void* huge = arena_.try_allocate(10 * mib, 8);
  void* aligned = arena_.try_allocate(100, 64 * kib);
  EXPECT_EQ(detail::address_of(aligned) % (64 * kib), 0u);
  EXPECT_EQ(arena_.metrics().huge_blocks, 2u);
  EXPECT_EQ(arena_.metrics().huge_bytes, 10 * mib + 100);
  EXPECT_EQ(count(arena_.metrics().chunks), 0u);
  EXPECT_TRUE(arena_.owns(static_cast<std::byte*>(huge) + 5 * mib));
  EXPECT_FALSE(arena_.owns(this));
  expect_regions_add_up(arena_);
  arena_.verify();
  std::size_t live = upstream_.live_blocks();
  arena_.deallocate(huge, 10 * mib, 8);
  arena_.deallocate(aligned, 100, 64 * kib);
  EXPECT_EQ(upstream_.live_blocks(), live - 2) << "they go back at once";
}

TEST_F(BufferArena, GrowsInPlaceWhereTheRunAllows) {
  auto* run = static_cast<char*>(arena_.try_allocate(16 * kib, 8));
  std::memset(run, 'x', 16 * kib);
  EXPECT_TRUE(arena_.resize(run, 16 * kib, 300 * kib, 8));
  EXPECT_EQ(arena_.metrics().live_bytes, 320 * kib);
  std::memset(run + 16 * kib, 'y', 284 * kib);
  EXPECT_EQ(run[16 * kib - 1], 'x');
  void* behind = arena_.try_allocate(40 * kib, 8);
  EXPECT_FALSE(arena_.resize(run, 300 * kib, 400 * kib, 8)) << "the next run is in use";
  EXPECT_TRUE(arena_.resize(run, 300 * kib, 310 * kib, 8)) << "rounding has room";
  EXPECT_TRUE(arena_.resize(run, 310 * kib, 8 * kib, 8));
  EXPECT_FALSE(arena_.resize(run, 8 * kib, 100, 8)) << "elements are elsewhere";
  arena_.verify();
  expect_regions_add_up(arena_);
  arena_.deallocate(run, 8 * kib, 8);
  arena_.deallocate(behind, 40 * kib, 8);
  void* element = arena_.try_allocate(100, 8);
  EXPECT_TRUE(arena_.resize(element, 100, 112, 8));
  EXPECT_FALSE(arena_.resize(element, 112, 113, 8));
  arena_.deallocate(element, 112, 8);
  void* huge = arena_.try_allocate(9 * mib, 8);
  EXPECT_TRUE(arena_.resize(huge, 9 * mib, 5 * mib, 8));
  EXPECT_FALSE(arena_.resize(huge, 5 * mib, 10 * mib, 8));
  EXPECT_FALSE(arena_.resize(huge, 5 * mib, mib, 8)) << "that would be a run";
  EXPECT_EQ(arena_.metrics().huge_bytes, 5 * mib);
  arena_.deallocate(huge, 5 * mib, 8);
  EXPECT_EQ(arena_.statistics().used_bytes, 0u);
}

// ---- Memory given back

// A spike to 200 MB, then steady 2 MB.
TEST_F(BufferArena, TrimGivesASpikeBack) {
  blocks steady(arena_);
  blocks spike(arena_);
  std::mt19937 random{3};
  while (spike.size() < 12'500) {
    ASSERT_NE(spike.take(1 + random() % (32 * kib)), nullptr);
    if (steady.size() < 128) {
      ASSERT_NE(steady.take(16 * kib), nullptr);
    }
  }
  EXPECT_GT(arena_.metrics().held_bytes, 200 * mib);
  spike.free_all();
  arena_.trim();
  EXPECT_EQ(arena_.metrics().live_bytes, 2 * mib);
  // The steady blocks lie among the first of the spike: 128 of 16 KiB among 2 MiB of others.
  EXPECT_LT(arena_.metrics().held_bytes, 2 * mib + 3 * 4 * mib);
  steady.free_all();
  arena_.trim();
  EXPECT_EQ(count(arena_.metrics().chunks), 0u);
}

// The same without a word: by the count of operations.
TEST_F(BufferArena, ASpikeGoesBackByItself) {
  blocks spike(arena_);
  std::mt19937 random{3};
  while (spike.size() < 12'500) ASSERT_NE(spike.take(1 + random() % (32 * kib)), nullptr);
  spike.free_all();
  blocks steady(arena_);
  for (int i = 0; i < 40'000; ++i) {
    ASSERT_NE(steady.take(1 + random() % (32 * kib)), nullptr);
    if (steady.size() > 128) steady.free(random() % steady.size());
  }
  EXPECT_LT(arena_.metrics().held_bytes, 2 * mib + 8 * 4 * mib) << "of more than 200 MiB";
}

TEST_F(BufferArena, CachesShrinkToWhatIsUsed) {
  {
    blocks many(arena_);
    for (int i = 0; i < 200; ++i) ASSERT_NE(many.take(1000), nullptr);
  }
  EXPECT_GE(arena_.metrics().cached_bytes, 200u * 1000);
  for (int i = 0; i < 3 * 8192; ++i) arena_.deallocate(arena_.try_allocate(50, 8), 50, 8);
  EXPECT_LE(arena_.metrics().cached_bytes, 64u * 256) << "nothing of the class that was idle";
}

// Sizes that wander: each phase has another mix, as traffic has over a day.
TEST_F(BufferArena, HeldStaysNearLiveInALongRun) {
  blocks live(arena_);
  std::mt19937 random{11};
  double worst = 0;
  for (std::size_t phase = 0; phase < 24; ++phase) {
    std::size_t typical = std::size_t{64} << random() % 10;
    std::size_t target = mib * (8 + 12 * (phase % 3));
    std::size_t bytes = live.bytes();
    for (int i = 0; i < 20'000; ++i) {
      if (bytes < target && live.size() < 40'000) {
        std::size_t wanted = 1 + random() % (2 * typical);
        ASSERT_NE(live.take(wanted), nullptr);
        bytes += wanted;
      } else {
        live.free(random() % live.size());
        if (i % 64 == 0) bytes = live.bytes();
      }
    }
    buffer_arena_metrics now = arena_.metrics();
    double beyond =
        static_cast<double>(now.held_bytes) / static_cast<double>(now.live_bytes + 16 * mib);
    worst = std::max(worst, beyond);
  }
  EXPECT_LT(worst, 2.5);
  arena_.verify();
}

// An adaptive allocator that learns from a burst holds ten times what is live. Here what a burst of
// long blocks leaves behind serves short ones.
TEST_F(BufferArena, BurstsOfOtherSizesDoNotAddUp) {
  for (std::size_t bytes :
       {100 * kib, 700 * kib, 300 * kib, 60 * kib, 1500 * kib, 20 * kib, 2 * kib}) {
    blocks burst(arena_);
    for (std::size_t i = 0; i < 32 * mib / bytes; ++i) ASSERT_NE(burst.take(bytes), nullptr);
    buffer_arena_metrics now = arena_.metrics();
    EXPECT_LT(now.held_bytes, now.live_bytes * 14 / 10 + 2 * 4 * mib);
  }
  EXPECT_LT(arena_.metrics().held_bytes, 3 * 4 * mib);
}

// ---- Exhaustion

TEST_F(BufferArena, ExhaustionIsNullAndHarmless) {
  buffer_arena limited(&upstream_, {.arenas = 1, .most_bytes = 64 * mib});
  EXPECT_EQ(limited.try_allocate(SIZE_MAX - 8, 8), nullptr);
  EXPECT_EQ(limited.try_allocate(SIZE_MAX / 2, 1 * mib), nullptr);
  EXPECT_EQ(limited.try_allocate(64 * mib, 8), nullptr);
  for (std::size_t left = 0; left < 8; ++left) {
    upstream_.left = left;
    std::optional<buffer_arena> failing;
    try {
      failing.emplace(&upstream_, buffer_arena_options{.chunk_bytes = 64 * kib, .arenas = 2});
    } catch (const std::bad_alloc&) {
      EXPECT_LT(left, 2u);
      continue;
    }
    blocks live(*failing);
    while (live.take(3000) != nullptr) {
    }
    EXPECT_EQ(live.size() == 0, left <= 3) << "core, table, cache, chunk";
    EXPECT_EQ(failing->try_allocate(mib, 8), nullptr);
    failing->verify();
    expect_regions_add_up(*failing);
  }
  upstream_.left = SIZE_MAX;
}

TEST_F(BufferArena, WhatIsCachedServesOtherClassesBeforeItIsExhausted) {
  buffer_arena arena(&upstream_, {.chunk_bytes = 64 * kib, .arenas = 1, .most_bytes = 256 * kib});
  for (std::size_t bytes : {16u, 100u, 700u, 3000u, 10'000u, 50'000u, 20u}) {
    blocks live(arena);
    while (live.take(bytes) != nullptr) {
    }
    EXPECT_GT(live.bytes(), 100 * kib) << bytes;
    EXPECT_LE(arena.metrics().held_bytes, 256 * kib);
    arena.verify();
  }
}

TEST_F(BufferArena, TheTableOfChunksGrows) {
  buffer_arena arena(&upstream_, {.chunk_bytes = 64 * kib, .arenas = 1});
  blocks live(arena);
  std::vector<void*> all;
  for (int i = 0; i < 300; ++i) all.push_back(live.take(50 * kib));
  EXPECT_EQ(count(arena.metrics().chunks), 300u);
  for (void* one : all) EXPECT_TRUE(arena.owns(one));
  arena.verify();
  expect_regions_add_up(arena);
}

// ---- Misuse

using BufferArenaDeathTest = BufferArena;

TEST_F(BufferArenaDeathTest, DoubleRecycleStops) {
  for (std::size_t bytes : {10u, 5000u, 16'384u, 100'000u}) {
    void* block = arena_.try_allocate(bytes, 8);
    void* other = arena_.try_allocate(bytes, 8);
    arena_.deallocate(block, bytes, 8);
    EXPECT_DEATH(arena_.deallocate(block, bytes, 8),
                 "strata: buffer_arena: double free: address 0x");
    arena_.trim();
    EXPECT_DEATH(arena_.deallocate(block, bytes, 8), "strata: buffer_arena: double free");
    arena_.deallocate(other, bytes, 8);
  }
}

TEST_F(BufferArenaDeathTest, WrongFreesStop) {
  auto* block = static_cast<std::byte*>(arena_.try_allocate(1000, 8));
  EXPECT_DEATH(arena_.deallocate(block, 500, 8), "free with a size or alignment");
  alignas(16) std::byte local[64] = {};
  EXPECT_DEATH(arena_.deallocate(local, 64, 8), "not a block of this resource");
  buffer_arena other(&upstream_, {.arenas = 1});
  EXPECT_DEATH(other.deallocate(block, 1000, 8), "not a block of this resource");
  EXPECT_DEATH(
      {
        arena_.deallocate(block + 16, 1000, 8);
        arena_.trim();
      },
      "inside a block");
  arena_.deallocate(block, 1000, 8);
  void* huge = arena_.try_allocate(8 * mib, 8);
  EXPECT_DEATH(arena_.deallocate(huge, 9 * mib, 8), "free with a size or alignment");
  EXPECT_DEATH(arena_.deallocate(static_cast<std::byte*>(huge) + 4096, 8 * mib, 8),
               "not a block of this resource");
  arena_.deallocate(huge, 8 * mib, 8);
}

#if STRATA_UNDER_ASAN
TEST_F(BufferArenaDeathTest, FreeMemoryAndRoundingArePoisoned) {
  auto* block = static_cast<char*>(arena_.try_allocate(100, 8));
  EXPECT_DEATH(block[104] = 1, "use-after-poison");
  arena_.deallocate(block, 100, 8);
  EXPECT_DEATH(block[5] = 1, "use-after-poison");
}
#else
TEST_F(BufferArenaDeathTest, AWriteToACachedBlockIsNoticed) {
  auto* block = static_cast<char*>(arena_.try_allocate(100, 8));
  arena_.deallocate(block, 100, 8);
  EXPECT_DEATH(
      {
        block[5] ^= 1;
        static_cast<void>(arena_.try_allocate(100, 8));
      },
      "strata: buffer_arena: corrupted metadata: address 0x");
}
#endif

TEST_F(BufferArenaDeathTest, WrongOptionsStop) {
  EXPECT_DEATH(buffer_arena(&upstream_, {.chunk_bytes = 100'000}), "call that is not allowed");
  EXPECT_DEATH(buffer_arena(&upstream_, {.chunk_bytes = 8 * kib}), "call that is not allowed");
}

}  // namespace
}  // namespace strata
