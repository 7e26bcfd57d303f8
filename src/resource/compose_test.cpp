#include <strata/compose.hpp>

#include <array>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>

#include <strata/bump.hpp>
#include <strata/diagnose.hpp>
#include <strata/thread_front.hpp>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

using local_then_heap = fallback<bump, tracked<>>;

template <class... Resources>
constexpr bool are_resources_that_stay = ((resource<Resources> &&
                                           !std::is_copy_constructible_v<Resources> &&
                                           !std::is_move_constructible_v<Resources> &&
                                           !std::is_copy_assignable_v<Resources> &&
                                           !std::is_move_assignable_v<Resources>)&&...);
static_assert(are_resources_that_stay<
              upstream_ref, by_reference<bump>, local_then_heap, segregator<64, bump, bump>,
              segregator<told_at_runtime, bump, upstream_ref>, synchronized<bump>, limited<bump>,
              fenced<bump>, tracked<bump>, failing<bump>, thread_front<bump>,
              synchronized<limited<fenced<tracked<local_then_heap>>>>>);
static_assert(owning_resource<fallback<bump, bump>> &&
              !owning_resource<fallback<bump, upstream_ref>>);
static_assert(owning_resource<limited<bump>> && !owning_resource<limited<upstream_ref>>);
static_assert(sizeof(segregator<64, by_reference<bump>, by_reference<bump>>) == 2 * sizeof(void*));

class Compose : public testing::Test {
 protected:
  template <class Resource>
  void agrees(Resource& one) {
    run_model(one, {.operations = 3000});
    run_containers(one);
    expect_regions_add_up(one);
    std::shared_ptr<int> shared = std::allocate_shared<int>(allocator<int, Resource>(one), 7);
    EXPECT_EQ(*shared, 7);
  }
  static std::pmr::memory_resource* nothing() { return std::pmr::null_memory_resource(); }

  test_upstream upstream_;
  std::array<std::byte, 4096> buffer_;
};

// ---- Parts

TEST_F(Compose, AnUpstreamIsAPart) {
  upstream_ref part(&upstream_);
  run_containers(part);
  void* block = part.try_allocate(100, 64);
  void* empty = part.try_allocate(0, 1);
  EXPECT_NE(block, empty);
  EXPECT_EQ(part.statistics().used_bytes, 101u);
  EXPECT_EQ(part.statistics().live_blocks, 2u);
  part.deallocate(block, 100, 64);
  part.deallocate(empty, 0, 1);
  EXPECT_EQ(part.statistics().held_bytes, 0u);
  EXPECT_GE(part.statistics().peak_used_bytes, 101u);
  upstream_.left = 0;
  EXPECT_EQ(part.try_allocate(100, 8), nullptr);
  EXPECT_EQ(part.upstream(), &upstream_);
}

TEST_F(Compose, AResourceThatLivesElsewhereIsAPart) {
  bump shared(&upstream_);
  by_reference<bump> part(shared);
  agrees(part);
  limited<by_reference<bump>> one(100, shared);
  limited<by_reference<bump>> other(100, shared);
  void* block = one.try_allocate(100, 8);
  EXPECT_TRUE(shared.owns(block));
  EXPECT_TRUE(other.owns(block));
  EXPECT_EQ(one.try_allocate(1, 1), nullptr);
  EXPECT_NE(other.try_allocate(100, 8), nullptr);
}

// ---- Fallback

TEST_F(Compose, TheSecondHelpsOutAndFreesFindTheirOwner) {
  local_then_heap memory(std::piecewise_construct, std::forward_as_tuple(buffer_, nothing()),
                         std::forward_as_tuple(&upstream_));
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(memory.try_allocate(104, 8));
  std::size_t local = 0;
  for (void* block : blocks) {
    ASSERT_NE(block, nullptr);
    if (memory.first().owns(block)) ++local;
  }
  EXPECT_GE(local, 30u);
  EXPECT_EQ(memory.second().counts().live_blocks, 100 - local);
  EXPECT_EQ(upstream_.live_blocks(), 100 - local);
  while (!blocks.empty()) {
    memory.deallocate(blocks.back(), 104, 8);
    blocks.pop_back();
  }
  EXPECT_EQ(memory.second().counts().live_blocks, 0u);
  EXPECT_EQ(memory.first().statistics().used_bytes, 0u);
  agrees(memory);
}

