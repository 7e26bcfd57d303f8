// The functions of strata/strata.h. Run with STRATA_COUNT=1, so that every figure is filled in.
#include <gtest/gtest.h>
#include <malloc.h>
#include <strata/strata.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

constexpr size_t mib = size_t{1} << 20;
volatile size_t impossible = SIZE_MAX / 2 + 2;

size_t resident_bytes() {
  FILE* file = std::fopen("/proc/self/statm", "r");
  size_t total = 0;
  size_t resident = 0;
  if (file == nullptr || std::fscanf(file, "%zu %zu", &total, &resident) != 2) {
    ADD_FAILURE() << "no /proc/self/statm";
  }
  if (file != nullptr) {
    std::fclose(file);
  }
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

strata_stats stats() {
  static strata_stats taken;
  strata_stats_get(&taken);
  return taken;
}

TEST(Strata, SaysItsVersion) {
  int major = 0;
  int minor = 0;
  int patch = 0;
  EXPECT_EQ(std::sscanf(strata_version(), "%d.%d.%d", &major, &minor, &patch), 3);
}

TEST(Strata, AllocatesByItsOwnNames) {
  char* block = static_cast<char*>(strata_malloc(100));
  ASSERT_NE(block, nullptr);
  std::memset(block, 'x', 100);
  block = static_cast<char*>(strata_realloc(block, 100000));
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block[99], 'x');
  EXPECT_GE(strata_usable_size(block), 100000u);
  EXPECT_EQ(strata_usable_size(block), malloc_usable_size(block));
  strata_free(block);
  char* zeroed = static_cast<char*>(strata_calloc(50, 20));
  EXPECT_EQ(zeroed[0] | zeroed[999], 0);
  free(zeroed);
  strata_free(malloc(100));
  strata_free(nullptr);
  EXPECT_EQ(strata_usable_size(nullptr), 0u);
}

TEST(Strata, RefusesAsLibcDoes) {
  const auto expect = [](int error, void* block) {
    EXPECT_EQ(block, nullptr);
    EXPECT_EQ(errno, error);
    errno = 0;
  };
  errno = 0;
  expect(ENOMEM, strata_malloc(impossible));
  expect(ENOMEM, strata_calloc(impossible, 2));
  expect(ENOMEM, strata_realloc(nullptr, impossible));
  expect(ENOMEM, strata_aligned_alloc(64, impossible));
  expect(ENOMEM, strata_malloc_sized(impossible).block);
  expect(EINVAL, strata_aligned_alloc(0, 100));
  expect(EINVAL, strata_aligned_alloc(48, 100));
}

TEST(StrataAlignedAlloc, Aligns) {
  for (size_t alignment = 1; alignment <= 4 * mib; alignment *= 2) {
    void* block = strata_aligned_alloc(alignment, 100);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0u);
    strata_free(block);
  }
}

TEST(StrataMallocSized, TellsTheUsableSize) {
  for (size_t size = 0; size < 100000; size += 1 + size / 3) {
    const strata_sized_block sized = strata_malloc_sized(size);
    ASSERT_NE(sized.block, nullptr);
    EXPECT_GE(sized.size, size);
    EXPECT_EQ(sized.size, malloc_usable_size(sized.block));
    std::memset(sized.block, 1, sized.size);
    free(sized.block);
  }
}

TEST(StrataBatch, AllocatesAndFrees) {
  for (size_t size : {0, 16, 100, 3000, 40000, 2000000}) {
    void* blocks[300] = {};
    ASSERT_EQ(strata_malloc_batch(size, 300, blocks), 300u);
    for (int i = 0; i < 300; ++i) {
      ASSERT_GE(malloc_usable_size(blocks[i]), size);
      std::memset(blocks[i], i, size < 64 ? size : 64);
    }
    for (int i = 0; i < 300 && size > 0; ++i) {
      ASSERT_EQ(*static_cast<unsigned char*>(blocks[i]), i % 256);
    }
    free(blocks[7]);
    blocks[7] = nullptr;
    strata_free_batch(blocks, 300);
  }
  void* none = nullptr;
  EXPECT_EQ(strata_malloc_batch(100, 0, &none), 0u);
  errno = 0;
  EXPECT_EQ(strata_malloc_batch(impossible, 1, &none), 0u);
  EXPECT_EQ(errno, ENOMEM);
  strata_free_batch(&none, 0);
}

