#include "os/stack_trace.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>

#include "os/process.hpp"
#include "os/unwind.hpp"

namespace strata::os {
namespace {

using function = void (*)();

// Whether a call in the stack lies in the function, which is this long at most.
bool passes(const stack_trace& stack, function through, std::size_t bytes = 400) {
  auto start = reinterpret_cast<std::uintptr_t>(through);
  return std::any_of(stack.calls, stack.calls + stack.depth,
                     [=](std::uintptr_t call) { return call - start < bytes; });
}

stack_trace taken;

__attribute__((noinline)) void inner() {
  take_stack(taken);
  asm volatile("");
}
__attribute__((noinline)) void outer() {
  inner();
  asm volatile("");
}
__attribute__((noinline)) void deep(int depth) {
  if (depth == 0)
    inner();
  else
    deep(depth - 1);
  asm volatile("");
}
// A frame of a size that only runs tell, which therefore is found through another register.
__attribute__((noinline)) void with_room(std::size_t bytes) {
  volatile char* room = static_cast<char*>(__builtin_alloca(bytes));
  room[0] = 1;
  inner();
  room[bytes - 1] = 1;
}
// A frame that is aligned anew, which therefore is found by an expression.
__attribute__((noinline)) void with_alignment() {
  struct alignas(256) wide {
    char bytes[256];
  };
  wide room;
  asm volatile("" : : "r"(&room) : "memory");
  inner();
  asm volatile("" : : "r"(&room) : "memory");
}

TEST(StackTrace, TellsCallersInnermostFirst) {
  outer();
  ASSERT_GE(taken.depth, 4u);
  EXPECT_EQ(taken.thread, thread_id());
  EXPECT_TRUE(passes(taken, inner));
  EXPECT_TRUE(passes(taken, outer));
  EXPECT_LT(taken.calls[1] - reinterpret_cast<std::uintptr_t>(inner), 400u);
  EXPECT_LT(taken.calls[2] - reinterpret_cast<std::uintptr_t>(outer), 400u);
}

TEST(StackTrace, GoesThroughEveryKindOfFrame) {
  with_room(static_cast<std::size_t>(std::rand() % 1000 + 5000));
  EXPECT_TRUE(passes(taken, reinterpret_cast<function>(with_room)));
  std::uint32_t depth = taken.depth;
  with_alignment();
  EXPECT_TRUE(passes(taken, with_alignment));
  EXPECT_EQ(taken.depth, depth);
}

TEST(StackTrace, HasABound) {
  deep(100);
  EXPECT_EQ(taken.depth, stack_trace::most);
}

TEST(StackTrace, EndsWhereAThreadBegins) {
  std::thread(outer).join();
  EXPECT_TRUE(passes(taken, outer));
  EXPECT_LT(taken.depth, stack_trace::most);
}

int by_size(const void* a, const void* b) {
  inner();
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

TEST(StackTrace, GoesThroughLibraries) {
  int numbers[] = {2, 1};
  std::qsort(numbers, 2, sizeof(int), by_size);
  Dl_info libc;
  ASSERT_NE(dladdr(reinterpret_cast<void*>(std::qsort), &libc), 0);
  char text[16 * 1024];
  base::text into(text, sizeof text);
  put_stack(into, taken);
  EXPECT_NE(std::string(text).find(std::string(libc.dli_fname) + "+0x"), std::string::npos) << text;
  EXPECT_NE(std::string(text).find("strata_unit+0x"), std::string::npos) << text;
}

void in_handler(int) {
  inner();
  asm volatile("");
}

TEST(StackTrace, GoesThroughHandlers) {
  auto* before = signal(SIGUSR1, in_handler);
  raise(SIGUSR1);
  signal(SIGUSR1, before);
  EXPECT_TRUE(passes(taken, inner));
  // take_stack's caller, the handler, the frame of the signal, and libc's raise before the test.
  EXPECT_TRUE(passes(taken, reinterpret_cast<function>(in_handler)));
  EXPECT_GE(taken.depth, 8u);
}

// ---- Where the stack is not what it should be: the walk ends, and nothing is worse.

frame here() {
  frame at;
  at.pc = read_registers(at.registers);
  at.interrupted = true;
  return at;
}

TEST(Unwind, EndsInCodeThatNoObjectHas) {
  frame at = here();
  at.pc = reinterpret_cast<std::uintptr_t>(&taken) + (std::uintptr_t{1} << 40);
  EXPECT_FALSE(step(at));
  at.pc = 0;
  EXPECT_FALSE(step(at));
}

TEST(Unwind, EndsWhereTheStackCannotBeRead) {
  void* none = mmap(nullptr, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (std::uintptr_t stack : {reinterpret_cast<std::uintptr_t>(none), std::uintptr_t{8},
                               std::uintptr_t{0x800000000000}, ~std::uintptr_t{7}}) {
    for (bool all : {false, true}) {
      frame at = here();
      at.registers.values[stack_register] = stack;
      for (std::uintptr_t& value : at.registers.values) value = all ? stack : value;
      int steps = 0;
      while (step(at) && ++steps < 100) {
      }
      EXPECT_LT(steps, 100);
    }
  }
  munmap(none, 8192);
}

TEST(Unwind, SurvivesAnyRegisters) {
  std::srand(1);
  for (int turn = 0; turn < 10000; ++turn) {
    frame at = here();
    for (std::uintptr_t& value : at.registers.values) {
      if (std::rand() % 4 == 0) value += static_cast<std::uintptr_t>(std::rand() % 4096 - 2048) * 8;
    }
    at.pc += static_cast<std::uintptr_t>(std::rand() % 4096);
    for (int steps = 0; steps < 100 && step(at); ++steps) {
    }
  }
}

}  // namespace
}  // namespace strata::os