TEST_F(Compose, ExhaustionOfAllPartsIsNull) {
  fallback<bump, limited<tracked<>>> memory(std::piecewise_construct,
                                            std::forward_as_tuple(buffer_, nothing()),
                                            std::forward_as_tuple(1000u, &upstream_));
  std::vector<void*> blocks;
  while (void* block = memory.try_allocate(100, 8)) blocks.push_back(block);
  EXPECT_EQ(upstream_.live_blocks(), 10u);
  for (void* block : blocks) memory.deallocate(block, 100, 8);
  EXPECT_EQ(memory.try_allocate(SIZE_MAX - 8, 8), nullptr);
  memory.verify();
}

TEST_F(Compose, FallbacksNest) {
  std::array<std::byte, 512> tiny;
  fallback<bump, fallback<bump, tracked<>>> memory(
      std::piecewise_construct, std::forward_as_tuple(tiny, nothing()),
      std::forward_as_tuple(std::piecewise_construct, std::forward_as_tuple(buffer_, nothing()),
                            std::forward_as_tuple(&upstream_)));
  agrees(memory);
  EXPECT_EQ(memory.second().second().counts().live_blocks, 0u);
  EXPECT_GT(memory.second().second().counts().allocations, 0u);
}

// ---- Segregator

TEST_F(Compose, SizesPartAtTheThreshold) {
  segregator<64, tracked<>, tracked<>> memory(&upstream_, &upstream_);
  void* small = memory.try_allocate(64, 8);
  void* large = memory.try_allocate(65, 8);
  EXPECT_EQ(memory.small().counts().live_bytes, 64u);
  EXPECT_EQ(memory.large().counts().live_bytes, 65u);
  EXPECT_TRUE(memory.owns(small));
  memory.deallocate(small, 64, 8);
  EXPECT_EQ(memory.small().counts().live_blocks, 0u);
  EXPECT_EQ(memory.large().counts().live_blocks, 1u);
  memory.deallocate(large, 65, 8);
  agrees(memory);
}

TEST_F(Compose, TheThresholdMayBeToldAtRuntime) {
  segregator<told_at_runtime, tracked<>, tracked<>> memory(100, &upstream_, &upstream_);
  EXPECT_EQ(memory.threshold(), 100u);
  void* small = memory.try_allocate(100, 8);
  EXPECT_EQ(memory.small().counts().live_blocks, 1u);
  memory.deallocate(small, 100, 8);
  agrees(memory);
  // A threshold of 0: only empty blocks are small.
  segregator<told_at_runtime, bump, tracked<>> none(0, std::piecewise_construct,
                                                    std::forward_as_tuple(buffer_, nothing()),
                                                    std::forward_as_tuple(&upstream_));
  void* one = none.try_allocate(1, 1);
  EXPECT_EQ(none.large().counts().live_blocks, 1u);
  none.deallocate(one, 1, 1);
}

TEST_F(Compose, SegregatorsNestToAnyNumberOfSizes) {
  segregator<32, tracked<>, segregator<256, tracked<>, tracked<>>> memory(
      std::piecewise_construct, std::forward_as_tuple(&upstream_),
      std::forward_as_tuple(&upstream_, &upstream_));
  agrees(memory);
  EXPECT_GT(memory.large().small().counts().allocations, 0u);
  EXPECT_EQ(memory.large().small().histogram()[5], 0u) << "16 to 31 bytes are not for it";
}

// ---- Synchronized

TEST_F(Compose, AResourceForOneThreadServesMany) {
  synchronized<tracked<>> memory(&upstream_);
  agrees(memory);
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random{seed};
      std::vector<std::pair<void*, std::size_t>> blocks;
      for (int turn = 0; turn < 2000; ++turn) {
        if (blocks.size() > 20 || (!blocks.empty() && random() % 2 == 0)) {
          memory.deallocate(blocks.back().first, blocks.back().second, 8);
          blocks.pop_back();
        } else {
          std::size_t bytes = random() % 200;
          blocks.emplace_back(memory.try_allocate(bytes, 8), bytes);
        }
      }
      for (auto [block, bytes] : blocks) memory.deallocate(block, bytes, 8);
    });
  }
  for (std::thread& one : threads) one.join();
  memory.verify();
  EXPECT_EQ(memory.statistics().live_blocks, 0u);
}

// A bump for all threads in one line, with no second way to call it; and, as a global must, it
// takes nothing before it is used.
TEST_F(Compose, AGlobalSharedPoolTakesNothingBeforeItIsUsed) {
  std::pmr::set_default_resource(&upstream_);
  static std::optional<synchronized<bump>> global;
  global.emplace();
  std::pmr::set_default_resource(nullptr);
  EXPECT_EQ(upstream_.taken(), 0u);
  std::thread user([] { EXPECT_NE(global->try_allocate(24, 8), nullptr); });
  user.join();
  EXPECT_EQ(upstream_.taken(), 1u);
  global->with([](bump& inside) { inside.release(); });
  EXPECT_EQ(upstream_.live_blocks(), 0u);
  global.reset();
}

