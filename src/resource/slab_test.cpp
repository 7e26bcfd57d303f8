#include <strata/slab.hpp>

#include <sys/mman.h>

#include <list>
#include <memory>
#include <set>
#include <stdexcept>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

static_assert(resource<slab>);

class Slab : public testing::Test {
 protected:
  // Fills count blocks with their own addresses; frees what was left of the last call.
  void take(slab& from, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      void* block = from.try_allocate();
      ASSERT_NE(block, nullptr);
      ASSERT_EQ(detail::address_of(block) % from.alignment(), 0u);
      std::memset(block, static_cast<int>(detail::address_of(block) >> 4 & 0xff), from.stride());
      blocks_.push_back(block);
    }
  }
  void give(slab& to, std::size_t count) {
    for (; count != 0; --count) {
      auto* bytes = static_cast<unsigned char*>(blocks_.back());
      unsigned char fill = detail::address_of(bytes) >> 4 & 0xff;
      for (std::size_t i = 0; i < to.stride(); ++i) ASSERT_EQ(bytes[i], fill);
      to.deallocate(bytes);
      blocks_.pop_back();
    }
  }
  void shuffle() { std::shuffle(blocks_.begin(), blocks_.end(), random_); }

  test_upstream upstream_;
  std::vector<void*> blocks_;
  std::mt19937 random_{7};
};

TEST_F(Slab, AgreesWithTheModel) {
  for (std::size_t bytes : {1u, 8u, 24u, 100u, 2000u}) {
    slab one(bytes, 16, &upstream_);
    run_model(one, {.operations = 4000, .most_bytes = bytes, .most_alignment = 16});
    run_model(one, {.operations = 4000,
                    .most_live = 3000,
                    .most_bytes = bytes,
                    .most_alignment = 16,
                    .frees_any = false,
                    .seed = 2});
    expect_regions_add_up(one);
  }
}

TEST_F(Slab, NodesOfContainersOfAnySize) {
  auto run = [&]<std::size_t Bytes>(std::array<char, Bytes> value) {
    slab one(Bytes + 64, 8, &upstream_);
    using node = std::array<char, Bytes>;
    std::list<node, allocator<node, slab>> values(one);
    std::map<int, node, std::less<>, allocator<std::pair<const int, node>, slab>> sorted(one);
    for (int i = 0; i < 500; ++i) {
      values.push_back(value);
      sorted.emplace(i * 7919 % 1000, value);
    }
    for (int i = 0; i < 500; i += 2) sorted.erase(i * 7919 % 1000);
    EXPECT_EQ(one.live_blocks(), 750u);
    one.verify();
  };
  run(std::array<char, 1>{});
  run(std::array<char, 3>{});
  run(std::array<char, 17>{});
  run(std::array<char, 1001>{});
}

