// Fibers that run and come to the end of their stacks.
#include <strata/stack_pool.hpp>

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <csetjmp>
#include <functional>
#include <string>
#include <thread>

#include "base/config.hpp"
#include "resource/resource_test.hpp"

namespace strata {
namespace {

constexpr std::size_t KiB = 1024;

struct fiber {
  explicit fiber(stack_pool& from, const char* name) : pool(&from), stack(from.acquire(name)) {}
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;
  ~fiber() { pool->release(stack); }

  stack_pool* pool;
  fiber_stack stack;
  ucontext_t context{};
  std::function<void()> body;
  bool is_done = false;
};

// Runs fibers one at a time, each until it yields or ends. Switches under ThreadSanitizer want
// annotations that ucontext has none of.
thread_local fiber* current = nullptr;
thread_local ucontext_t scheduler;

void yield() { swapcontext(&current->context, &scheduler); }
[[noreturn]] void end_of(void* /*argument*/) {
  current->is_done = true;
  yield();
  std::abort();
}
void run_body() {
  current->body();
  end_of(nullptr);
}
void start(fiber& one, std::function<void()> body) {
  one.body = std::move(body);
  getcontext(&one.context);
  one.stack.lend_to(one.context);
  makecontext(&one.context, run_body, 0);
}
void resume(fiber& one) {
  current = &one;
  swapcontext(&scheduler, &one.context);
}

volatile int endless = 1;
__attribute__((noinline)) int dig(int depth) {
  volatile char room[300];
  room[depth % 300] = static_cast<char>(depth);
  return endless != 0 ? dig(depth + 1) + room[depth % 300] : 0;
}

class StackOverflow : public testing::Test {
 protected:
  void SetUp() override {
    if (config::thread_sanitizer) GTEST_SKIP() << "no switches of stacks under ThreadSanitizer";
  }
};
using StackOverflowDeathTest = StackOverflow;

TEST_F(StackOverflow, FibersRunOnTheirStacks) {
  stack_pool pool;
  std::vector<std::unique_ptr<fiber>> fibers;
  int sum = 0;
  for (int i = 0; i < 200; ++i) {
    fibers.push_back(std::make_unique<fiber>(pool, "adder"));
    start(*fibers.back(), [&sum, i, &pool] {
      char local = 0;
      EXPECT_EQ(pool.stack_of(&local), current->stack);
      for (int turn = 0; turn < 3; ++turn, yield()) sum += i;
    });
  }
  for (int turn = 0; turn < 4; ++turn) {
    for (auto& each : fibers) resume(*each);
  }
  EXPECT_EQ(sum, 3 * 199 * 100);
  for (auto& each : fibers) EXPECT_TRUE(each->is_done);
}

TEST_F(StackOverflowDeathTest, IsReportedByName) {
  for (stack_guard kind : {stack_guard::markers, stack_guard::protection}) {
    for (std::size_t guard_bytes : {0 * KiB, 32 * KiB}) {
      stack_pool pool({.stack_bytes = 128 * KiB, .guard_bytes = guard_bytes, .guard = kind});
      fiber named(pool, "parser");
      fiber unnamed(pool, nullptr);
      start(named, [] { dig(0); });
      start(unnamed, [] { dig(0); });
      std::string limit = "limit " + std::to_string(named.stack.bytes) + " bytes, address 0x";
      EXPECT_DEATH(resume(named), "strata: stack overflow: fiber 'parser', " + limit);
      EXPECT_DEATH(resume(unnamed), "strata: stack overflow: fiber 2, limit ");
      EXPECT_EQ(pool.guard_of(named.stack), pool.guard_of(unnamed.stack));
      if (kind == stack_guard::protection) {
        EXPECT_EQ(pool.guard_of(named.stack), stack_guard::protection);
      }
    }
  }
}

TEST_F(StackOverflowDeathTest, OnAThreadThatOnlyRuns) {
  stack_pool pool;
  fiber one(pool, "guest");
  start(one, [] { dig(0); });
  auto elsewhere = [&] {
    std::thread([&] {
      stack_pool::watch_this_thread();
      resume(one);
    }).join();
  };
  EXPECT_DEATH(elsewhere(), "strata: stack overflow: fiber 'guest'");
}

TEST_F(StackOverflowDeathTest, ACanaryIsFoundAtRelease) {
  stack_pool pool({.guard = stack_guard::canary});
  fiber_stack below = pool.acquire();
  fiber_stack one = pool.acquire("writer");
  EXPECT_DEATH(
      {
        static_cast<char*>(one.bottom())[-100] = 1;
        pool.release(one);
      },
      "strata: stack overflow: fiber 'writer', limit ");
  pool.release(one);
  pool.release(below);
}

// A stray access to a guard is no overflow of the fiber above it; nor is one to a guard of none.
TEST_F(StackOverflowDeathTest, StrayAccessesAreNot) {
  if (STRATA_UNDER_ASAN != 0) GTEST_SKIP() << "it has its own report";
  stack_pool pool;
  fiber one(pool, "victim");
  auto* behind = static_cast<volatile char*>(one.stack.bottom()) - 1;
  EXPECT_EXIT(*behind = 1, testing::KilledBySignal(SIGSEGV), "^$");
  EXPECT_EXIT(*static_cast<volatile char*>(nullptr) = 1, testing::KilledBySignal(SIGSEGV), "^$");
}

// One of many overflows, and ends; the others go on, and so does its stack, with another fiber.
TEST_F(StackOverflow, EndsOneFiberAndTheOthersGoOn) {
  std::vector<std::string> reports;
  auto hook = [](stack_overflow& overflow, void* argument) {
    static_cast<std::vector<std::string>*>(argument)->emplace_back(overflow.name);
    overflow.restart(end_of, nullptr);
  };
  for (stack_guard kind : {stack_guard::markers, stack_guard::protection}) {
    stack_pool pool({.guard = kind, .on_overflow = hook, .overflow_argument = &reports});
    std::vector<std::unique_ptr<fiber>> fibers;
    int turns = 0;
    for (int i = 0; i < 50; ++i) {
      fibers.push_back(std::make_unique<fiber>(pool, i == 20 ? "deep" : "flat"));
      start(*fibers.back(), [&turns, i] {
        for (int turn = 0; turn < 3; ++turn, yield()) {
          ++turns;
          if (i == 20 && turn == 1) dig(0);
        }
      });
    }
    for (int turn = 0; turn < 4; ++turn) {
      for (auto& each : fibers) {
        if (!each->is_done) resume(*each);
      }
    }
    for (auto& each : fibers) EXPECT_TRUE(each->is_done);
    EXPECT_EQ(turns, 49 * 3 + 2);
    fibers.clear();
    pool.verify();
    EXPECT_EQ(pool.figures().trimmed, 1u) << "the deep one's pages";
  }
  EXPECT_EQ(reports, (std::vector<std::string>{"deep", "deep"}));
}

// Again and again, as a scheduler that lives on would.
jmp_buf way_out;
TEST_F(StackOverflow, AHookMayLeaveByLongjmp) {
  stack_pool pool;
  int caught = 0;
  for (int i = 0; i < 20; ++i) {
    fiber one(pool, "thrower");
    pool.set_hook(
        one.stack, [](stack_overflow&, void*) { _longjmp(way_out, 1); }, nullptr);
    start(one, [] {
      if (_setjmp(way_out) == 0) dig(0);
      end_of(nullptr);
    });
    resume(one);
    caught += one.is_done ? 1 : 0;
  }
  EXPECT_EQ(caught, 20);
}

TEST_F(StackOverflowDeathTest, TheHandlerThatWasThereGetsOtherFaults) {
  // In a process of its own, where it comes before the pool's.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto in_child = [](bool with_information) {
    struct sigaction former = {};
    if (with_information) {
      former.sa_flags = SA_SIGINFO;
      former.sa_sigaction = [](int, siginfo_t* info, void*) {
        _exit(info->si_addr == detail::pointer_to(8) ? 7 : 1);
      };
    } else {
      former.sa_handler = [](int) { _exit(8); };
    }
    sigaction(SIGSEGV, &former, nullptr);
    stack_pool pool;
    *detail::pointer_to<volatile char>(endless != 0 ? 8 : 0) = 1;
  };
  EXPECT_EXIT(in_child(true), testing::ExitedWithCode(7), "");
  EXPECT_EXIT(in_child(false), testing::ExitedWithCode(8), "");
}

TEST_F(StackOverflowDeathTest, AHookThatReturnsGetsTheReport) {
  stack_pool pool({.on_overflow = [](stack_overflow& overflow, void*) {
    EXPECT_EQ(overflow.number, 1u);
    EXPECT_LT(overflow.address, overflow.stack.bottom());
  }});
  fiber one(pool, "stubborn");
  start(one, [] { dig(0); });
  EXPECT_DEATH(resume(one), "strata: stack overflow: fiber 'stubborn'");
}

}  // namespace
}  // namespace strata
