// Generational heaps that hold little more than what lives: there is memory, and the system gives no more of it than
// the heap's limit, tables and all, and a twentieth.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/config.hpp"
#include "gc/plans_test.hpp"
#include "managed.hpp"
#include "os/memory.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

constexpr std::size_t entries = 200000;

// What the cache's objects take.
std::size_t live_bytes() {
  managed::heap memory{gc::heap_options{.plan = gc::plan::mark_sweep}};
  gc::mutator self{memory};
  lru<managed> cache{memory, self, entries, 1};
  self.collect();
  return memory.statistics().live_bytes;
}

// In a process of its own: its status is how many percent of the limit it has had more from the system than before.
int percent_at(gc::plan plan, std::size_t limit) {
  pid_t child = fork();
  if (child == 0) {
    auto run = [plan](std::size_t max_bytes, std::size_t size) {
      managed::heap memory{gc::heap_options{.max_bytes = max_bytes, .plan = plan}};
      managed::attached(memory, [&](gc::mutator& self) {
        histogram operations;
        lru<managed> cache{memory, self, size, size / 1000};
        cache.pass(self, operations);
      });
    };
    run(std::size_t{1} << 20, 1000);  // so that the program's own pages are there
    std::size_t before = strata::os::resident_bytes();
    run(limit, entries);
    _exit(static_cast<int>((strata::os::peak_resident_bytes() - before) * 100 / limit));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class GcLimit : public testing::TestWithParam<gc::plan> {};

TEST_P(GcLimit, OfACacheIsKept) {
  if (strata::config::instrumented) GTEST_SKIP() << "what finds mistakes takes memory, too";
  std::size_t live = live_bytes();
  for (std::size_t halves : {3, 4, 6}) {
    int percent = percent_at(GetParam(), live * halves / 2);
    EXPECT_LE(percent, 105) << halves << " halves of what lives";
    EXPECT_GT(percent, 50) << halves << " halves of what lives";
  }
}

INSTANTIATE_TEST_SUITE_P(Plans, GcLimit,
                         testing::Values(gc::plan::generational, gc::plan::generational_concurrent),
                         gc::name_of_plan);

}  // namespace
}  // namespace bench