TEST(StrataHeap, IsDestroyedWhole) {
  strata_heap_destroy(nullptr);
  const size_t before = resident_bytes();
  for (int round = 0; round < 50; ++round) {
    strata_heap* heap = strata_heap_create();
    ASSERT_NE(heap, nullptr);
    for (int i = 0; i < 3000; ++i) {
      const size_t size = static_cast<size_t>(i) * 7 % 10000;
      void* block = strata_heap_malloc(heap, size);
      ASSERT_NE(block, nullptr);
      std::memset(block, round, size);
    }
    std::memset(strata_heap_malloc(heap, 2 * mib), 1, 2 * mib);
    strata_heap_destroy(heap);
  }
  EXPECT_LT(resident_bytes(), before + 100 * mib);  // leaked, it would be 850 MB
}

TEST(StrataHeap, BlocksAreOrdinaryBlocks) {
  strata_heap* heap = strata_heap_create();
  char* zeroed = static_cast<char*>(strata_heap_calloc(heap, 100, 10));
  EXPECT_EQ(zeroed[0] | zeroed[999], 0);
  void* wide = strata_heap_aligned_alloc(heap, 4096, 100);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(wide) % 4096, 0u);
  char* grown = static_cast<char*>(strata_heap_malloc(heap, 10));
  std::strcpy(grown, "kept");
  for (size_t size : {100, 10000, 1000000, 30}) {
    grown = static_cast<char*>(strata_heap_realloc(heap, grown, size));
    ASSERT_NE(grown, nullptr);
    ASSERT_STREQ(grown, "kept");
  }
  EXPECT_GE(malloc_usable_size(wide), 100u);
  free(zeroed);
  strata_free(wide);
  std::thread([grown] { free(grown); }).join();
  errno = 0;
  EXPECT_EQ(strata_heap_malloc(heap, impossible), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  strata_heap_destroy(heap);
}

TEST(StrataHeap, DestroyLeavesOtherBlocksAlone) {
  strata_heap* kept = strata_heap_create();
  strata_heap* doomed = strata_heap_create();
  char* blocks[500];
  for (char*& block : blocks) {
    block = static_cast<char*>(strata_heap_malloc(kept, 40));
    std::memset(block, 'k', 40);
    std::memset(strata_heap_malloc(doomed, 40), 'd', 40);
    std::memset(malloc(40), 'm', 40);
  }
  strata_heap_destroy(doomed);
  for (int i = 0; i < 2000; ++i) {
    std::memset(malloc(40), 'n', 40);
  }
  for (char* block : blocks) {
    ASSERT_EQ(std::string(block, 40), std::string(40, 'k'));
  }
  strata_heap_destroy(kept);
}

// Blocks of all small sizes and some medium ones; one of six stays, anywhere.
std::vector<char*> fragmented_blocks() {
  std::vector<char*> blocks;
  uint32_t dice = 1;
  const auto roll = [&dice] { return (dice = dice * 1664525 + 1013904223) >> 8; };
  for (int i = 0; i < 300000; ++i) {
    const size_t size = roll() % 16 == 0 ? 1000 + roll() % 5000 : 16 + roll() % 800;
    blocks.push_back(static_cast<char*>(malloc(size)));
    std::memset(blocks.back(), i % 100, malloc_usable_size(blocks.back()));
  }
  std::vector<char*> kept;
  for (char* block : blocks) {
    if (roll() % 6 == 0) {
      kept.push_back(block);
    } else {
      free(block);
    }
  }
  return kept;
}

void move_if_named(char*& block) {
  const size_t usable = malloc_usable_size(block);
  const char fill = block[0];
  if (strata_should_move(block) == 0) {
    return;
  }
  char* moved = static_cast<char*>(strata_move(block));
  ASSERT_NE(moved, nullptr);
  ASSERT_EQ(malloc_usable_size(moved), usable);
  ASSERT_EQ(moved[0], fill);
  ASSERT_EQ(std::memcmp(moved, moved + 1, usable - 1), 0);
  block = moved;
}

