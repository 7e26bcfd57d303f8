#include "os/memory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bits.hpp"
#include "os/process.hpp"

namespace strata::os {
namespace {

constexpr std::size_t size = base::MiB;

bool reads_zero(const void* range, std::size_t bytes) {
  const auto* at = static_cast<const char*>(range);
  for (std::size_t i = 0; i < bytes; ++i) {
    if (at[i] != 0) return false;
  }
  return true;
}

std::size_t resident_pages(void* range, std::size_t bytes) {
  std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  unsigned char present[size / 4096] = {};
  EXPECT_EQ(mincore(range, bytes, present), 0);
  std::size_t count = 0;
  for (std::size_t i = 0; i < bytes / page; ++i) count += present[i] & 1;
  return count;
}

TEST(Memory, KnowsTheMachine) {
  // More than one of the system's pages where STRATA_PAGE_SIZE asks for it.
  EXPECT_TRUE(base::is_power_of_two(page_bytes()));
  EXPECT_GE(page_bytes(), static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_GE(address_bits(), 39u);
  EXPECT_LE(address_bits(), 48u);
  EXPECT_EQ(physical_bytes(), static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                                  static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
}

TEST(Memory, MapIsZeroedWritableAndAligned) {
  for (std::size_t alignment = page_bytes(); alignment <= 16 * base::MiB; alignment *= 4) {
    void* range = map(size, alignment);
    ASSERT_NE(range, nullptr);
    EXPECT_TRUE(base::is_aligned(base::address_of(range), alignment));
    EXPECT_TRUE(reads_zero(range, size));
    std::memset(range, 1, size);
    EXPECT_TRUE(release(range, size));
  }
}

TEST(Memory, MapRefusesTheImpossibleAndKeepsErrno) {
  errno = 77;
  EXPECT_EQ(map(std::size_t{1} << 60, page_bytes()), nullptr);
  EXPECT_EQ(map(std::size_t{1} << 62, std::size_t{1} << 63), nullptr);
  EXPECT_EQ(errno, 77);
}

TEST(Memory, ReleaseTakesTheAddressesBack) {
  void* range = map(size, page_bytes());
  ASSERT_NE(range, nullptr);
  ASSERT_TRUE(release(range, size));
  unsigned char present[size / 4096];
  EXPECT_EQ(mincore(range, size, present), -1);
  EXPECT_EQ(errno, ENOMEM);
}

TEST(Memory, ReservedAsReadableReadsZero) {
  void* range = reserve(size, page_bytes(), reserved_as::readable);
  ASSERT_NE(range, nullptr);
  EXPECT_TRUE(reads_zero(range, size));
  EXPECT_TRUE(release(range, size));
}

TEST(MemoryDeathTest, AReservationMayNotBeTouched) {
  auto* hidden =
      static_cast<volatile char*>(reserve(size, page_bytes(), reserved_as::inaccessible));
  auto* readable = static_cast<volatile char*>(reserve(size, page_bytes(), reserved_as::readable));
  ASSERT_TRUE(hidden != nullptr && readable != nullptr);
  EXPECT_DEATH((void)hidden[0], "");
  EXPECT_DEATH(readable[0] = 1, "");
}

TEST(Memory, CommitOpensPartOfAReservation) {
  auto* range = static_cast<char*>(reserve(size, page_bytes(), reserved_as::inaccessible));
  ASSERT_NE(range, nullptr);
  ASSERT_TRUE(commit(range + page_bytes(), page_bytes()));
  EXPECT_TRUE(reads_zero(range + page_bytes(), page_bytes()));
  std::memset(range + page_bytes(), 1, page_bytes());
  EXPECT_FALSE(commit(base::pointer_to(base::address_of(range) + 1), page_bytes()));
  EXPECT_TRUE(release(range, size));
}

TEST(Memory, PurgedPagesAreGoneAndReadZero) {
  auto* range = static_cast<char*>(map(size, page_bytes()));
  ASSERT_NE(range, nullptr);
  std::memset(range, 0xab, size);
  std::size_t before = resident_pages(range, size);
  EXPECT_EQ(before, size / static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
  ASSERT_TRUE(purge(range + page_bytes(), size - 2 * page_bytes()));
  EXPECT_LE(resident_pages(range, size), before - (size / page_bytes() - 2));
  EXPECT_TRUE(reads_zero(range + page_bytes(), size - 2 * page_bytes()));
  EXPECT_EQ(static_cast<unsigned char>(range[page_bytes() - 1]), 0xab);
  EXPECT_EQ(static_cast<unsigned char>(range[size - page_bytes()]), 0xab);
  EXPECT_TRUE(release(range, size));
}

TEST(Memory, PopulatedPagesAreThereAndAsBefore) {
  if (config::thread_sanitizer) GTEST_SKIP() << "its shadow is resident, too";
  constexpr std::size_t much = 8 * base::MiB;
  auto* range = static_cast<unsigned char*>(map(much, page_bytes()));
  ASSERT_NE(nullptr, range);
  never_huge(range, much);
  range[5] = 7;
  std::size_t before = resident_bytes();
  if (!populate(range, much)) GTEST_SKIP() << "the kernel does not populate (Linux before 5.14)";
  EXPECT_GE(resident_bytes(), before + much / 2);
  EXPECT_EQ(7, range[5]);
  EXPECT_EQ(0, range[much - 1]);
  EXPECT_TRUE(release(range, much));
}

TEST(Memory, RemapKeepsTheContents) {
  auto* range = static_cast<char*>(map(size, page_bytes()));
  ASSERT_NE(range, nullptr);
  for (std::size_t i = 0; i < size; ++i) range[i] = static_cast<char>(i * 7);
  auto* wide = static_cast<char*>(remap(range, size, 64 * size));
  ASSERT_NE(wide, nullptr);
  for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(wide[i], static_cast<char>(i * 7)) << i;
  EXPECT_TRUE(reads_zero(wide + size, 63 * size));
  auto* narrow = static_cast<char*>(remap(wide, 64 * size, page_bytes()));
  ASSERT_NE(narrow, nullptr);
  EXPECT_EQ(narrow[page_bytes() - 1], static_cast<char>((page_bytes() - 1) * 7));
  EXPECT_EQ(remap(narrow, page_bytes(), std::size_t{1} << 60), nullptr);
  EXPECT_EQ(narrow[1], 7) << "a refused remap leaves the mapping as it was";
  EXPECT_TRUE(release(narrow, page_bytes()));
}

TEST(Memory, LiftMovesThePagesAndLeavesZeros) {
  auto* from = static_cast<char*>(map(size, page_bytes()));
  void* to = reserve(size, page_bytes(), reserved_as::inaccessible);
  ASSERT_TRUE(from != nullptr && to != nullptr);
  // Twice: the second lift finds the pages of the first in its way.
  for (char fill : {'a', 'b'}) {
    std::memset(from, fill, size);
    if (!lift_pages(from, to, size)) GTEST_SKIP() << "the kernel does not lift (Linux before 5.7)";
    EXPECT_TRUE(reads_zero(from, size));
    EXPECT_EQ(static_cast<char*>(to)[0], fill);
    EXPECT_EQ(static_cast<char*>(to)[size - 1], fill);
  }
  std::memset(from, 'c', size);  // still mapped and writable
  EXPECT_TRUE(release(from, size));
  EXPECT_TRUE(release(to, size));
}

TEST(Memory, ResidentBytesFollowWhatIsTouched) {
  if (config::thread_sanitizer) GTEST_SKIP() << "its shadow is resident, too";
  constexpr std::size_t much = 32 * base::MiB;
  std::size_t before = resident_bytes();
  ASSERT_GT(before, 0u);
  void* range = map(much, page_bytes());
  ASSERT_NE(range, nullptr);
  std::memset(range, 1, much);
  EXPECT_GE(resident_bytes(), before + much / 2);
  EXPECT_GE(peak_resident_bytes(), resident_bytes() - much / 4);
  EXPECT_TRUE(release(range, much));
  EXPECT_LT(resident_bytes(), before + much / 2);
}

TEST(Process, ReadsAFileCutToFit) {
  char buffer[8];
  std::memset(buffer, 'x', sizeof buffer);
  EXPECT_EQ(read_file("/proc/self/status", buffer, 6), 5u);
  EXPECT_STREQ(buffer, "Name:");
  EXPECT_EQ(read_file("/no/such/file", buffer, sizeof buffer), 0u);
}

TEST(Process, ClocksAgree) {
  std::uint64_t coarse = coarse_ms();
  std::uint64_t fine_ms = monotonic_ns() / 1'000'000;
  EXPECT_LE(coarse, fine_ms);
  EXPECT_LE(fine_ms, coarse + 1000);
}

}  // namespace
}  // namespace strata::os
