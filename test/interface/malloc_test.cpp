// libc's malloc family, held to the rules of C23, POSIX and glibc.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>

extern "C" void free_sized(void* block, size_t size);
extern "C" void free_aligned_sized(void* block, size_t alignment, size_t size);

namespace {

constexpr size_t page = 4096;
constexpr size_t too_large = static_cast<size_t>(PTRDIFF_MAX) + 1;
// Read through volatile, so that the compiler neither sees nor warns of the values.
volatile size_t impossible_sizes[] = {too_large, SIZE_MAX - page, SIZE_MAX - 16, SIZE_MAX};

bool aligned(const void* block, size_t alignment) {
  return reinterpret_cast<uintptr_t>(block) % alignment == 0;
}

bool all_zero(const void* block, size_t size) {
  const char* bytes = static_cast<const char*>(block);
  return size == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0);
}

template <typename Allocate>
void expect_no_memory(Allocate allocate) {
  errno = 0;
  void* block = allocate();
  EXPECT_EQ(block, nullptr);
  EXPECT_EQ(errno, ENOMEM);
}

TEST(Malloc, OfNothingIsUniqueAndNotNull) {
  std::set<void*> seen;
  for (int i = 0; i < 1000; ++i) {
    void* block = malloc(0);
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(seen.insert(block).second);
  }
  for (void* block : seen) {
    free(block);
  }
}

TEST(Malloc, EveryResultIsAligned) {
  for (size_t size = 1; size < 70000; size += 1 + size / 61) {
    void* block = malloc(size);
    ASSERT_TRUE(aligned(block, size >= 16 ? 16 : 8)) << size;
    ASSERT_GE(malloc_usable_size(block), size);
    free(block);
  }
}

TEST(Malloc, SizesBeyondPtrdiffMaxAreRefused) {
  for (volatile size_t& size : impossible_sizes) {
    expect_no_memory([&] { return malloc(size); });
    expect_no_memory([&] { return calloc(1, size); });
    expect_no_memory([&] { return calloc(size, 1); });
    expect_no_memory([&] { return realloc(nullptr, size); });
    expect_no_memory([&] { return reallocarray(nullptr, size, 1); });
    expect_no_memory([&] { return aligned_alloc(64, size); });
    expect_no_memory([&] { return memalign(64, size); });
    expect_no_memory([&] { return valloc(size); });
    expect_no_memory([&] { return pvalloc(size); });
    void* unchanged = &unchanged;
    EXPECT_EQ(posix_memalign(&unchanged, 64, size), ENOMEM);
    EXPECT_EQ(unchanged, &unchanged);
  }
}

TEST(Malloc, SizesBeyondTheAddressSpaceAreRefused) {
  volatile size_t size = size_t{1} << 56;
  expect_no_memory([&] { return malloc(size); });
  expect_no_memory([&] { return calloc(size / 8, 8); });
}

TEST(Malloc, ProductsThatOverflowAreRefused) {
  volatile size_t half = size_t{1} << 32;
  volatile size_t third = SIZE_MAX / 3 + 1;
  void* volatile block = malloc(8);
  expect_no_memory([&] { return calloc(half, half); });
  expect_no_memory([&] { return calloc(third, 3); });
  expect_no_memory([&] { return reallocarray(nullptr, half, half); });
  expect_no_memory([&] { return reallocarray(block, third, 3); });
  free(block);
}

TEST(Calloc, ReusedMemoryIsZero) {
  for (size_t size : {1, 8, 24, 100, 1000, 5000, 40000, 300000, 3000000}) {
    for (int round = 0; round < 20; ++round) {
      void* dirty = malloc(size);
      std::memset(dirty, 0xa5, malloc_usable_size(dirty));
      free(dirty);
      void* clean = calloc(size, 1);
      ASSERT_TRUE(all_zero(clean, size)) << size;
      std::memset(clean, 0x5a, size);
      free(clean);
    }
  }
}

