// What users of other libraries ran into, done with ours: each test is a report in a public tracker,
// named by project and number, and shows that we don't have it. docs/resources/behaviours.md has the
// list.
#include <algorithm>
#include <array>
#include <barrier>
#include <list>
#include <memory>
#include <thread>

#include <strata/bitmap.hpp>
#include <strata/buddy.hpp>
#include <strata/buffer_arena.hpp>
#include <strata/bump.hpp>
#include <strata/compose.hpp>
#include <strata/diagnose.hpp>
#include <strata/free_list.hpp>
#include <strata/pools.hpp>
#include <strata/slab.hpp>
#include <strata/tlsf.hpp>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

// ---- netty#16827: in a traffic peak chunks hold far more than what is retained

// A connection's buffers: some are retained, many come and go.
class traffic {
 public:
  traffic(buffer_arena& arena, unsigned seed) : arena_(arena), random_(seed) {}
  traffic(const traffic&) = delete;
  traffic& operator=(const traffic&) = delete;
  ~traffic() {
    retain(0);
    while (!passing_.all.empty()) drop(passing_);
  }

  void retain(std::size_t bytes) {
    while (retained_.bytes < bytes && take(retained_)) {
    }
    while (retained_.bytes > bytes) drop(retained_);
  }
  void pass(int count, std::size_t most) {
    for (int i = 0; i < count; ++i) {
      if (!take(passing_)) return;
      while (passing_.all.size() > most) drop(passing_);
    }
  }

 private:
  struct buffers {
    std::vector<std::pair<void*, std::size_t>> all;
    std::size_t bytes = 0;
  };
  bool take(buffers& into) {
    std::size_t bytes = 1 + random_() % (std::size_t{64} << random_() % 11);
    void* block = arena_.try_allocate(bytes, 16);
    EXPECT_NE(block, nullptr);
    if (block == nullptr) return false;
    into.all.emplace_back(block, bytes);
    into.bytes += bytes;
    return true;
  }
  void drop(buffers& from) {
    std::swap(from.all[random_() % from.all.size()], from.all.back());
    auto [block, bytes] = from.all.back();
    arena_.deallocate(block, bytes, 16);
    from.bytes -= bytes;
    from.all.pop_back();
  }

  buffer_arena& arena_;
  std::mt19937 random_;
  buffers retained_;
  buffers passing_;
};

TEST(Complaints, Netty16827ChunksStayNearWhatIsRetainedInAPeak) {
  constexpr std::size_t threads = 6;
  constexpr std::size_t chunk = 4 * mib;
  buffer_arena arena(std::pmr::new_delete_resource(), {.chunk_bytes = chunk, .arenas = threads});
  std::barrier together(threads + 1);
  std::vector<std::thread> connections;
  for (unsigned seed = 1; seed <= threads; ++seed) {
    connections.emplace_back([&, seed] {
      traffic mine(arena, seed);
      mine.retain(8 * mib);
      for (int peak = 0; peak < 3; ++peak) {
        mine.pass(8000, 100);
        together.arrive_and_wait();  // looked at in the peak
        together.arrive_and_wait();
        mine.pass(4000, 1);
        together.arrive_and_wait();  // and after it
        together.arrive_and_wait();
      }
    });
  }
  for (int look = 0; look < 6; ++look) {
    together.arrive_and_wait();
    buffer_arena_metrics now = arena.metrics();
    EXPECT_GT(now.live_bytes, threads * 7 * mib);
    EXPECT_LT(now.held_bytes, now.live_bytes * 5 / 4 + threads * 2 * chunk);
    together.arrive_and_wait();
  }
  for (std::thread& each : connections) each.join();
  arena.trim();
  for (std::size_t each : arena.metrics().chunks) EXPECT_EQ(each, 0u) << "and all of it goes back";
}

// ---- boostorg/pool#30: release_memory releases nothing after frees that were not in order

TEST(Complaints, BoostPool30MemoryIsReleasedAfterFreesInAnyOrder) {
  struct record {
    double number;
    int count;
    std::string text;
  };
  test_upstream upstream;
  slab pool(sizeof(record), alignof(record), &upstream);
  std::mt19937 random{1};
  for (int order = 0; order < 3; ++order) {
    std::vector<record*> all;
    for (int i = 0; i < 5000; ++i) all.push_back(make<record>(pool, record{1.5, i, "text"}));
    if (order == 1) std::reverse(all.begin(), all.end());
    if (order == 2) std::shuffle(all.begin(), all.end(), random);
    for (record* each : all) destroy(pool, each);
    pool.trim();
    EXPECT_EQ(pool.statistics().held_bytes, 0u);
    EXPECT_EQ(upstream.live_blocks(), 0u) << "while the pool lives on";
  }
}

// ---- foonathan/memory#109: what min_block_size calls enough is not, with debug fences

TEST(Complaints, Foonathan109TheSizeToldForABlockWithFencesIsExact) {
  test_upstream upstream;
  for (std::size_t alignment : {1u, 4u, 16u, 64u, 512u}) {
    std::size_t aligned = std::max<std::size_t>(alignment, 16);
    for (std::size_t bytes : {std::size_t{1}, std::size_t{4}, std::size_t{104}, 3 * aligned}) {
      std::size_t needed = fenced<slab>::part_bytes(bytes, alignment);
      fenced<slab> one(needed, aligned, &upstream);
      void* block = one.try_allocate(bytes, alignment);
      ASSERT_NE(block, nullptr) << bytes << " aligned to " << alignment;
      std::memset(block, 0, bytes);
      one.verify();
      one.deallocate(block, bytes, alignment);
      std::size_t unused = one.part().stride() - needed;
      EXPECT_EQ(one.try_allocate(bytes + unused + 1, alignment), nullptr) << "and no more";
    }
  }
  EXPECT_EQ(fenced<>::part_bytes(SIZE_MAX, 16), 0u);
}

