#include "observe/stack_walk.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <vector>

#include "os/registers.hpp"
#include "os/unwind.hpp"

namespace strata::observe {
namespace {

stack_walker& walker() {
  static stack_walker one;
  static const bool is_set_up = one.set_up();
  EXPECT_TRUE(is_set_up);
  return one;
}

constexpr std::size_t most = 64;

struct walks {
  std::vector<std::uintptr_t> slow;
  std::vector<std::uintptr_t> fast;
};

// In a test program this library is a part of the program, whose calls are all left out: so both walk from
// here, and what step finds is what walk has to.
__attribute__((noinline)) walks both() {
  walks made;
  os::frame at;
  at.pc = os::read_registers(at.registers);
  at.interrupted = true;
  while (made.slow.size() < most && os::step(at)) made.slow.push_back(at.pc);
  stack_walker::known_stack known;
  std::uintptr_t calls[most];
  const std::size_t depth = walker().walk(known, calls, most);
  made.fast.assign(calls, calls + depth);
  return made;
}

// From the first call outside of the program on they are the same, and the program's are left out.
void check(const walks& made) {
  ASSERT_FALSE(made.fast.empty());
  ASSERT_GE(made.slow.size(), made.fast.size());
  const std::vector<std::uintptr_t> outer(
      made.slow.end() - static_cast<std::ptrdiff_t>(made.fast.size()), made.slow.end());
  EXPECT_EQ(made.fast, outer);
}

__attribute__((noinline)) walks deep(int depth) {
  volatile char filler[3000] = {};
  walks made = depth == 0 ? both() : deep(depth - 1);
  filler[depth] = 1;
  return made;
}

TEST(StackWalk, FindsWhatStepFinds) {
  check(both());
  check(both());  // now by what it has kept
}

TEST(StackWalk, PassesLargeFrames) { check(deep(20)); }

walks in_handler;
void handle(int) { in_handler = both(); }

TEST(StackWalk, PassesASignalFrame) {
  std::signal(SIGUSR2, handle);
  std::raise(SIGUSR2);
  check(in_handler);
}

TEST(StackWalk, StopsAtTheLimit) {
  stack_walker::known_stack known;
  std::uintptr_t calls[2] = {1, 1};
  if (walker().walk(known, calls, 2) == 2) {
    EXPECT_EQ(calls[1], 0u);
  }
  EXPECT_EQ(walker().walk(known, calls, 1), 1u);
}

}  // namespace
}  // namespace strata::observe