TEST(StrataMove, BringsResidentMemoryNearToLiveBytes) {
  strata_trim(0);
  const size_t before = resident_bytes();
  std::vector<char*> kept = fragmented_blocks();
  size_t live = 0;
  for (char* block : kept) {
    live += malloc_usable_size(block);
  }
  strata_trim(0);
  EXPECT_GT(resident_bytes() - before, 2 * live) << "nothing to win";
  for (int pass = 0; pass < 2; ++pass) {
    for (char*& block : kept) {
      ASSERT_NO_FATAL_FAILURE(move_if_named(block));
    }
  }
  strata_trim(0);
  EXPECT_LT(stats().free_slot_bytes, live / 16);
  // A tenth beside: the maps' part for what is live lies as scattered as before.
  EXPECT_LT(resident_bytes() - before, live + live / 4 + 4 * mib);
  for (char* block : kept) {
    free(block);
  }
}

TEST(StrataMove, IsNoAllocation) {
  std::vector<char*> kept = fragmented_blocks();
  const strata_stats before = stats();
  size_t moved = 0;
  for (char*& block : kept) {
    void* fresh = strata_move(block);
    if (fresh != nullptr) {
      block = static_cast<char*>(fresh);
      ++moved;
    }
  }
  const strata_stats after = stats();
  EXPECT_GT(moved, kept.size() / 4);
  EXPECT_EQ(after.live_blocks, before.live_blocks);
  EXPECT_EQ(after.allocations, before.allocations);
  EXPECT_EQ(after.frees, before.frees);
  for (char* block : kept) {
    free(block);
  }
}

TEST(StrataMove, LeavesNullAndLargeBlocks) {
  EXPECT_EQ(strata_should_move(nullptr), 0);
  EXPECT_EQ(strata_move(nullptr), nullptr);
  void* large = malloc(mib);
  EXPECT_EQ(strata_should_move(large), 0);
  EXPECT_EQ(strata_move(large), nullptr);
  free(large);
}

TEST(StrataUncached, IsInterchangeable) {
  for (size_t size : {0, 1, 100, 5000, 100000}) {
    void* block = strata_malloc_uncached(size);
    ASSERT_NE(block, nullptr);
    EXPECT_GE(malloc_usable_size(block), size);
    free(block);
    strata_free_uncached(malloc(size));
  }
  strata_free_uncached(nullptr);
  errno = 0;
  EXPECT_EQ(strata_malloc_uncached(impossible), nullptr);
  EXPECT_EQ(errno, ENOMEM);
}

TEST(StrataTrim, ReturnsMemory) {
  std::vector<void*> blocks;
  for (int i = 0; i < 100000; ++i) {
    blocks.push_back(malloc(2000));
    std::memset(blocks.back(), 1, 2000);
  }
  const size_t high = resident_bytes();
  for (void* block : blocks) {
    free(block);
  }
  const size_t returned = strata_trim(0);
  EXPECT_GT(returned, 100 * mib);
  EXPECT_LT(resident_bytes(), high - 150 * mib);
}

TEST(StrataStats, DescribeThisProcess) {
  const strata_stats now = stats();
  EXPECT_EQ(now.version, static_cast<uint32_t>(STRATA_STATS_VERSION));
  EXPECT_EQ(now.struct_bytes, sizeof(strata_stats));
  EXPECT_TRUE(now.flags & STRATA_STATS_COUNTED);
  EXPECT_FALSE(now.flags & STRATA_STATS_FINAL);
  EXPECT_EQ(now.pid, getpid());
  EXPECT_EQ(now.parent_pid, getppid());
  EXPECT_LT(now.started_ns, now.taken_ns);
  EXPECT_NE(std::strstr(now.program, "strata_interface"), nullptr) << now.program;
  EXPECT_GT(now.metadata_bytes, 0u);
  EXPECT_GE(now.threads, 1u);
  EXPECT_EQ(now.limit_bytes, 0u);
  EXPECT_GT(now.resident_bytes, mib);
  EXPECT_GE(now.peak_resident_bytes, now.resident_bytes / 2);
}

