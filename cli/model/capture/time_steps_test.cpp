#include "cli/model/capture/time_steps.hpp"

#include <gtest/gtest.h>

#include <random>

namespace strata::cli::capture {
namespace {

double sum_of(const time_steps& of, std::uint32_t node) {
  double sum = 0;
  for (const step_figures& one : of.of(node)) sum += one.made.bytes - one.freed.bytes;
  return sum;
}

TEST(TimeSteps, EntriesAreOnlyWhereSomethingWasDone) {
  time_steps all;
  all.at(1, 0).made += {1, 10};
  all.at(1, 0).made += {1, 20};
  all.at(1, 100).freed += {1, 10};
  all.at(3, 50).temporary += 1;
  ASSERT_EQ(all.of(1).size(), 2u);
  EXPECT_EQ(all.of(1)[0].made.bytes, 30);
  EXPECT_EQ(all.of(1)[1].step, 100u);
  EXPECT_EQ(all.of(2).size(), 0u);
  EXPECT_EQ(all.of(3)[0].step, 50u);
  EXPECT_EQ(all.of(99).size(), 0u);
}

TEST(TimeSteps, BecomeLongerAsTimePasses) {
  time_steps all;
  for (std::uint64_t ms = 0; ms < 10'000; ++ms) all.at(1, ms).made += {1, 3};
  EXPECT_EQ(all.step_ms(), 128u);
  EXPECT_LE(all.of(1).size(), time_steps::most_steps);
  EXPECT_EQ(sum_of(all, 1), 30'000);
  for (const step_figures& one : all.of(1)) EXPECT_LE(one.made.blocks, 128);
}

TEST(TimeSteps, WhatComesLateIsCountedWithTheLast) {
  time_steps all;
  all.at(1, 50).made += {1, 10};
  all.at(1, 49).made += {1, 10};
  ASSERT_EQ(all.of(1).size(), 1u);
  EXPECT_EQ(all.of(1)[0].made.blocks, 2);
}

TEST(TimeSteps, ManyStacksMakeLongSteps) {
  time_steps all(1000);
  std::mt19937 dice(5);
  std::vector<double> truth(300);
  for (std::uint64_t ms = 0; ms < 120; ++ms) {
    for (int i = 0; i < 100; ++i) {
      const std::uint32_t node = dice() % 300;
      truth[node] += 7;
      all.at(node, ms).made += {1, 7};
    }
  }
  std::size_t entries = 0;
  for (std::uint32_t node = 0; node < 300; ++node) {
    entries += all.of(node).size();
    EXPECT_EQ(sum_of(all, node), truth[node]) << node;
  }
  EXPECT_LE(entries, 1000u);
  EXPECT_GT(all.step_ms(), 1u);
}

TEST(TimeSteps, MoreStacksThanEntriesAllowed) {
  time_steps all(10);
  for (std::uint32_t node = 0; node < 1000; ++node) all.at(node, node / 100).made += {1, 1};
  for (std::uint32_t node = 0; node < 1000; ++node) EXPECT_EQ(sum_of(all, node), 1);
  for (int i = 0; i < 10'000; ++i) all.at(i % 1000, 120).made += {1, 1};
  std::size_t entries = 0;
  for (std::uint32_t node = 0; node < 1000; ++node) entries += all.of(node).size();
  EXPECT_LE(entries, 2000u);
}

TEST(TimeSteps, AreReadAsWritten) {
  time_steps all;
  all.at(2, 300).made += {3, 99};
  all.at(2, 9000).freed += {2, 66};
  byte_writer to;
  all.put(to);
  byte_reader from(to.bytes());
  const time_steps read = time_steps::get(from);
  EXPECT_TRUE(from.good() && from.done());
  EXPECT_EQ(read.step_ms(), all.step_ms());
  ASSERT_EQ(read.of(2).size(), 2u);
  EXPECT_EQ(read.of(2)[1].step, all.of(2)[1].step);
  EXPECT_EQ(sum_of(read, 2), 33);
}

TEST(TimeSteps, NumbersThatMakeNoSenseAreNotBelieved) {
  byte_writer to;
  for (std::uint64_t one : {0U, 1U, 1U, 1U << 30}) to.number(one);
  for (int i = 0; i < 5; ++i) to.real(1);
  byte_reader from(to.bytes());
  const time_steps read = time_steps::get(from);
  EXPECT_EQ(read.step_ms(), 1u);
  EXPECT_LT(read.of(0).at(0).step, time_steps::most_steps);
}

}  // namespace
}  // namespace strata::cli::capture
