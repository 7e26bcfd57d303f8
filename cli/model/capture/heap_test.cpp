#include "cli/model/capture/heap.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace strata::cli::capture {
namespace {

using wire::entry_kind;

event made(std::uint64_t address, std::uint64_t size, std::uint32_t node, std::uint32_t thread = 1,
           std::uint64_t time_ms = 0) {
  return {entry_kind::allocate, thread, node, address, size, time_ms};
}
event gone(std::uint64_t address, std::uint32_t thread = 1, std::uint64_t time_ms = 0) {
  return {entry_kind::deallocate, thread, 0, address, 0, time_ms};
}

TEST(Heap, CountsByStack) {
  heap all;
  all.add(made(16, 100, 1));
  all.add(made(32, 50, 2));
  all.add(gone(16));
  all.add(made(16, 10, 2));
  all.settle();
  EXPECT_EQ(all.by_node()[1].total.bytes, 100);
  EXPECT_EQ(all.by_node()[1].live.bytes, 0);
  EXPECT_EQ(all.by_node()[1].at_peak.bytes, 100);
  EXPECT_EQ(all.by_node()[2].total.blocks, 2);
  EXPECT_EQ(all.by_node()[2].live.bytes, 60);
  EXPECT_EQ(all.by_node()[2].at_peak.bytes, 50);
  EXPECT_EQ(all.peak_bytes(), 150);
}

TEST(Heap, TemporaryIsWhatItsThreadFreesNext) {
  heap all;
  all.add(made(16, 1, 1, 1));
  all.add(made(32, 1, 2, 2));
  all.add(gone(16, 1));  // another thread's allocation does not matter
  all.add(gone(32, 1));  // another thread's free does
  all.add(made(48, 1, 3));
  all.add(made(64, 1, 3));
  all.add(gone(48));
  EXPECT_EQ(all.by_node()[1].temporary, 1);
  EXPECT_EQ(all.by_node()[2].temporary, 0);
  EXPECT_EQ(all.by_node()[3].temporary, 0);
}

TEST(Heap, ReallocThatFailsLeavesTheBlock) {
  heap all;
  all.add(made(16, 100, 1));
  all.add({entry_kind::resize_out, 1, 0, 16, 0, 5});
  all.add({entry_kind::resize_back, 1, 0, 16, 0, 5});
  EXPECT_EQ(all.all().live.bytes, 100);
  EXPECT_EQ(all.all().temporary, 0);
  EXPECT_EQ(all.all().lived, lifetimes{});
  all.add({entry_kind::resize_out, 1, 0, 16, 0, 5});
  all.add({entry_kind::resize_in, 1, 2, 32, 200, 5});
  EXPECT_EQ(all.all().live.bytes, 200);
  EXPECT_EQ(all.all().resized, 1);
}

TEST(Heap, Lifetimes) {
  heap all;
  all.add(made(16, 1, 1, 1, 0));
  all.add(made(32, 1, 1, 1, 0));
  all.add(gone(16, 1, 50));
  all.add(gone(32, 1, 1'000'000));
  EXPECT_EQ(all.all().lived, (lifetimes{0, 0, 1, 0, 0, 0, 1}));
}

TEST(Heap, UnknownFrees) {
  heap all;
  all.add(gone(16));
  EXPECT_EQ(all.unknown_frees(), 1u);
  EXPECT_EQ(all.all().live.blocks, 0);
}

TEST(Heap, SamplesStandForMore) {
  heap all(1 << 16);
  all.add(made(16, 1023, 1));
  // 1 / (1 - exp(-1 / 64))
  EXPECT_NEAR(all.all().total.blocks, 64.5, 0.1);
  EXPECT_NEAR(all.all().total.bytes, 64.5 * 1023, 100);
  all.add(gone(16));
  EXPECT_NEAR(all.all().live.bytes, 0, 1e-6);
  all.add(made(16, 64 << 20, 1));
  EXPECT_NEAR(all.all().live.blocks, 1, 1e-6);
}

// The lazy copies are what copying everything at each peak would have.
TEST(Heap, PeakAgreesWithCopies) {
  heap all;
  std::map<std::uint64_t, event> live;
  std::map<std::uint32_t, double> at_peak;
  double most = 0;
  std::mt19937_64 dice(3);
  for (int i = 0; i < 3000; ++i) {
    const std::uint64_t address = (dice() % 300 + 1) * 16;
    if (live.contains(address)) {
      all.add(gone(address));
      live.erase(address);
    } else {
      live[address] = made(address, dice() % 1000, static_cast<std::uint32_t>(dice() % 20));
      all.add(live[address]);
    }
    std::map<std::uint32_t, double> now;
    double sum = 0;
    for (const auto& [at, one] : live) {
      now[one.node] += static_cast<double>(one.size);
      sum += static_cast<double>(one.size);
    }
    if (sum > most) {
      most = sum;
      at_peak = now;
    }
  }
  all.settle();
  EXPECT_EQ(all.peak_bytes(), most);
  for (std::uint32_t node = 0; node < 20; ++node) {
    EXPECT_EQ(all.by_node()[node].at_peak.bytes, at_peak[node]) << node;
  }
}

TEST(Heap, CurveStaysShort) {
  heap all;
  for (std::uint64_t ms = 0; ms < 100'000; ++ms) all.add(made(16 * (ms + 1), 1, 1, 1, ms));
  EXPECT_LE(all.curve().size(), 4096u);
  EXPECT_GT(all.curve().size(), 1000u);
  EXPECT_EQ(all.curve().back().time_ms, 99'999u);
  EXPECT_EQ(all.curve().back().live_bytes, 100'000);
}

}  // namespace
}  // namespace strata::cli::capture
