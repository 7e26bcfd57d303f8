#include "observe/stack_walk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <vector>

#include "os/registers.hpp"
#include "os/unwind.hpp"

namespace strata::observe {
namespace {

stack_walker& walker() {
  static stack_walker one;
  static const bool is_set_up = one.set_up(nullptr);
  EXPECT_TRUE(is_set_up);
  return one;
}

constexpr std::size_t most = 64;

// What walks keep between them, as the recorder does.
stack_walker::known_stack known;
stack_walker::trace last;

// The whole stack, the innermost call first.
__attribute__((noinline)) std::vector<std::uintptr_t> walk() {
  std::uintptr_t calls[most];
  std::uintptr_t places[most];
  stack_walker::found found{calls, places, most};
  const std::size_t shared = walker().walk(known, &last, found);
  last.depth = shared;
  for (std::size_t left = found.depth; left > 0; --left) {
    last.calls[last.depth] = calls[left - 1];
    last.places[last.depth++] = places[left - 1];
  }
  std::vector<std::uintptr_t> all(last.calls, last.calls + last.depth);
  std::reverse(all.begin(), all.end());
  return all;
}

struct walks {
  std::vector<std::uintptr_t> slow;
  std::vector<std::uintptr_t> fast;
};

// From the caller on, what step finds is what walk has to.
__attribute__((noinline)) walks both() {
  walks made;
  os::frame at;
  at.pc = os::read_registers(at.registers);
  at.interrupted = true;
  while (made.slow.size() < most && os::step(at)) made.slow.push_back(at.pc);
  made.fast = walk();
  return made;
}

void check(const walks& made) {
  ASSERT_GT(made.slow.size(), 3u);
  ASSERT_GT(made.fast.size(), made.slow.size());
  const std::vector<std::uintptr_t> outer(
      made.fast.end() - static_cast<std::ptrdiff_t>(made.slow.size()), made.fast.end());
  EXPECT_EQ(made.slow, outer);
}

__attribute__((noinline)) walks deep(int depth) {
  volatile char filler[3000] = {};
  walks made = depth == 0 ? both() : deep(depth - 1);
  filler[depth] = 1;
  static_cast<void>(filler[depth]);
  return made;
}

TEST(StackWalk, FindsWhatStepFinds) {
  check(both());
  check(both());  // now by what it has kept
}

// As the recorder does: the walk begins with the caller's call.
__attribute__((noinline)) walks from_caller() {
  walks made;
  const os::calling_frame from = os::read_caller();
  os::frame at;
  at.pc = os::read_registers(at.registers);
  at.interrupted = true;
  while (made.slow.size() < most && os::step(at)) made.slow.push_back(at.pc);
  std::uintptr_t calls[most];
  std::uintptr_t places[most];
  stack_walker::found found{calls, places, most};
  walker().walk(known, nullptr, found, &from);
  made.fast.assign(calls, calls + found.depth);
  return made;
}

TEST(StackWalk, BeginsAtTheCaller) {
  const walks made = from_caller();
  ASSERT_GT(made.slow.size(), 3u);
  if (os::read_caller().pc == 0) {
    EXPECT_GT(made.fast.size(), made.slow.size());
  } else {
    EXPECT_EQ(made.slow, made.fast);
  }
}

TEST(StackWalk, PassesLargeFrames) { check(deep(20)); }

walks in_handler;
void handle(int) { in_handler = both(); }

TEST(StackWalk, PassesASignalFrame) {
  std::signal(SIGUSR2, handle);
  std::raise(SIGUSR2);
  check(in_handler);
}

// Trees of calls: whatever of the last walk is still there, all is what a walk from nothing finds.
__attribute__((noinline)) void branch(std::uint32_t choices, int depth) {
  volatile char filler[64] = {};
  check(both());
  if (depth > 0) {
    if ((choices & 1) != 0) branch(choices >> 1, depth - 1);
    check(deep(static_cast<int>(choices % 5)));
    if ((choices & 2) != 0) branch(choices >> 2, depth - 1);
  }
  filler[0] = 1;
  static_cast<void>(filler[0]);
}

TEST(StackWalk, MeetsTheLastWalk) {
  for (std::uint32_t choices : {0x5a5a5a5aU, 0xffffffffU, 0x12345678U}) branch(choices, 7);
}

TEST(StackWalk, StopsAtTheLimit) {
  std::uintptr_t calls[2] = {1, 1};
  std::uintptr_t places[2] = {1, 1};
  stack_walker::found found{calls, places, 1};
  EXPECT_EQ(walker().walk(known, nullptr, found), 0u);
  EXPECT_EQ(found.depth, 1u);
  EXPECT_EQ(calls[0], 0u);
  EXPECT_EQ(calls[1], 1u);
}

}  // namespace
}  // namespace strata::observe
