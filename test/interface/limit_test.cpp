// A bounded process (STRATA_LIMIT=64M): what is beyond the limit fails, what is freed makes room,
// and the program goes on.
#include <gtest/gtest.h>
#include <strata/strata.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

constexpr size_t mib = size_t{1} << 20;
constexpr size_t limit = 64 * mib;

// A list of blocks that needs no memory beside them.
class block_list {
 public:
  explicit block_list(size_t block_bytes) : block_bytes_(block_bytes) {}
  ~block_list() { clear(); }

  bool add() {
    void* block = malloc(block_bytes_);
    if (block == nullptr) {
      return false;
    }
    std::memset(block, 1, block_bytes_);
    *static_cast<void**>(block) = first_;
    first_ = block;
    bytes_ += block_bytes_;
    return true;
  }
  size_t fill() {
    while (bytes_ < 4 * limit && add()) {
    }
    return bytes_;
  }
  void remove() {
    void* block = first_;
    first_ = *static_cast<void**>(block);
    bytes_ -= block_bytes_;
    free(block);
  }
  void clear() {
    while (first_ != nullptr) {
      remove();
    }
  }

 private:
  size_t block_bytes_;
  size_t bytes_ = 0;
  void* first_ = nullptr;
};

TEST(Limit, IsInTheStatistics) {
  static strata_stats now;
  strata_stats_get(&now);
  EXPECT_EQ(now.limit_bytes, limit);
}

TEST(Limit, OneBlockBeyondItFails) {
  errno = 0;
  void* volatile block = malloc(100 * mib);
  EXPECT_EQ(block, nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_THROW((void)operator new(100 * mib), std::bad_alloc);
}

TEST(Limit, HoldsForEverySizeAndFreeingMakesRoom) {
  for (size_t block_bytes : {64, 1000, 30000, 200000, 3000000}) {
    block_list blocks(block_bytes);
    for (int round = 0; round < 3; ++round) {
      errno = 0;
      const size_t filled = blocks.fill();
      EXPECT_EQ(errno, ENOMEM) << block_bytes;
      EXPECT_LE(filled, limit) << block_bytes;
      EXPECT_GE(filled, limit / 10 * 7) << block_bytes << ", round " << round;
      blocks.remove();
      EXPECT_TRUE(blocks.add()) << block_bytes;
      blocks.clear();
    }
  }
}

TEST(Limit, ReallocFailsAndKeeps) {
  char* block = static_cast<char*>(malloc(mib));
  ASSERT_NE(block, nullptr);
  std::strcpy(block, "kept");
  errno = 0;
  void* volatile grown = realloc(block, 100 * mib);
  EXPECT_EQ(grown, nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_STREQ(block, "kept");
  free(block);
}

block_list* hostage;

TEST(Limit, NewHandlerThatMakesRoomIsEnough) {
  block_list blocks(500000);
  blocks.fill();
  hostage = &blocks;
  std::set_new_handler([] {
    hostage->clear();
    std::set_new_handler(nullptr);
  });
  void* block = nullptr;
  EXPECT_NO_THROW(block = operator new(20 * mib));
  EXPECT_NE(block, nullptr);
  std::set_new_handler(nullptr);
  operator delete(block);
}

}  // namespace
