#include "cli/model/replay/translator.hpp"

#include <gtest/gtest.h>

#include "cli/model/capture/recording_test.hpp"
#include "cli/model/replay/operations_test.hpp"

namespace strata::cli::replay {
namespace {

using capture::gone;
using capture::made;
using capture::resize_back;
using capture::resize_in;
using capture::resize_out;

std::string translated(const std::vector<capture::event>& events, std::uint64_t unknown_frees = 0) {
  translator one;
  std::vector<operation> all;
  for (const capture::event& each : events) one.add(each, all);
  EXPECT_EQ(one.unknown_frees(), unknown_frees);
  return text_of(all);
}

TEST(Translator, UsesSlotsAgain) {
  EXPECT_EQ(translated({made(16, 100), made(32, 50), gone(16), made(48, 7), made(64, 8)}),
            "a0:100 a1:50 f0 a0:7 a2:8");
}

TEST(Translator, ReallocKeepsItsSlot) {
  EXPECT_EQ(translated({made(16, 100), resize_out(16), resize_in(16, 200), gone(16)}),
            "a0:100 r0:200 f0");
  EXPECT_EQ(translated({made(16, 100), resize_out(16), resize_in(32, 200), gone(32)}),
            "a0:100 r0:200 f0");
}

// The old address is another thread's before the new one is told.
TEST(Translator, ReallocAcrossThreads) {
  EXPECT_EQ(translated({made(16, 100), resize_out(16, 1), made(16, 5, 1, 2),
                        resize_in(32, 200, 1, 1), gone(16), gone(32)}),
            "a0:100 a1:5 r0:200 f1 f0");
}

TEST(Translator, ReallocThatFailsOrIsNotEnded) {
  EXPECT_EQ(translated({made(16, 100), resize_out(16), resize_back(16), gone(16)}), "a0:100 f0");
  EXPECT_EQ(translated({made(16, 100), resize_out(16), made(32, 1)}), "a0:100 f0 a0:1");
}

TEST(Translator, WhatTheRecordingHasNotSeen) {
  EXPECT_EQ(translated({gone(16), resize_out(32), resize_in(48, 9)}, 2), "a0:9");
}

}  // namespace
}  // namespace strata::cli::replay