// ---- Limited

TEST_F(Compose, NoMoreBytesThanTheLimitAreLive) {
  limited<tracked<>> memory(1000, &upstream_);
  void* one = memory.try_allocate(999, 8);
  void* empty = memory.try_allocate(0, 1);
  ASSERT_NE(empty, nullptr);
  EXPECT_EQ(memory.left_bytes(), 0u);
  EXPECT_EQ(memory.try_allocate(0, 1), nullptr);
  EXPECT_EQ(memory.try_allocate(SIZE_MAX, 1), nullptr);
  memory.deallocate(one, 999, 8);
  memory.deallocate(empty, 0, 1);
  EXPECT_EQ(memory.left_bytes(), 1000u);
  EXPECT_EQ(memory.most_bytes(), 1000u);
  upstream_.left = 0;
  EXPECT_EQ(memory.try_allocate(10, 1), nullptr);
  EXPECT_EQ(memory.left_bytes(), 1000u) << "what was refused is not counted";
  upstream_.left = SIZE_MAX;
  limited<tracked<>> roomy(1 << 20, &upstream_);
  agrees(roomy);
}

// ---- Composers of composers

TEST_F(Compose, EverythingAroundEverything) {
  synchronized<limited<fenced<tracked<>>>> memory(std::size_t{1} << 22, &upstream_);
  agrees(memory);
  EXPECT_EQ(memory.statistics().live_blocks, 0u);
  tracked<fenced<>> counted(&upstream_);
  agrees(counted);
  fenced<local_then_heap> local(std::piecewise_construct, std::forward_as_tuple(buffer_, nothing()),
                                std::forward_as_tuple(&upstream_));
  agrees(local);
  failing<thread_front<tracked<>>> front({.every = 7}, &upstream_);
  run_model(front, {.operations = 3000});
  EXPECT_GT(front.failures(), 100u);
}

// Tiny objects, shared pointers to them, in a pool on static storage that is aligned to nothing:
// where a block is shorter than the pool's own link.
TEST_F(Compose, TinySharedObjectsInStaticStorage) {
  static std::array<std::byte, 8192> storage;
  for (std::size_t shift = 0; shift < 16; ++shift) {
    auto span = std::span<std::byte>(storage).subspan(shift);
    thread_front<fenced<bump>> memory(span, nothing());
    pmr_ref resource(memory);
    std::pmr::vector<std::shared_ptr<char>> all(&resource);
    for (int i = 0; i < 20; ++i) {
      using tiny = allocator<char, thread_front<fenced<bump>>>;
      all.push_back(std::allocate_shared<char>(tiny(memory), static_cast<char>(i)));
    }
    all.erase(all.begin() + 1);
    for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(*all[i], static_cast<char>(i + 1));
    all.clear();
    for (std::size_t bytes = 0; bytes < 8; ++bytes) {
      void* block = memory.try_allocate(bytes, 1);
      ASSERT_NE(block, nullptr);
      memory.deallocate(block, bytes, 1);
    }
    memory.verify();
  }
}

TEST_F(Compose, UpstreamFailsAtEachOfItsCallsInTurn) {
  for (std::size_t left = 0; left < 30; ++left) {
    upstream_.left = left;
    synchronized<limited<fenced<fallback<bump, tracked<>>>>> memory(
        std::size_t{1} << 20, std::piecewise_construct,
        std::forward_as_tuple(&upstream_, bump_options{.most_bytes = 4096}),
        std::forward_as_tuple(&upstream_));
    std::vector<void*> blocks;
    while (void* block = memory.try_allocate(300, 32)) {
      blocks.push_back(block);
      if (blocks.size() == 100) break;
    }
    EXPECT_EQ(blocks.empty(), left == 0);
    memory.verify();
    for (void* block : blocks) memory.deallocate(block, 300, 32);
    memory.verify();
  }
  upstream_.left = SIZE_MAX;
}

using ComposeDeathTest = Compose;

TEST_F(ComposeDeathTest, MoreFreedThanAllocatedStops) {
  bump under(&upstream_);
  limited<by_reference<bump>> memory(100, under);
  void* block = memory.try_allocate(10, 8);
  EXPECT_DEATH(memory.deallocate(block, 20, 8),
               "strata: limited: free with a size or alignment .* block of 20 bytes");
}

}  // namespace
}  // namespace strata