TEST(Calloc, OfNothingIsNotNull) {
  volatile size_t zero = 0;
  void* one = calloc(zero, 8);
  void* other = calloc(8, zero);
  EXPECT_NE(one, nullptr);
  EXPECT_NE(other, nullptr);
  EXPECT_NE(one, other);
  free(one);
  free(other);
}

TEST(Realloc, OfNullAllocates) {
  void* block = realloc(nullptr, 100);
  ASSERT_NE(block, nullptr);
  EXPECT_GE(malloc_usable_size(block), 100u);
  void* empty = realloc(nullptr, 0);
  EXPECT_NE(empty, nullptr);
  free(block);
  free(empty);
}

TEST(Realloc, ToNothingFreesAndReturnsNull) {
  for (int i = 0; i < 100000; ++i) {  // a leak would show as 100 GB
    void* block = malloc(1 << 20);
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(realloc(block, 0), nullptr);
  }
}

TEST(Realloc, KeepsThePrefix) {
  unsigned char* block = static_cast<unsigned char*>(malloc(1));
  block[0] = 0;
  size_t size = 1;
  for (size_t next : {7, 8, 17, 100, 4096, 70000, 2000000, 9000000, 5000, 1500000, 64, 3}) {
    block = static_cast<unsigned char*>(realloc(block, next));
    ASSERT_NE(block, nullptr);
    for (size_t i = 0; i < (size < next ? size : next); ++i) {
      ASSERT_EQ(block[i], i % 251) << i << " of " << size << " -> " << next;
    }
    for (size_t i = 0; i < next; ++i) {
      block[i] = static_cast<unsigned char>(i % 251);
    }
    size = next;
  }
  free(block);
}

TEST(Realloc, ThatFailsLeavesTheBlock) {
  char* block = static_cast<char*>(malloc(100));
  std::strcpy(block, "still here");
  expect_no_memory([&] { return realloc(block, impossible_sizes[0]); });
  EXPECT_STREQ(block, "still here");
  free(block);
}

TEST(Reallocarray, MultipliesAndKeeps) {
  int* numbers = static_cast<int*>(reallocarray(nullptr, 10, sizeof(int)));
  ASSERT_NE(numbers, nullptr);
  numbers[9] = 9;
  numbers = static_cast<int*>(reallocarray(numbers, 100000, sizeof(int)));
  ASSERT_NE(numbers, nullptr);
  EXPECT_EQ(numbers[9], 9);
  EXPECT_GE(malloc_usable_size(numbers), 100000 * sizeof(int));
  free(numbers);
}

TEST(Free, KeepsErrno) {
  for (size_t size : {0, 1, 100, 5000, 100000, 10000000}) {
    void* blocks[] = {malloc(size), memalign(4096, size), calloc(1, size), nullptr};
    for (void* block : blocks) {
      errno = 4711;
      free(block);
      EXPECT_EQ(errno, 4711) << size;
    }
  }
}

TEST(Free, SizedFormsFree) {
  for (int i = 0; i < 100000; ++i) {
    free_sized(malloc(1 << 20), 1 << 20);
    free_aligned_sized(aligned_alloc(4096, 1 << 20), 4096, 1 << 20);
  }
  free_sized(nullptr, 0);
  free_aligned_sized(nullptr, 64, 0);
}

TEST(PosixMemalign, ChecksTheAlignment) {
  for (size_t alignment : {0, 1, 2, 4, 3, 12, 24, 48, 4097}) {
    void* unchanged = &unchanged;
    errno = 4711;
    EXPECT_EQ(posix_memalign(&unchanged, alignment, 64), EINVAL) << alignment;
    EXPECT_EQ(unchanged, &unchanged);
  }
  void* block = nullptr;
  EXPECT_EQ(posix_memalign(&block, sizeof(void*), 0), 0);
  free(block);
}

