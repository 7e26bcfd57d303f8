#include "gc/direct.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "gc/plans_test.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

class GcDirect : public testing::TestWithParam<plan> {
 protected:
  heap memory{{.max_bytes = 16 * MiB,
               .plan = GetParam(),
               .direct_max_bytes = 4 * MiB,
               .direct_wait_ms = 40,
               .stress = {.protect_moved = true, .verify = true}}};
  mutator self{memory};
};

TEST_P(GcDirect, IsZeroedAndStaysWhileTheObjectMoves) {
  std::vector<std::size_t> sizes{1, 1000, 5000, 40000, 1000000};
  for (std::size_t size : sizes) {
    local<direct_buffer> buffer = make_direct(self, size);
    ASSERT_EQ(size, buffer->size());
    std::byte* data = buffer->data();
    EXPECT_TRUE(base::is_aligned(base::address_of(data), 64));
    for (std::size_t at = 0; at < size; ++at) ASSERT_EQ(std::byte{0}, data[at]);
    std::memset(data, 0xa5, size);
    for (int time = 0; time < 3; ++time) {
      self.collect(time == 0 ? collection::young : collection::full);
      ASSERT_EQ(data, buffer->data());
      ASSERT_EQ(std::byte{0xa5}, data[size - 1]);
    }
  }
}

TEST_P(GcDirect, MemoryGoesWithTheObjectOrBefore) {
  for (int each = 0; each < 30; ++each) {
    local<direct_buffer> buffer = make_direct(self, 10 * KiB);
    if (each % 3 == 0) release(buffer);
    if (each % 6 == 0) release(buffer);
    if (each % 3 == 0) {
      EXPECT_EQ(nullptr, buffer->data());
      EXPECT_EQ(0U, buffer->size());
    }
  }
  EXPECT_EQ(20U, direct_of(memory).buffers);
  self.collect();
  EXPECT_EQ(20U, direct_of(memory).buffers);
  EXPECT_EQ(30U, memory.run_cleaners());
  EXPECT_EQ(0U, direct_of(memory).buffers);
  EXPECT_EQ(0U, direct_of(memory).used_bytes);
}

TEST_P(GcDirect, TheLimitHoldsThoughNobodyRunsCleaners) {
  for (std::size_t at = 0; at < 2000; ++at) {
    local<direct_buffer> buffer = make_direct(self, (at % 7 + 1) * 50 * KiB);
    buffer->data()[buffer->size() - 1] = std::byte{1};
    ASSERT_LE(direct_of(memory).used_bytes, 4 * MiB);
  }
  EXPECT_LE(direct_of(memory).peak_bytes, 4 * MiB);
  EXPECT_EQ(0U, direct_of(memory).waits);
  // Paced by what is behind the objects, not by their own few bytes.
  EXPECT_GT(memory.statistics().full_collections, 20U);
}

TEST_P(GcDirect, ATypedErrorWhenAllIsInUse) {
  local<array<ref<direct_buffer>>> kept = self.make<array<ref<direct_buffer>>>(8);
  for (std::size_t at = 0; at < 4; ++at) (*kept)[at] = make_direct(self, MiB);
  EXPECT_THROW(static_cast<void>(make_direct(self, 1)), direct_memory_exhausted);
  EXPECT_THROW(static_cast<void>(make_direct(self, ~std::size_t{0})), direct_memory_exhausted);
  EXPECT_GT(direct_of(memory).waits, 0U);
  (*kept)[2] = nullptr;
  local<direct_buffer> buffer = make_direct(self, MiB);
  EXPECT_EQ(4 * MiB, direct_of(memory).used_bytes);
  EXPECT_EQ(4 * MiB, direct_of(memory).peak_bytes);
}

TEST_P(GcDirect, LeasedMemoryStaysChargedUntilItsLateEnd) {
  std::optional<direct_lease> late;
  {
    local<direct_buffer> buffer = make_direct(self, 3 * MiB);
    buffer->data()[5] = std::byte{7};
    late.emplace(buffer);
  }
  self.collect();
  memory.run_cleaners();
  EXPECT_EQ(3 * MiB, direct_of(memory).used_bytes);
  EXPECT_THROW(static_cast<void>(make_direct(self, 2 * MiB)), direct_memory_exhausted);
  EXPECT_EQ(std::byte{7}, late->data()[5]);
  late.reset();
  EXPECT_EQ(0U, direct_of(memory).used_bytes);
  EXPECT_EQ(2 * MiB, local<direct_buffer>(make_direct(self, 2 * MiB))->size());
}

TEST_P(GcDirect, WaitsForThoseWhoAreLate) {
  heap patient{{.plan = GetParam(), .direct_max_bytes = 4 * MiB, .direct_wait_ms = 60000}};
  mutator own{patient};
  std::optional<direct_lease> lease;
  lease.emplace(local<direct_buffer>(make_direct(own, 3 * MiB)));
  std::thread device([&patient, late = std::move(*lease)]() mutable {
    // It lets go only once somebody waits.
    while (direct_of(patient).waits == 0) std::this_thread::yield();
    direct_lease here = std::move(late);
    here.data()[0] = std::byte{1};
  });
  lease.reset();
  local<direct_buffer> buffer = make_direct(own, 3 * MiB);
  EXPECT_EQ(3 * MiB, buffer->size());
  {
    blocking guard{own};
    device.join();
  }
  EXPECT_LE(direct_of(patient).peak_bytes, 4 * MiB);
}

TEST_P(GcDirect, ThreadsShareTheLimit) {
  heap shared{{.plan = GetParam(), .direct_max_bytes = 2 * MiB, .direct_wait_ms = 60000}};
  std::vector<std::thread> threads;
  for (unsigned each = 0; each < 4; ++each) {
    threads.emplace_back([&shared, each] {
      mutator own{shared};
      std::mt19937 random{each};
      local<direct_buffer> kept{own};
      for (int time = 0; time < 400; ++time) {
        kept = make_direct(own, random() % (256 * KiB));
        if (kept->size() > 0) kept->data()[kept->size() - 1] = std::byte{1};
        ASSERT_LE(direct_of(shared).used_bytes, 2 * MiB);
        if (random() % 4 == 0) release(kept);
      }
    });
  }
  for (std::thread& each : threads) each.join();
  shared.collect();
  shared.run_cleaners();
  EXPECT_EQ(0U, direct_of(shared).used_bytes);
  EXPECT_LE(direct_of(shared).peak_bytes, 2 * MiB);
}

INSTANTIATE_TEST_SUITE_P(Plans, GcDirect, every_plan, name_of_plan);

}  // namespace
}  // namespace strata::gc