TEST(StrataStats, CountsAddUp) {
  std::vector<void*> blocks;
  for (size_t i = 0; i < 10000; ++i) {
    blocks.push_back(malloc(i % 3000));
  }
  for (size_t i = 0; i < 5000; ++i) {
    free(blocks[i]);
  }
  const strata_stats now = stats();
  EXPECT_EQ(now.allocations - now.frees, now.live_blocks);
  EXPECT_GE(now.peak_live_bytes + 64 * 1024, now.live_bytes);
  uint64_t in_histogram = 0;
  for (uint64_t count : now.histogram) {
    in_histogram += count;
  }
  EXPECT_EQ(in_histogram, now.allocations);
  uint64_t live = now.large_blocks;
  ASSERT_LE(now.class_count, static_cast<uint32_t>(STRATA_STATS_CLASSES));
  uint64_t previous_size = 0;
  for (uint32_t i = 0; i < now.class_count; ++i) {
    const strata_class_stats& one = now.classes[i];
    EXPECT_EQ(one.allocations - one.frees, one.live_blocks) << one.size;
    EXPECT_GE(one.allocations * one.size, one.requested) << one.size;
    EXPECT_GE(one.size, previous_size);
    previous_size = one.size;
    live += one.live_blocks;
  }
  EXPECT_EQ(live, now.live_blocks);
  for (size_t i = 5000; i < blocks.size(); ++i) {
    free(blocks[i]);
  }
}

TEST(StrataStats, ShowBlocksWithoutACanaryUnderTheirClass) {
  std::vector<void*> blocks(100);
  const strata_stats before = stats();
  for (void*& block : blocks) block = aligned_alloc(128, 128);
  const strata_stats now = stats();
  for (uint32_t i = 0; i < now.class_count; ++i) {
    if (now.classes[i].size != 128) continue;
    EXPECT_EQ(now.classes[i].live_blocks, before.classes[i].live_blocks + 100);
    EXPECT_GT(now.classes[i].spans, before.classes[i].spans);
  }
  EXPECT_EQ(now.live_blocks, before.live_blocks + 100);
  for (void* block : blocks) free(block);
}

// Live bytes are what was asked for, estimated from the mean of each class.
bool about(uint64_t estimate, uint64_t exact) {
  const uint64_t off = estimate > exact ? estimate - exact : exact - estimate;
  return off <= exact / 50 + 16 * 1024;
}

TEST(StrataStats, FollowEachOperation) {
  const strata_stats before = stats();
  void* small = malloc(1000);
  void* large = malloc(10 * mib);
  const strata_stats during = stats();
  EXPECT_EQ(during.allocations, before.allocations + 2);
  EXPECT_EQ(during.live_blocks, before.live_blocks + 2);
  EXPECT_TRUE(about(during.live_bytes, before.live_bytes + 1000 + 10 * mib)) << during.live_bytes;
  EXPECT_EQ(during.large_blocks, before.large_blocks + 1);
  EXPECT_GE(during.large_bytes, before.large_bytes + 10 * mib);
  EXPECT_EQ(during.histogram[10], before.histogram[10] + 1);  // 513..1024
  free(small);
  free(large);
  const strata_stats after = stats();
  EXPECT_EQ(after.frees, before.frees + 2);
  EXPECT_TRUE(about(after.live_bytes, before.live_bytes)) << after.live_bytes;
  EXPECT_GE(after.peak_live_bytes + mib / 2, before.live_bytes + 10 * mib);  // an estimate too
  EXPECT_EQ(malloc(impossible), nullptr);
  EXPECT_EQ(stats().failures, after.failures + 1);
}

TEST(StrataStats, DestroyingAHeapFreesItsBlocks) {
  const strata_stats before = stats();
  for (int i = 0; i < 50; ++i) {
    strata_heap* heap = strata_heap_create();
    for (size_t size : {100, 5000, 50000, 2000000}) {
      ASSERT_NE(strata_heap_malloc(heap, size), nullptr);
    }
    strata_heap_destroy(heap);
  }
  const strata_stats after = stats();
  EXPECT_EQ(after.allocations - before.allocations, after.frees - before.frees);
  EXPECT_EQ(after.live_blocks, before.live_blocks);
  EXPECT_EQ(after.large_blocks, before.large_blocks);
}

TEST(StrataStats, CountThreadsThatHaveGone) {
  const strata_stats before = stats();
  for (int i = 0; i < 20; ++i) {
    std::thread([] {
      for (int j = 0; j < 1000; ++j) {
        free(malloc(100));
      }
    }).join();
  }
  const strata_stats after = stats();
  EXPECT_GE(after.allocations, before.allocations + 20000);
  EXPECT_LE(after.allocations, before.allocations + 21000);
  EXPECT_LE(after.threads, before.threads + 1);
}