TEST(Aligned, EveryAlignmentUpTo64MiB) {
  for (size_t alignment = 8; alignment <= size_t{64} << 20; alignment *= 2) {
    for (size_t size : {size_t{1}, size_t{24}, alignment - 1, alignment, size_t{5000}}) {
      void* by_posix = nullptr;
      ASSERT_EQ(posix_memalign(&by_posix, alignment, size), 0);
      void* blocks[] = {by_posix, aligned_alloc(alignment, size), memalign(alignment, size)};
      for (void* block : blocks) {
        ASSERT_NE(block, nullptr) << alignment << " " << size;
        ASSERT_TRUE(aligned(block, alignment)) << alignment << " " << size;
        ASSERT_GE(malloc_usable_size(block), size);
        std::memset(block, 1, size < 100000 ? size : 100000);
      }
      for (void* block : blocks) {
        free(block);
      }
    }
  }
}

// C23 wants a null pointer; glibc before 2.38 rounded the alignment up instead.
TEST(AlignedAlloc, WantsAPowerOfTwo) {
  for (size_t alignment : {3, 12, 48, 4097}) {
    errno = 0;
    void* block = aligned_alloc(alignment, 4096);
    if (block == nullptr) {
      EXPECT_EQ(errno, EINVAL) << alignment;
    } else {
      EXPECT_EQ(dlsym(RTLD_DEFAULT, "strata_version"), nullptr) << alignment;
      free(block);
    }
  }
}

TEST(AlignedAlloc, TakesSizesThatAreNoMultiple) {
  void* block = aligned_alloc(64, 65);
  ASSERT_NE(block, nullptr);
  EXPECT_TRUE(aligned(block, 64));
  free(block);
}

TEST(Memalign, RoundsTheAlignmentUp) {
  for (size_t alignment : {0, 1, 3, 12, 24, 48, 100, 4097}) {
    void* block = memalign(alignment, 100);
    ASSERT_NE(block, nullptr) << alignment;
    size_t rounded = 8;
    while (rounded < alignment) {
      rounded *= 2;
    }
    EXPECT_TRUE(aligned(block, rounded)) << alignment;
    free(block);
  }
}

TEST(Valloc, IsPageAligned) {
  for (size_t size : {0, 1, 100, 4095, 4096, 4097, 100000}) {
    void* by_valloc = valloc(size);
    void* by_pvalloc = pvalloc(size);
    ASSERT_NE(by_valloc, nullptr);
    ASSERT_NE(by_pvalloc, nullptr);
    EXPECT_TRUE(aligned(by_valloc, page));
    EXPECT_TRUE(aligned(by_pvalloc, page));
    EXPECT_GE(malloc_usable_size(by_pvalloc), (size + page - 1) / page * page);
    free(by_valloc);
    free(by_pvalloc);
  }
}

TEST(UsableSize, OfNullIsNothing) { EXPECT_EQ(malloc_usable_size(nullptr), 0u); }

TEST(UsableSize, MayBeUsedWhole) {
  std::set<unsigned char*> blocks;
  for (size_t size = 1; size < 200000; size += 1 + size / 7) {
    unsigned char* block = static_cast<unsigned char*>(malloc(size));
    std::memset(block, static_cast<int>(size % 255), malloc_usable_size(block));
    block[0] = static_cast<unsigned char>(size % 255);
    blocks.insert(block);
  }
  for (unsigned char* block : blocks) {
    const size_t usable = malloc_usable_size(block);
    EXPECT_EQ(std::memcmp(block, block + 1, usable - 1), 0);
    free(block);
  }
}

// Gone from glibc 2.26 on; programs that look it up must get a free or nothing.
TEST(Cfree, IsAbsentOrFrees) {
  void* found = dlsym(RTLD_DEFAULT, "cfree");
  if (found != nullptr) {
    reinterpret_cast<void (*)(void*)>(found)(malloc(100));
  }
}

}  // namespace