// ---- foonathan/memory#113: a tiny first block crashes

template <class Resource>
void expect_a_list_of_three(Resource& one) {
  std::list<int, allocator<int, Resource>> list(one);
  for (int i = 1; i <= 3; ++i) list.push_back(i);
  EXPECT_EQ(list, (std::list<int, allocator<int, Resource>>({1, 2, 3}, one)));
  one.verify();
}

TEST(Complaints, Foonathan113AnyFirstSizeIsLongEnough) {
  test_upstream upstream;
  for (std::size_t first = 0; first < 200; ++first) {
    slab blocks(sizeof(std::pair<void*, void*>) + 8, 8, &upstream, {.first_chunk_bytes = first});
    expect_a_list_of_three(blocks);
    bump arena(&upstream, {.first_chunk_bytes = first});
    expect_a_list_of_three(arena);
    pools all(&upstream, {.first_chunk_bytes = first});
    expect_a_list_of_three(all);
    best_fit fit(&upstream, {.regions = {.first_region_bytes = first}});
    expect_a_list_of_three(fit);
    tlsf timely(&upstream, {.first_region_bytes = first});
    expect_a_list_of_three(timely);
    bitmap bits(&upstream, {.first_region_bytes = first});
    expect_a_list_of_three(bits);
  }
}

// ---- foonathan/memory#171: shared pointers to small objects in a pool on static storage crash

template <class Small, class Resource>
void expect_shared_objects(Resource& pool) {
  std::list<std::shared_ptr<Small>> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(
        std::allocate_shared<Small>(allocator<Small, Resource>(pool), static_cast<Small>(i)));
    ASSERT_EQ(detail::address_of(all.back().get()) % alignof(Small), 0u);
  }
  std::next(all.begin())->reset();
  for (int i = 2; i < 20; ++i) EXPECT_EQ(**std::next(all.begin(), i), static_cast<Small>(i));
  all.clear();
  pool.verify();
}

template <class Resource>
void expect_small_shared_objects(Resource&& pool) {
  expect_shared_objects<char>(pool);
  expect_shared_objects<short>(pool);
  expect_shared_objects<int>(pool);
  expect_shared_objects<double>(pool);
}

TEST(Complaints, Foonathan171SmallSharedObjectsOnStaticStorage) {
  static std::array<std::byte, 64 * kib> storage;
  for (std::size_t shift = 0; shift < 16; ++shift) {
    std::span<std::byte> memory = std::span(storage).subspan(shift);
    {
      as_pmr<bump> fixed(memory, std::pmr::null_memory_resource());
      expect_small_shared_objects(slab(48, 8, &fixed, {.chunk_bytes = 4096}));
    }
    expect_small_shared_objects(best_fit(memory));
    expect_small_shared_objects(tlsf(memory));
    expect_small_shared_objects(bitmap(memory));
    expect_small_shared_objects(buddy(memory));
  }
}

// ---- foonathan/memory#179: a pool for threads is hard to write down, and takes memory before its use

TEST(Complaints, Foonathan179APoolForThreadsIsOneLine) {
  struct timer {
    int number;
    std::array<void*, 3> links;
  };
  test_upstream upstream;
  synchronized<slab> timers(sizeof(timer), alignof(timer), &upstream);
  EXPECT_EQ(upstream.taken(), 0u) << "a global takes nothing before main()";
  std::vector<std::thread> threads;
  for (int which = 0; which < 4; ++which) {
    threads.emplace_back([&, which] {
      std::vector<timer*> mine;
      for (int i = 0; i < 500; ++i) mine.push_back(make<timer>(timers, timer{which, {}}));
      for (timer* each : mine) {
        EXPECT_EQ(each->number, which);
        destroy(timers, each);
      }
    });
  }
  for (std::thread& each : threads) each.join();
  timers.verify();
  EXPECT_EQ(timers.statistics().live_blocks, 0u);
  void* block = timers.with([](slab& alone) { return alone.try_allocate(); });
  timers.with([&](slab& alone) { alone.deallocate(block); });
}

// ---- foonathan/memory#181: no pool of pages aligned to pages

template <class Resource>
void expect_aligned_pages(Resource& one) {
  constexpr std::size_t page = 4096;
  std::vector<void*> pages;
  for (int i = 0; i < 50; ++i) {
    pages.push_back(one.try_allocate(page, page));
    ASSERT_NE(pages.back(), nullptr);
    EXPECT_EQ(detail::address_of(pages.back()) % page, 0u);
    std::memset(pages.back(), i, page);
  }
  for (void* each : pages) one.deallocate(each, page, page);
  one.verify();
}

TEST(Complaints, Foonathan181PagesAreAlignedToPages) {
  test_upstream upstream;
  slab pages(4096, 4096, &upstream);
  expect_aligned_pages(pages);
  EXPECT_EQ(pages.stride(), 4096u) << "no page is lost between two";
  pools all(&upstream);
  expect_aligned_pages(all);
  bump arena(&upstream);
  expect_aligned_pages(arena);
  segregated_fit fit(&upstream);
  expect_aligned_pages(fit);
  tlsf timely(&upstream);
  expect_aligned_pages(timely);
  bitmap bits(&upstream);
  expect_aligned_pages(bits);
  buddy halves(mib, &upstream);
  expect_aligned_pages(halves);
  buffer_arena buffers(&upstream);
  expect_aligned_pages(buffers);
  synchronized<slab> shared(4096, 4096, &upstream);
  expect_aligned_pages(shared);
}

}  // namespace
}  // namespace strata
