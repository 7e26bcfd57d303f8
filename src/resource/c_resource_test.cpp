#include <gtest/gtest.h>

#include <thread>

#include "resource/c_test.hpp"

namespace strata {
namespace {

constexpr std::size_t kib = 1024;

struct kind {
  const char* name;
  strata_resource* (*make)(strata_resource* upstream);
  model_shape shape = {};
  bool releases = true;
};

constexpr model_shape few_sizes = {.most_bytes = 64, .most_alignment = 16};

const kind kinds[] = {
    {.name = "bump",
     .make = [](strata_resource* up) { return strata_bump_create(up, nullptr); },
     .shape = {.frees_any = false}},
    {.name = "first_fit",
     .make =
         [](strata_resource* up) {
           return strata_free_list_create(STRATA_FIRST_FIT, up, nullptr);
         }},
    {.name = "next_fit",
     .make =
         [](strata_resource* up) { return strata_free_list_create(STRATA_NEXT_FIT, up, nullptr); }},
    {.name = "best_fit_by_address",
     .make =
         [](strata_resource* up) {
           strata_free_list_options options = {STRATA_COALESCE_LATER, STRATA_ORDER_OF_ADDRESS, {}};
           return strata_free_list_create(STRATA_BEST_FIT, up, &options);
         }},
    {.name = "segregated_fit",
     .make =
         [](strata_resource* up) {
           return strata_free_list_create(STRATA_SEGREGATED_FIT, up, nullptr);
         }},
    {.name = "tlsf", .make = [](strata_resource* up) { return strata_tlsf_create(up, nullptr); }},
    {.name = "bitmap",
     .make = [](strata_resource* up) { return strata_bitmap_create(up, nullptr); },
     .releases = false},
    {.name = "buddy",
     .make = [](strata_resource* up) { return strata_buddy_create(1024 * kib, up, nullptr); },
     .releases = false},
    {.name = "slab",
     .make = [](strata_resource* up) { return strata_slab_create(64, 0, up, nullptr); },
     .shape = few_sizes},
    {.name = "pools", .make = [](strata_resource* up) { return strata_pools_create(up, nullptr); }},
    {.name = "synchronized_pools",
     .make = [](strata_resource* up) { return strata_synchronized_pools_create(up, nullptr); },
     .releases = false},
};

class CKind : public testing::TestWithParam<kind> {};
INSTANTIATE_TEST_SUITE_P(All, CKind, testing::ValuesIn(kinds),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_P(CKind, AgreesWithTheModel) {
  c_upstream upstream;
  strata_resource* one = GetParam().make(upstream);
  ASSERT_NE(one, nullptr);
  model_shape shape = GetParam().shape;
  shape.operations = 5000;
  in_c in(one);
  run_model(in, shape);
  strata_resource_destroy(one);
  EXPECT_EQ(upstream->live_blocks(), 0u);
}

TEST_P(CKind, TellsWhatItCannotDo) {
  c_upstream upstream;
  strata_resource* one = GetParam().make(upstream);
  errno = 0;
  EXPECT_EQ(strata_resource_allocate(one, 10, 24), nullptr);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(strata_resource_allocate(one, SIZE_MAX - 5, 8), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  void* block = strata_resource_allocate(one, 40, 0);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(strata_resource_owns(one, block), 1);
  EXPECT_EQ(strata_resource_owns(one, &upstream), 0);
  errno = 0;
  EXPECT_EQ(strata_resource_release(one), GetParam().releases ? 0 : -1);
  EXPECT_EQ(errno, GetParam().releases ? 0 : ENOTSUP);
  if (GetParam().releases) {
    EXPECT_EQ(strata_resource_statistics(one).used_bytes, 0u);
    EXPECT_EQ(upstream->live_blocks(), 0u);
  } else {
    strata_resource_deallocate(one, block, 40, 0);
  }
  strata_resource_deallocate(one, nullptr, 40, 0);
  strata_resource_destroy(one);
}

// Where upstream has nothing, whatever the moment, there is a null and no exception.
TEST_P(CKind, SurvivesExhaustion) {
  for (std::size_t left = 0; left < 4; ++left) {
    c_upstream upstream;
    upstream->left = left;
    errno = 0;
    strata_resource* one = GetParam().make(upstream);
    if (one == nullptr) {
      EXPECT_EQ(errno, ENOMEM);
      continue;
    }
    std::vector<void*> blocks;
    while (blocks.size() < 100'000) {
      errno = 0;
      void* block = strata_resource_allocate(one, 64, 16);
      if (block == nullptr) break;
      blocks.push_back(block);
    }
    EXPECT_EQ(errno, ENOMEM);
    strata_resource_verify(one);
    while (!blocks.empty()) {
      strata_resource_deallocate(one, blocks.back(), 64, 16);
      blocks.pop_back();
    }
    strata_resource_destroy(one);
    EXPECT_EQ(upstream->live_blocks(), 0u);
  }
}

TEST(CResource, StandsOnMalloc) {
  for (const kind& each : kinds) {
    strata_resource* one = each.make(nullptr);
    ASSERT_NE(one, nullptr) << each.name;
    void* block = strata_resource_allocate(one, 60, 16);
    ASSERT_NE(block, nullptr) << each.name;
    std::memset(block, 1, 60);
    strata_resource_deallocate(one, block, 60, 16);
    strata_resource_destroy(one);
  }
  strata_resource_destroy(nullptr);
}

TEST(CResource, MallocIsCounted) {
  strata_resource* one = strata_malloc_create();
  std::vector<void*> blocks;
  for (std::size_t alignment : {1u, 16u, 64u, 4096u}) {
    void* block = strata_resource_allocate(one, 100, alignment);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(detail::address_of(block) % alignment, 0u);
    blocks.push_back(block);
  }
  strata_resource_figures now = strata_resource_statistics(one);
  EXPECT_EQ(now.live_blocks, 4u);
  EXPECT_EQ(now.used_bytes, 400u);
  auto none = [](const strata_region*, void*) { return 1; };
  EXPECT_EQ(strata_resource_each_region(one, none, nullptr), 0);
  EXPECT_EQ(strata_resource_allocate(one, std::size_t{PTRDIFF_MAX} + 1, 4096), nullptr);
  for (std::size_t alignment : {4096u, 64u, 16u, 1u}) {
    strata_resource_deallocate(one, blocks.back(), 100, alignment);
    blocks.pop_back();
  }
  EXPECT_EQ(strata_resource_statistics(one).live_blocks, 0u);
  strata_resource_destroy(one);
}

TEST(CResource, CustomWantsBothFunctions) {
  errno = 0;
  EXPECT_EQ(strata_custom_create(nullptr), nullptr);
  EXPECT_EQ(errno, EINVAL);
  strata_custom_functions half = {nullptr, [](void*, size_t, size_t, void*) {}, nullptr};
  EXPECT_EQ(strata_custom_create(&half), nullptr);
}

TEST(CResource, StopsVisitingWhenTold) {
  strata_resource* one = strata_tlsf_create(nullptr, nullptr);
  void* block = strata_resource_allocate(one, 10, 8);
  int calls = 0;
  auto second = [](const strata_region*, void* count) {
    return ++*static_cast<int*>(count) == 2 ? 7 : 0;
  };
  EXPECT_EQ(strata_resource_each_region(one, second, &calls), 7);
  EXPECT_EQ(calls, 2);
  strata_resource_deallocate(one, block, 10, 8);
  strata_resource_destroy(one);
}

TEST(CResource, ChainsOfResources) {
  c_upstream upstream;
  strata_resource* region = strata_buddy_create(1024 * kib, upstream, nullptr);
  strata_resource* small = strata_pools_create(region, nullptr);
  in_c in(small);
  run_model(in, {.operations = 2000});
  EXPECT_EQ(upstream->live_blocks(), 2u);  // the region and its tables
  strata_resource_destroy(small);
  EXPECT_EQ(strata_resource_statistics(region).live_blocks, 0u);
  strata_resource_destroy(region);
}

// ---- In a buffer

struct in_buffer {
  const char* name;
  strata_resource* (*make)(void* buffer, std::size_t bytes);
  std::size_t most_own_bytes;  // as resources.h says
};
const in_buffer in_buffers[] = {
    {"bump", strata_bump_create_in, 400},
    {"first_fit",
     [](void* buffer, std::size_t bytes) {
       return strata_free_list_create_in(STRATA_FIRST_FIT, buffer, bytes, nullptr);
     },
     400},
    {"segregated_fit",
     [](void* buffer, std::size_t bytes) {
       return strata_free_list_create_in(STRATA_SEGREGATED_FIT, buffer, bytes, nullptr);
     },
     8704},
    {"tlsf", strata_tlsf_create_in, 8704},
    {"bitmap",
     [](void* buffer, std::size_t bytes) {
       return strata_bitmap_create_in(buffer, bytes, nullptr);
     },
     400},
    {"buddy",
     [](void* buffer, std::size_t bytes) { return strata_buddy_create_in(buffer, bytes, nullptr); },
     2560},
};

class CBuffer : public testing::TestWithParam<in_buffer> {};
INSTANTIATE_TEST_SUITE_P(All, CBuffer, testing::ValuesIn(in_buffers),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_P(CBuffer, TakesNothingFromElsewhere) {
  alignas(64) static std::byte buffer[64 * kib];
  strata_resource* one = GetParam().make(buffer + 1, sizeof buffer - 1);
  ASSERT_NE(one, nullptr);
  EXPECT_GE(detail::address_of(one), detail::address_of(buffer));
  EXPECT_LT(detail::address_of(one), detail::address_of(buffer) + 64);
  std::size_t held = strata_resource_statistics(one).held_bytes;
  EXPECT_GE(held + GetParam().most_own_bytes + 256, sizeof buffer);
  std::size_t blocks = 0;
  while (void* block = strata_resource_allocate(one, 100, 8)) {
    EXPECT_GE(detail::address_of(block), detail::address_of(buffer));
    EXPECT_LE(detail::address_of(block) + 100, detail::address_of(buffer) + sizeof buffer);
    std::memset(block, 1, 100);
    ++blocks;
  }
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_GE(blocks, 300u);
  strata_resource_verify(one);
  strata_resource_destroy(one);
}

TEST_P(CBuffer, RefusesWhatIsTooShort) {
  alignas(64) static std::byte buffer[16 * kib];
  errno = 0;
  EXPECT_EQ(GetParam().make(nullptr, sizeof buffer), nullptr);
  EXPECT_EQ(errno, EINVAL);
  bool made_one = false;
  for (std::size_t bytes = 0; bytes <= sizeof buffer; bytes += 8) {
    errno = 0;
    strata_resource* one = GetParam().make(buffer, bytes);
    EXPECT_TRUE(one != nullptr || errno == ENOMEM);
    EXPECT_TRUE(one != nullptr || !made_one) << bytes;
    made_one = one != nullptr;
    strata_resource_destroy(one);
  }
  EXPECT_TRUE(made_one);
}

// ---- Options that can't be

TEST(CResource, RefusesOptionsThatCannotBe) {
  auto refused = [](auto make) {
    errno = 0;
    return make() == nullptr && errno == EINVAL;
  };
  EXPECT_TRUE(refused([] { return strata_free_list_create(4, nullptr, nullptr); }));
  strata_free_list_options order = {0, 2, {}};
  EXPECT_TRUE(refused([&] { return strata_free_list_create(STRATA_FIRST_FIT, nullptr, &order); }));
  strata_bitmap_options odd = {48, 0, 0};
  EXPECT_TRUE(refused([&] { return strata_bitmap_create(nullptr, &odd); }));
  EXPECT_TRUE(refused([&] { return strata_bitmap_create_in(&odd, sizeof odd, &odd); }));
  strata_buddy_options crossed = {128, 64};
  EXPECT_TRUE(refused([&] { return strata_buddy_create(4096, nullptr, &crossed); }));
  EXPECT_TRUE(refused([] { return strata_buddy_create(4097, nullptr, nullptr); }));
  EXPECT_TRUE(refused([] { return strata_buddy_create(32, nullptr, nullptr); }));
  EXPECT_TRUE(refused([] { return strata_slab_create(64, 24, nullptr, nullptr); }));
  EXPECT_TRUE(refused([] { return strata_slab_create(SIZE_MAX, 8, nullptr, nullptr); }));
  strata_pools_options long_ones = {4097, 0, 0};
  EXPECT_TRUE(refused([&] { return strata_pools_create(nullptr, &long_ones); }));
}

// Where C says that a chunk is long enough, the slab thinks so, too: it stops otherwise.
TEST(CResource, SlabTakesAnyChunkThatHolds) {
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    for (std::size_t block = 1; block <= 4096; block *= 2) {
      bool made_one = false;
      for (std::size_t chunk = 64; chunk <= 64 * kib; chunk *= 2) {
        strata_slab_options options = {chunk, 0, STRATA_NONE};
        strata_resource* one = strata_slab_create(block, alignment, nullptr, &options);
        EXPECT_TRUE(one != nullptr || !made_one);
        if (one == nullptr) continue;
        made_one = true;
        void* got = strata_resource_allocate(one, block, alignment);
        EXPECT_NE(got, nullptr);
        strata_resource_deallocate(one, got, block, alignment);
        strata_resource_destroy(one);
      }
      EXPECT_TRUE(made_one);
    }
  }
}

// ---- What kinds have besides

TEST(CBump, RewindsWithActions) {
  strata_resource* one = strata_bump_create(nullptr, nullptr);
  static std::string order;
  order.clear();
  auto note = [](void* object) { order += *static_cast<const char*>(object); };
  char a = 'a';
  char b = 'b';
  char c = 'c';
  EXPECT_EQ(strata_bump_at_end(one, &a, note), 0);
  std::size_t before = strata_resource_statistics(one).used_bytes;
  strata_bump_mark mark = strata_bump_get_mark(one);
  EXPECT_EQ(strata_bump_at_end(one, &b, note), 0);
  EXPECT_NE(strata_resource_allocate(one, 100'000, 8), nullptr);
  EXPECT_EQ(strata_bump_at_end(one, &c, note), 0);
  strata_bump_rewind(one, mark);
  EXPECT_EQ(order, "cb");
  EXPECT_EQ(strata_resource_statistics(one).used_bytes, before);
  strata_bump_reset(one);
  EXPECT_EQ(order, "cba");
  strata_resource_destroy(one);
  EXPECT_EQ(order, "cba");
}

TEST(CBump, BeginsInABuffer) {
  alignas(16) std::byte buffer[1024];
  c_upstream upstream;
  strata_bump_options options = {0, 0, 0, buffer, sizeof buffer};
  strata_resource* one = strata_bump_create(upstream, &options);
  auto* block = static_cast<std::byte*>(strata_resource_allocate(one, 500, 8));
  EXPECT_TRUE(block > buffer && block < buffer + sizeof buffer);
  EXPECT_EQ(upstream->taken(), 0u);
  EXPECT_NE(strata_resource_allocate(one, 1000, 8), nullptr);
  EXPECT_EQ(upstream->taken(), 1u);
  strata_resource_destroy(one);
}

TEST(CBump, ResizesTheYoungest) {
  strata_resource* one = strata_bump_create(nullptr, nullptr);
  void* older = strata_resource_allocate(one, 0, 8);
  EXPECT_EQ(strata_resource_resize(one, older, 0, 100, 8), 1);
  void* block = strata_resource_allocate(one, 10, 8);
  EXPECT_EQ(strata_resource_resize(one, older, 100, 200, 8), 0);
  EXPECT_EQ(strata_resource_resize(one, block, 10, 20, 8), 1);
  EXPECT_EQ(strata_resource_resize(one, block, 20, 1 << 20, 8), 0);
  strata_resource_destroy(one);
}

TEST(CBump, MergesAnother) {
  c_upstream upstream;
  strata_resource* one = strata_bump_create(upstream, nullptr);
  strata_resource* other = strata_bump_create(upstream, nullptr);
  auto* block = static_cast<char*>(strata_resource_allocate(other, 10, 8));
  std::strcpy(block, "kept");
  strata_bump_merge(one, other);
  strata_resource_destroy(other);
  EXPECT_STREQ(block, "kept");
  EXPECT_EQ(strata_resource_owns(one, block), 1);
  strata_resource_destroy(one);
}

TEST(CBump, HasALimit) {
  strata_bump_options options = {0, 0, 10'000, nullptr, 0};
  strata_resource* one = strata_bump_create(nullptr, &options);
  EXPECT_NE(strata_resource_allocate(one, 5000, 8), nullptr);
  EXPECT_EQ(strata_resource_allocate(one, 6000, 8), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  strata_resource_destroy(one);
}

TEST(CFreeList, CoalescesWhenTold) {
  strata_free_list_options options = {STRATA_COALESCE_LATER, STRATA_LIFO, {}};
  strata_resource* one = strata_free_list_create(STRATA_FIRST_FIT, nullptr, &options);
  std::vector<void*> blocks(10);
  for (void*& each : blocks) each = strata_resource_allocate(one, 100, 8);
  for (void* each : blocks) strata_resource_deallocate(one, each, 100, 8);
  strata_free_space before = {};
  strata_free_space after = {};
  EXPECT_EQ(strata_resource_free_space(one, &before), 0);
  EXPECT_EQ(strata_resource_trim(one), 0);
  EXPECT_EQ(strata_resource_free_space(one, &after), 0);
  EXPECT_GT(before.free_blocks, 10u);
  EXPECT_EQ(after.free_blocks, 1u);
  EXPECT_EQ(after.longest_bytes, after.free_bytes);
  strata_resource_destroy(one);
  strata_resource* slab = strata_slab_create(8, 0, nullptr, nullptr);
  EXPECT_EQ(strata_resource_free_space(slab, &after), -1);
  EXPECT_EQ(errno, ENOTSUP);
  strata_resource_destroy(slab);
}

TEST(CPools, SpareChunksGoByTrim) {
  c_upstream upstream;
  strata_resource* one = strata_pools_create(upstream, nullptr);
  std::vector<void*> blocks(1000);
  for (void*& each : blocks) each = strata_resource_allocate(one, 100, 8);
  for (void* each : blocks) strata_resource_deallocate(one, each, 100, 8);
  EXPECT_GT(upstream->live_blocks(), 0u);
  EXPECT_EQ(strata_resource_trim(one), 0);
  EXPECT_EQ(upstream->live_blocks(), 0u);
  strata_resource_destroy(one);
}

TEST(CPools, SynchronizedServesThreads) {
  strata_resource* one = strata_synchronized_pools_create(nullptr, nullptr);
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < 5000; ++i) {
        void* block = strata_resource_allocate(one, i % 500, 8);
        std::memset(block, 1, i % 500);
        strata_resource_deallocate(one, block, i % 500, 8);
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(strata_resource_statistics(one).live_blocks, 0u);
  strata_resource_destroy(one);
}

TEST(CResourceDeathTest, StopsOnMisuse) {
  strata_resource* slab = strata_slab_create(64, 0, nullptr, nullptr);
  EXPECT_DEATH(strata_bump_reset(slab), "strata: bump: ");
  EXPECT_DEATH(strata_resource_deallocate(slab, slab, 65, 0), "strata: slab: ");
  strata_resource_destroy(slab);
  strata_resource* fit = strata_tlsf_create(nullptr, nullptr);
  void* block = strata_resource_allocate(fit, 10, 8);
  strata_resource_deallocate(fit, block, 10, 8);
  EXPECT_DEATH(strata_resource_deallocate(fit, block, 10, 8), "strata: tlsf: double free");
  strata_resource_destroy(fit);
}

}  // namespace
}  // namespace strata