TEST(StrataStats, PartsCoverWhatIsResident) {
  std::vector<void*> blocks;
  for (int i = 0; i < 50000; ++i) {
    blocks.push_back(malloc(1000));
    std::memset(blocks.back(), 1, 1000);
  }
  const strata_stats now = stats();
  const uint64_t parts = now.live_bytes + now.rounding_bytes + now.free_slot_bytes +
                         now.cached_bytes + now.retained_bytes + now.metadata_bytes;
  EXPECT_GE(now.live_bytes, 50000u * 1000);
  EXPECT_GE(parts + 20 * mib, now.resident_bytes);  // code and stacks are not in the parts
  EXPECT_LE(now.rounding_bytes, now.live_bytes / 4);
  for (void* block : blocks) {
    free(block);
  }
}

TEST(StrataStatsJson, IsCutAsSnprintfDoes) {
  char tiny[16];
  const size_t whole = strata_stats_json(tiny, sizeof tiny);
  EXPECT_GT(whole, 200u);
  EXPECT_EQ(std::strlen(tiny), sizeof tiny - 1);
  EXPECT_GT(strata_stats_json(nullptr, 0), 200u);
}

TEST(StrataStatsJson, AllocatesNothing) {
  static char text[1 << 20];
  const uint64_t before = stats().allocations;
  strata_stats_json(text, sizeof text);
  EXPECT_EQ(stats().allocations, before);
}

TEST(StrataStatsJson, Parses) {
  static char text[1 << 20];
  const size_t length = strata_stats_json(text, sizeof text);
  ASSERT_LT(length, sizeof text);
  ASSERT_EQ(std::strlen(text), length);
  FILE* parser = popen("env -u LD_PRELOAD python3 -m json.tool > /dev/null", "w");
  ASSERT_NE(parser, nullptr);
  EXPECT_EQ(std::fwrite(text, 1, length, parser), length);
  EXPECT_EQ(pclose(parser), 0) << text;
}

struct sighting {
  std::unordered_map<void*, size_t> expected;  // block → usable size
  size_t seen = 0;
  size_t unknown = 0;
  size_t wrong_size = 0;
};

int note(void* block, size_t usable, void* context) {
  sighting* all = static_cast<sighting*>(context);
  const auto found = all->expected.find(block);
  if (found == all->expected.end()) {
    ++all->unknown;
  } else {
    ++all->seen;
    all->wrong_size += found->second != usable;
  }
  return 0;
}

TEST(StrataWalk, SeesExactlyTheLiveBlocks) {
  std::vector<void*> freed;
  sighting held;
  strata_heap* heap = strata_heap_create();
  for (size_t i = 0; i < 20000; ++i) {
    const size_t size = i % 500 == 0 ? i * 50 : i % 3000;
    void* block = i % 7 == 0 ? strata_heap_malloc(heap, size) : malloc(size);
    if (i % 3 == 0) {
      freed.push_back(block);
    } else {
      held.expected[block] = malloc_usable_size(block);
    }
  }
  // From here to the walk nothing is allocated, so no freed block comes alive again.
  sighting gone;
  for (void* block : freed) {
    gone.expected[block] = 0;
  }
  for (void* block : freed) {
    free(block);
  }
  EXPECT_EQ(strata_walk(note, &held), 0);
  EXPECT_EQ(strata_walk(note, &gone), 0);
  EXPECT_EQ(held.seen, held.expected.size());
  EXPECT_EQ(held.wrong_size, 0u);
  EXPECT_GT(held.unknown, 0u);  // the tables above
  EXPECT_EQ(gone.seen, 0u);
  strata_heap_destroy(heap);
}

TEST(StrataWalk, StopsWhenTheVisitorSaysSo) {
  size_t calls = 0;
  const auto stop = [](void*, size_t, void* context) {
    return ++*static_cast<size_t*>(context) == 3 ? 42 : 0;
  };
  EXPECT_EQ(strata_walk(stop, &calls), 42);
  EXPECT_EQ(calls, 3u);
}

TEST(StrataWalk, VisitorMayAllocateAndFree) {
  const auto busy = [](void*, size_t, void*) {
    free(malloc(100));
    return 0;
  };
  EXPECT_EQ(strata_walk(busy, nullptr), 0);
}

}  // namespace