TEST_F(Slab, BlocksOfOneByteAreAsLongAsALink) {
  slab tiny(1, 1, &upstream_);
  EXPECT_EQ(tiny.stride(), sizeof(void*));
  take(tiny, 10'000);
  shuffle();
  give(tiny, 10'000);
  tiny.verify();
}

TEST_F(Slab, AnOddSizeIsNotRounded) {
  slab odd(13, 1, &upstream_);
  EXPECT_EQ(odd.stride(), 13u);
  take(odd, 5000);
  shuffle();
  give(odd, 2500);
  take(odd, 2500);
  odd.verify();
  give(odd, 5000);
}

TEST_F(Slab, AlignsAsTheSizeAllowsUnlessTold) {
  for (auto [bytes, alignment] :
       {std::pair{1u, 1u}, {13u, 1u}, {24u, 8u}, {32u, 16u}, {96u, 16u}}) {
    slab one(bytes);
    EXPECT_EQ(one.alignment(), alignment);
    EXPECT_EQ(one.stride(), std::max<std::size_t>(bytes, sizeof(void*)));
    take(one, 100);
    give(one, 100);
  }
  slab told(24, 16);
  EXPECT_EQ(told.stride(), 32u);
}

TEST_F(Slab, AlignsToPagesAndMore) {
  for (std::size_t alignment : {std::size_t{4096}, std::size_t{1} << 16}) {
    for (std::size_t bytes : {std::size_t{1}, std::size_t{100}, alignment, alignment + 1}) {
      slab one(bytes, alignment, &upstream_);
      take(one, 40);
      one.verify();
      expect_regions_add_up(one);
      shuffle();
      give(one, 40);
    }
  }
}

TEST_F(Slab, FreshBlocksFollowEachOtherAndFreedOnesComeBackLastFirst) {
  slab one(32, 16, &upstream_);
  take(one, 8);
  for (std::size_t i = 1; i < 8; ++i) {
    EXPECT_EQ(detail::address_of(blocks_[i]), detail::address_of(blocks_[i - 1]) + 32);
  }
  void* last = blocks_[3];
  one.deallocate(blocks_[5]);
  one.deallocate(last);
  EXPECT_EQ(one.try_allocate(), last);
  EXPECT_EQ(one.try_allocate(), blocks_[5]);
}

TEST_F(Slab, ChunksDoubleUpToChunkBytes) {
  slab one(64, 16, &upstream_, {.chunk_bytes = 8192, .first_chunk_bytes = 512, .span_bytes = 0});
  take(one, 2000);
  std::vector<std::size_t> sizes = upstream_.sizes();
  ASSERT_GE(sizes.size(), 8u);
  EXPECT_LE(sizes[0], 512u);
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    EXPECT_GE(sizes[i], sizes[i - 1]);
    EXPECT_LT(sizes[i], 8192u);
  }
  give(one, 2000);
}

// What Boost's pools do only when they are kept in order.
TEST_F(Slab, EmptyChunksGoBackInAnyOrderOfFrees) {
  for (int order = 0; order < 6; ++order) {
    bool in_spans = order >= 3;
    slab one(64, 16, &upstream_, {.spare_bytes = 0, .span_bytes = in_spans ? 65536u : 0u});
    take(one, 20'000);
    std::size_t held = one.statistics().held_bytes;
    if (order % 3 == 0) std::reverse(blocks_.begin(), blocks_.end());
    if (order % 3 == 1) shuffle();
    give(one, 20'000);
    EXPECT_EQ(upstream_.live_blocks(), 1u) << "all but the one to go on with";
    EXPECT_LT(one.statistics().held_bytes, held / (in_spans ? 15 : 50));
    one.verify();
  }
}

TEST_F(Slab, ChunksGoWhileOthersAreInUse) {
  slab one(64, 16, &upstream_, {.spare_bytes = 0});
  take(one, 20'000);
  std::size_t held = one.statistics().held_bytes;
  give(one, 15'000);
  EXPECT_LT(one.statistics().held_bytes, held / 2);
  one.verify();
  // Then what the oldest chunks hold, in any order.
  std::vector<void*> some(blocks_.begin(), blocks_.begin() + 500);
  blocks_.erase(blocks_.begin(), blocks_.begin() + 500);
  held = one.statistics().held_bytes;
  std::swap(blocks_, some);
  shuffle();
  give(one, 500);
  one.trim();
  EXPECT_LT(one.statistics().held_bytes, held);
  blocks_ = some;
  give(one, blocks_.size());
}

TEST_F(Slab, SparesServeAgainAndTrimGivesThemBack) {
  slab one(64, 16, &upstream_, {.spare_bytes = std::size_t{64} << 10});
  take(one, 20'000);
  give(one, 20'000);
  EXPECT_GT(one.statistics().held_bytes, std::size_t{48} << 10);
  EXPECT_LE(one.statistics().held_bytes, std::size_t{256} << 10);
  std::size_t taken = upstream_.taken();
  take(one, 700);
  EXPECT_EQ(upstream_.taken(), taken);
  give(one, 700);
  one.trim();
  EXPECT_EQ(upstream_.live_blocks(), 0u);
  one.verify();
  take(one, 10);
  give(one, 10);
}

TEST_F(Slab, FreedBlocksServeBeforeFreshOnes) {
  slab one(48, 16, &upstream_);
  take(one, 5000);
  std::size_t peak = one.statistics().peak_used_bytes;
  EXPECT_EQ(peak, 5000 * 48u);
  for (int round = 0; round < 50; ++round) {
    shuffle();
    std::size_t some = random_() % 5000;
    give(one, some);
    one.verify();
    take(one, some);
    one.verify();
    ASSERT_EQ(one.statistics().peak_used_bytes, peak);
    expect_regions_add_up(one);
  }
  give(one, 5000);
}

TEST_F(Slab, EvenFreesAndAllocationsNeedNothingFromUpstream) {
  slab one(64, 16, &upstream_, {.spare_bytes = 0});
  take(one, 10'000);
  std::size_t taken = upstream_.taken();
  for (int i = 0; i < 20'000; ++i) {
    std::swap(blocks_[random_() % blocks_.size()], blocks_.back());
    give(one, 1);
    take(one, 1);
  }
  EXPECT_EQ(upstream_.taken(), taken);
  give(one, 10'000);
}

TEST_F(Slab, PeakIsTheMostThatWasLive) {
  slab one(16, 16, &upstream_, {.spare_bytes = 0});
  std::size_t most = 0;
  for (int round = 0; round < 100; ++round) {
    take(one, random_() % 3000);
    most = std::max(most, blocks_.size());
    ASSERT_EQ(one.statistics().peak_used_bytes, most * 16);
    ASSERT_EQ(one.live_blocks(), blocks_.size());
    shuffle();
    give(one, random_() % (blocks_.size() + 1));
  }
  give(one, blocks_.size());
  EXPECT_EQ(one.statistics().peak_used_bytes, most * 16);
}

TEST_F(Slab, WhatDoesNotFitIsNull) {
  slab one(32, 16, &upstream_);
  EXPECT_EQ(one.try_allocate(33, 1), nullptr);
  EXPECT_EQ(one.try_allocate(8, 32), nullptr);
  void* empty = one.try_allocate(0, 1);
  EXPECT_NE(empty, nullptr);
  one.deallocate(empty, 0, 1);
}

TEST_F(Slab, ExhaustionIsNullAndHarmless) {
  for (std::size_t left = 0; left < 6; ++left) {
    slab one(64, 16, &upstream_);
    upstream_.left = left;
    std::size_t blocks = 0;
    while (void* block = one.try_allocate()) {
      blocks_.push_back(block);
      ++blocks;
    }
    EXPECT_EQ(blocks == 0, left == 0);
    EXPECT_EQ(one.live_blocks(), blocks);
    one.verify();
    for (void* block : blocks_) one.deallocate(block);
    blocks_.clear();
    EXPECT_EQ(one.live_blocks(), 0u);
    EXPECT_EQ(one.try_allocate() != nullptr, left != 0);
  }
  upstream_.left = SIZE_MAX;
}

TEST_F(Slab, ReleaseTakesAllBack) {
  slab one(64, 16, &upstream_);
  take(one, 3000);
  EXPECT_TRUE(one.owns(blocks_[1234]));
  EXPECT_FALSE(one.owns(this));
  one.release();
  EXPECT_FALSE(one.owns(blocks_[1234]));
  blocks_.clear();
  EXPECT_EQ(upstream_.live_blocks(), 0u);
  EXPECT_EQ(one.live_blocks(), 0u);
  take(one, 3000);
}

TEST_F(Slab, MakeAndDestroyInConstantTime) {
  slab one(sizeof(std::string), alignof(std::string), &upstream_);
  std::vector<std::string*> made;
  for (int i = 0; i < 3000; ++i) made.push_back(make<std::string>(one, 100u, 'x'));
  std::shuffle(made.begin(), made.end(), random_);
  for (std::string* each : made) destroy(one, each);
  EXPECT_EQ(one.live_blocks(), 0u);
}

// ---- Objects that stay constructed

struct counted {
  counted() {
    if (left == 0) throw std::runtime_error("no more");
    --left;
    ++alive;
  }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --alive; }
  std::string text;
  static inline int alive = 0;
  static inline int left = 0;
};
struct clear_text {
  void operator()(counted& used) const noexcept { used.text.clear(); }
};

class ObjectSlab : public testing::Test {
 protected:
  void SetUp() override {
    counted::alive = 0;
    counted::left = 1'000'000;
  }
  test_upstream upstream_;
};

TEST_F(ObjectSlab, ObjectsStayConstructedBetweenUses) {
  object_slab<counted, clear_text> objects(&upstream_);
  counted* one = objects.acquire();
  one->text.assign(1000, 'x');
  const char* storage = one->text.data();
  objects.release(one);
  EXPECT_EQ(counted::alive, 1);
  counted* again = objects.acquire();
  EXPECT_EQ(again, one);
  EXPECT_EQ(again->text, "");
  EXPECT_EQ(again->text.data(), storage);
  EXPECT_EQ(counted::left, 999'999) << "constructed once";
  objects.release(again);
}

TEST_F(ObjectSlab, DestructorsRunAsChunksGo) {
  {
    object_slab<counted> objects(&upstream_, {.spare_bytes = 0});
    std::vector<counted*> live;
    for (int i = 0; i < 5000; ++i) live.push_back(objects.acquire());
    EXPECT_EQ(counted::alive, 5000);
    std::shuffle(live.begin(), live.end(), std::mt19937{3});
    std::size_t held = upstream_.live_blocks();
    for (std::size_t i = 0; i < 4990; ++i) objects.release(live[i]);
    EXPECT_LT(upstream_.live_blocks(), held);
    EXPECT_LT(counted::alive, 5000);
    EXPECT_GE(counted::alive, 10);
    for (std::size_t i = 4990; i < 5000; ++i) {
      live[i]->text = "still alive";
      objects.release(live[i]);
    }
    objects.verify();
    objects.trim();
    EXPECT_EQ(counted::alive, 0);
    EXPECT_EQ(upstream_.live_blocks(), 0u);
    for (int i = 0; i < 100; ++i) objects.acquire()->text.assign(100, 'y');
  }
  EXPECT_EQ(counted::alive, 0) << "those in use end with the slab";
}

TEST_F(ObjectSlab, WhatAConstructorThrowsPasses) {
  object_slab<counted> objects(&upstream_);
  counted::left = 2;
  counted* first = objects.acquire();
  counted* second = objects.acquire();
  EXPECT_THROW((void)objects.acquire(), std::runtime_error);
  EXPECT_EQ(objects.live_blocks(), 2u);
  objects.verify();
  objects.release(second);
  EXPECT_EQ(objects.acquire(), second);
  objects.release(first);
  objects.release(second);
}

TEST_F(ObjectSlab, ExhaustionIsNull) {
  object_slab<counted> objects(&upstream_);
  upstream_.left = 0;
  EXPECT_EQ(objects.try_acquire(), nullptr);
  EXPECT_THROW((void)objects.acquire(), std::bad_alloc);
  upstream_.left = SIZE_MAX;
}

TEST_F(ObjectSlab, OverAlignedObjectsAndOnesOfOneByte) {
  struct alignas(4096) page {
    char bytes[4096];
  };
  object_slab<page> pages(&upstream_);
  object_slab<char> chars(&upstream_);
  std::set<void*> seen;
  for (int i = 0; i < 100; ++i) {
    page* one = pages.acquire();
    EXPECT_EQ(detail::address_of(one) % 4096, 0u);
    EXPECT_TRUE(seen.insert(one).second);
    char* byte = chars.acquire();
    EXPECT_EQ(*byte, 0);
    EXPECT_TRUE(seen.insert(byte).second);
  }
  pages.verify();
  chars.verify();
}

// ---- Misuse

using SlabDeathTest = Slab;

TEST_F(SlabDeathTest, ABlockFreedTwiceRunningStopsAtOnce) {
  slab one(32, 16, &upstream_);
  take(one, 2);
  one.deallocate(blocks_[0]);
  EXPECT_DEATH(one.deallocate(blocks_[0]), "strata: slab: double free: address 0x");
}

// AddressSanitizer finds them at once.
TEST_F(SlabDeathTest, OtherDoubleFreesStopInVerifyAndWhenTheFrontIsSettled) {
  slab one(32, 16, &upstream_);
  take(one, 3000);
  one.deallocate(blocks_[0]);
  one.deallocate(blocks_[1]);
  EXPECT_DEATH(
      {
        one.deallocate(blocks_[0]);
        one.verify();
      },
      "strata: slab: |use-after-poison|heap-buffer-overflow");
  EXPECT_DEATH(
      {
        one.deallocate(blocks_[0]);
        one.trim();
      },
      "strata: slab: |use-after-poison|heap-buffer-overflow");
}

TEST_F(SlabDeathTest, AnothersBlockAndTheInsideOfOneStopInVerify) {
  slab one(32, 16, &upstream_);
  slab other(32, 16, &upstream_);
  take(one, 2);
  void* foreign = other.try_allocate();
  EXPECT_DEATH(
      {
        one.deallocate(foreign);
        one.verify();
      },
      "strata: slab: |use-after-poison|heap-buffer-overflow");
  EXPECT_DEATH(
      {
        one.deallocate(static_cast<char*>(blocks_[0]) + 8);
        one.verify();
      },
      "strata: slab: |use-after-poison|heap-buffer-overflow");
  other.deallocate(foreign);
}

// What would be the head of its chunk cannot be read.
TEST_F(SlabDeathTest, ABlockOfNobodyIsForeign) {
  constexpr std::size_t page = 4096;
  constexpr std::size_t chunk = 16 * page;
  void* room = mmap(nullptr, 2 * chunk, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(room, MAP_FAILED);
  std::uintptr_t block = detail::align_up(detail::address_of(room), chunk) + page;
  ASSERT_EQ(0, mprotect(detail::pointer_to(block), page, PROT_READ | PROT_WRITE));
  slab one(32, 16, &upstream_);
  take(one, 1);
  EXPECT_DEATH(
      {
        one.deallocate(detail::pointer_to(block));
        one.verify();
      },
      "strata: slab: .*not a block");
  munmap(room, 2 * chunk);
}

TEST_F(SlabDeathTest, WrongSizesAndShapesStop) {
  slab one(32, 16, &upstream_);
  take(one, 1);
  EXPECT_DEATH(one.deallocate(blocks_[0], 33, 16), "strata: slab: .*33");
  EXPECT_DEATH(slab(32, 24, &upstream_), "strata: slab: call that is not allowed");
  EXPECT_DEATH(slab(SIZE_MAX, 16, &upstream_), "strata: slab: call that is not allowed");
  EXPECT_DEATH(slab(32, 16, &upstream_, {.chunk_bytes = 1000}),
               "strata: slab: call that is not allowed");
}

#if STRATA_UNDER_ASAN
TEST_F(SlabDeathTest, FreedMemoryIsPoisoned) {
  slab one(32, 16, &upstream_);
  take(one, 2);
  auto* block = static_cast<char*>(blocks_[0]);
  one.deallocate(block);
  EXPECT_DEATH(block[12] = 1, "use-after-poison");
  auto* beyond = static_cast<char*>(blocks_[1]) + 32;
  EXPECT_DEATH(*beyond = 1, "use-after-poison");
}
#endif

}  // namespace
}  // namespace strata
