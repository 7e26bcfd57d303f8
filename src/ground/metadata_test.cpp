#include "ground/metadata.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "base/bits.hpp"

namespace strata::ground::metadata {
namespace {

bool reads_zero(const void* piece, std::size_t bytes) {
  const auto* at = static_cast<const char*>(piece);
  for (std::size_t i = 0; i < bytes; ++i) {
    if (at[i] != 0) return false;
  }
  return true;
}

// Pieces in hand never overlap, are aligned and zeroed, also when they were used before.
TEST(Metadata, RandomPiecesAreZeroedAlignedAndApart) {
  std::mt19937 random(3);
  std::map<std::uintptr_t, std::size_t> held;
  for (int round = 0; round < 20'000; ++round) {
    if (held.size() < 300 && random() % 2 == 0) {
      std::size_t bytes = 1 + random() % (random() % 16 == 0 ? 100'000 : 3000);
      void* piece = allocate(bytes);
      ASSERT_NE(piece, nullptr);
      std::uintptr_t at = base::address_of(piece);
      ASSERT_EQ(at % 64, 0u);
      ASSERT_TRUE(reads_zero(piece, bytes));
      auto next = held.lower_bound(at);
      ASSERT_TRUE(next == held.end() || at + bytes <= next->first);
      ASSERT_TRUE(next == held.begin() || std::prev(next)->first + std::prev(next)->second <= at);
      std::memset(piece, 0xff, bytes);
      held[at] = bytes;
    } else if (!held.empty()) {
      auto one = std::next(held.begin(), static_cast<std::ptrdiff_t>(random() % held.size()));
      free(base::pointer_to(one->first), one->second);
      held.erase(one);
    }
  }
  for (auto [at, bytes] : held) free(base::pointer_to(at), bytes);
}

TEST(Metadata, FreedPiecesAreUsedAgain) {
  void* first = allocate(200);
  free(first, 200);
  EXPECT_EQ(allocate(250), first) << "both are of 256 bytes";
  std::size_t before = mapped_bytes();
  for (int round = 0; round < 10'000; ++round) free(allocate(1000), 1000);
  EXPECT_LE(mapped_bytes(), before + 256 * base::KiB);
}

TEST(Metadata, LargeTablesGoBack) {
  std::size_t before = mapped_bytes();
  void* table = allocate(base::MiB);
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(mapped_bytes(), before + base::MiB);
  free(table, base::MiB);
  EXPECT_EQ(mapped_bytes(), before);
}

TEST(Metadata, RefusesTheImpossible) { EXPECT_EQ(allocate(std::size_t{1} << 60), nullptr); }

TEST(Metadata, ThreadsShareIt) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 5000; ++round) {
        auto* piece = static_cast<std::uint64_t*>(allocate(128));
        ASSERT_TRUE(piece != nullptr && reads_zero(piece, 128));
        std::memset(piece, 1 + round % 100, 128);
        ASSERT_EQ(std::memcmp(piece, piece + 8, 64), 0);
        free(piece, 128);
      }
    });
  }
  for (std::thread& one : threads) one.join();
}

}  // namespace
}  // namespace strata::ground::metadata
