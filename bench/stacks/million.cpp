// A million fibers at once, each with a kilobyte in use: what they take of memory and of time.
//
//   million [FIBERS] [STACK_KIB] [markers|protection|canary]
#include <strata/stack_pool.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "switch.hpp"

namespace {

struct fiber {
  strata::fiber_stack stack;
  void* at;
};

void* scheduler;
fiber* current;
constexpr std::size_t used_bytes = 1024;

void yield() { strata_bench_switch(&current->at, scheduler); }
void resume(fiber& one) {
  current = &one;
  strata_bench_switch(&scheduler, one.at);
}

void body() {
  char used[used_bytes - 200];  // with the frames around it
  std::memset(used, 1, sizeof used);
  for (;;) {
    __asm__ volatile("" : : "r"(used) : "memory");
    yield();
  }
}

double kib_of(const char* label) {
  std::ifstream status("/proc/self/status");
  std::string word;
  double kib = 0;
  while (status >> word) {
    if (word == label) status >> kib;
  }
  return kib;
}

class stopwatch {
 public:
  [[nodiscard]] double ns_each(std::size_t count) const {
    std::chrono::duration<double, std::nano> passed = std::chrono::steady_clock::now() - start_;
    return passed.count() / static_cast<double>(count);
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

strata::stack_guard guard_from(const char* name) {
  if (std::strcmp(name, "protection") == 0) return strata::stack_guard::protection;
  if (std::strcmp(name, "canary") == 0) return strata::stack_guard::canary;
  return strata::stack_guard::markers;
}

void tell_memory(double before_kib, std::size_t count) {
  double resident = kib_of("VmRSS:") - before_kib;
  double tables = kib_of("VmPTE:");
  std::printf("resident        %8.1f MiB  %6.0f bytes a fiber\n", resident / 1024,
              resident * 1024 / static_cast<double>(count));
  std::printf("page tables     %8.1f MiB  %6.0f bytes a fiber\n", tables / 1024,
              tables * 1024 / static_cast<double>(count));
}

}  // namespace

int main(int argument_count, char** arguments) {
  std::size_t count = argument_count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1'000'000;
  std::size_t stack_kib = argument_count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 64;
  strata::stack_guard guard = guard_from(argument_count > 3 ? arguments[3] : "");
  strata::stack_pool pool({.stack_bytes = stack_kib * 1024, .most_idle = count, .guard = guard});

  std::vector<fiber> fibers(count);
  double before = kib_of("VmRSS:");
  stopwatch making;
  for (fiber& each : fibers) {
    each.stack = pool.acquire("worker");
    each.at = first_switch_to(each.stack.top, body);
    resume(each);
  }
  std::printf("fibers          %8zu of %zu KiB in %zu slabs\n", count, stack_kib,
              pool.figures().slabs);
  tell_memory(before, count);
  std::printf("create and run  %8.1f ns\n", making.ns_each(count));

  stopwatch around;
  for (fiber& each : fibers) resume(each);
  std::printf("switch, of all  %8.1f ns\n", around.ns_each(2 * count));
  constexpr std::size_t turns = 5'000'000;
  std::size_t few = count < 64 ? count : 64;
  stopwatch hot;
  for (std::size_t i = 0; i < turns; ++i) resume(fibers[i % few]);
  std::printf("switch, of %-4zu %8.1f ns\n", few, hot.ns_each(2 * turns));

  stopwatch ending;
  for (fiber& each : fibers) pool.release(each.stack);
  std::printf("release         %8.1f ns\n", ending.ns_each(count));
  stopwatch again;
  for (fiber& each : fibers) each.stack = pool.acquire("worker");
  std::printf("acquire, warm   %8.1f ns\n", again.ns_each(count));
  for (fiber& each : fibers) pool.release(each.stack);
  constexpr std::size_t pairs = 20'000'000;
  stopwatch churn;
  for (std::size_t i = 0; i < pairs; ++i) pool.release(pool.acquire("worker"));
  std::printf("pair, of one    %8.1f ns\n", churn.ns_each(pairs));
  stopwatch trimming;
  pool.trim();
  std::printf("trim            %8.1f ns\n", trimming.ns_each(count));
  tell_memory(before, count);
}
