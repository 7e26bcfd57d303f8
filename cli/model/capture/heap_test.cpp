#include "cli/model/capture/heap.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

namespace strata::cli::capture {
namespace {

using wire::entry_kind;

event made(std::uint64_t block, std::uint64_t size, std::uint32_t node, std::uint32_t thread = 1,
           std::uint64_t time_ms = 0) {
  return {entry_kind::allocate, thread, node, block, size, time_ms};
}
event gone(std::uint64_t block, std::uint32_t thread = 1, std::uint64_t time_ms = 0) {
  return {entry_kind::deallocate, thread, 0, block, 0, time_ms};
}

TEST(Heap, CountsByStack) {
  heap all;
  all.add(made(16, 100, 1));
  all.add(made(32, 50, 2));
  all.add(gone(16));
  all.add(made(48, 10, 2));
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

TEST(Heap, LivesUpToTheEnd) {
  heap all;
  all.add(made(16, 1, 1, 1, 10));
  all.add(made(32, 1, 1, 1, 20));
  all.add(gone(16, 1, 50));
  all.add(made(48, 1, 2, 1, 60));
  EXPECT_EQ(all.by_node()[1].life_ms(100), 40 + 80);
  EXPECT_EQ(all.by_node()[2].life_ms(100), 40);
  EXPECT_EQ(all.all().life_ms(100), 160);
}

TEST(Heap, OwnPeaksAreEachStacks) {
  heap all;
  all.add(made(16, 100, 1));
  all.add(made(32, 50, 1));
  all.add(gone(16));
  all.add(made(48, 500, 2));
  all.add(made(64, 20, 1));
  EXPECT_EQ(all.own_peaks()[1].bytes, 150);
  EXPECT_EQ(all.own_peaks()[1].blocks, 2);
  EXPECT_EQ(all.own_peaks()[2].bytes, 500);
}

// The end of the millisecond counts; what follows does not, whether it stands there or is read back.
TEST(Heap, KeepsAMoment) {
  const auto fill = [](heap& into) {
    into.add(made(16, 100, 1, 1, 5));
    into.add(made(32, 10, 2, 1, 7));
    into.add(gone(16, 1, 7));
    into.add(made(48, 1, 1, 1, 8));
  };
  heap later;
  later.add(made(16, 1000, 1, 1, 5));
  later.add(made(32, 1000, 9, 1, 5));
  const std::vector<std::array<int, 3>> truth = {{4, 0, 0},  {5, 100, 0}, {6, 100, 0},
                                                 {7, 0, 10}, {8, 1, 10},  {99, 1, 10}};
  for (const auto& [moment, first, second] : truth) {
    for (const bool goes_on : {false, true}) {
      heap all;
      all.keep_moment(static_cast<std::uint64_t>(moment));
      fill(all);
      if (goes_on) all.go_on_as(later);
      all.settle();
      EXPECT_EQ(all.by_node()[1].at_moment.bytes, first) << moment;
      EXPECT_EQ(all.by_node()[2].at_moment.bytes, second) << moment;
      EXPECT_EQ(all.all().at_moment.bytes, first + second) << moment;
    }
  }
}

TEST(Heap, ComesBackAsItWas) {
  heap all;
  all.add(made(16, 100, 1, 1, 3));
  all.add(made(32, 50, 5, 1, 4));
  all.add(gone(16, 1, 30));
  byte_writer to;
  all.put(to);
  byte_reader from(to.bytes());
  const heap read = heap::get(from);
  EXPECT_TRUE(from.good());
  EXPECT_TRUE(from.done());
  ASSERT_EQ(read.by_node().size(), 6u);
  EXPECT_EQ(read.by_node()[1].life_ms(99), 27);
  EXPECT_EQ(read.own_peaks()[1].bytes, 100);
  EXPECT_EQ(read.by_node()[5].live.bytes, 50);
  EXPECT_EQ(read.peak_bytes(), 150);
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
    const std::uint64_t block = (dice() % 300 + 1) * 16;
    if (live.contains(block)) {
      all.add(gone(block));
      live.erase(block);
    } else {
      live[block] = made(block, dice() % 1000, static_cast<std::uint32_t>(dice() % 20));
      all.add(live[block]);
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

TEST(Heap, StepsAddUpToTheFigures) {
  heap all;
  std::mt19937_64 dice(7);
  std::map<std::uint64_t, bool> live;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const std::uint64_t address = (dice() % 200 + 1) * 16;
    if (live[address]) {
      all.add(gone(address, 1, i));
    } else {
      all.add(made(address, dice() % 1000, static_cast<std::uint32_t>(dice() % 20), 1, i));
    }
    live[address] = !live[address];
  }
  all.settle();
  for (std::uint32_t node = 0; node < 20; ++node) {
    stack_figures sum;
    for (const step_figures& one : all.steps().of(node)) {
      sum.total += one.made;
      sum.live += one.made;
      sum.live -= one.freed;
      sum.temporary += one.temporary;
    }
    EXPECT_EQ(sum.total.bytes, all.by_node()[node].total.bytes) << node;
    EXPECT_EQ(sum.live.bytes, all.by_node()[node].live.bytes) << node;
    EXPECT_EQ(sum.temporary, all.by_node()[node].temporary) << node;
  }
}

TEST(Heap, ReadBackHasSteps) {
  heap all;
  all.add(made(16, 100, 1, 1, 40));
  byte_writer to;
  all.put(to);
  byte_reader from(to.bytes());
  const heap read = heap::get(from);
  EXPECT_TRUE(from.good() && from.done());
  ASSERT_EQ(read.steps().of(1).size(), 1u);
  EXPECT_EQ(read.steps().of(1)[0].made.bytes, 100);
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
