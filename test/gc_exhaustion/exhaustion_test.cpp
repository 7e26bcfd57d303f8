// The workloads of `./dev bench gc` where memory runs out: at each allocation in turn, and wherever it does in
// a heap that is too small. Each time it is a typed error, the heap is whole, and the same work on the same heap
// then ends as if nothing had been.
#include <gtest/gtest.h>

#include <atomic>

#include "base/config.hpp"
#include "gc/plans_test.hpp"
#include "managed.hpp"
#include "workloads.hpp"

namespace bench {
namespace {

// Threads of a workload that find no memory end; the others go on.
struct failing : managed {
  template <class Function>
  static void attached(heap& to, Function function) {
    gc::mutator self{to};
    try {
      function(self);
    } catch (const gc::out_of_memory&) {
      ++failures;
    }
  }
  static inline std::atomic<int> failures{0};
};

class GcExhaustion : public testing::TestWithParam<gc::plan> {
 protected:
  managed::heap memory_{gc::heap_options{.max_bytes = std::size_t{32} << 20,
                                         .plan = GetParam(),
                                         .young_bytes = 64 << 10,
                                         .stress = {.mark_always = true}}};

  template <template <class> class Work>
  std::uint64_t work(gc::mutator& self, std::size_t size, std::size_t count) {
    histogram operations;
    Work<failing> work{memory_, self, size, count};
    return work.pass(self, operations);
  }
  // The first allocations each, and then ever fewer of them.
  template <template <class> class Work>
  void fail_everywhere(std::size_t size, std::size_t count) {
    gc::mutator self{memory_};
    const std::uint64_t right = work<Work>(self, size, count);
    bool failed = true;
    for (std::size_t at = 1; failed; at += 1 + at / (strata::config::instrumented ? 4 : 80)) {
      self.fail_after(at);
      failed = false;
      try {
        EXPECT_EQ(right, work<Work>(self, size, count)) << at;
      } catch (const gc::out_of_memory&) {
        failed = true;
      }
      self.fail_after(0);
      self.verify();
      ASSERT_EQ(right, work<Work>(self, size, count)) << at;
    }
  }
};

TEST_P(GcExhaustion, GcBench) { fail_everywhere<gcbench>(5, 1); }
TEST_P(GcExhaustion, BinaryTrees) { fail_everywhere<binary_trees>(6, 2); }
TEST_P(GcExhaustion, Lru) { fail_everywhere<lru>(200, 1); }
TEST_P(GcExhaustion, Graph) { fail_everywhere<graph>(300, 1); }
TEST_P(GcExhaustion, Quads) { fail_everywhere<quads>(3, 1); }
TEST_P(GcExhaustion, WeakMap) { fail_everywhere<weak_map>(200, 1); }

// What is alive outgrows the heap by itself, in one thread or in one of several.
TEST_P(GcExhaustion, AHeapThatIsTooSmall) {
  managed::heap small{
      gc::heap_options{.max_bytes = 5 << 20, .plan = GetParam(), .young_bytes = 64 << 10}};
  for (int time = 0; time < 3; ++time) {
    histogram operations;
    {
      gc::mutator self{small};
      EXPECT_THROW((binary_trees<failing>{small, self, 17, 1}.pass(self, operations)),
                   gc::out_of_memory);
      self.verify();
      EXPECT_THROW((lru<failing>{small, self, 100000, 1}), gc::out_of_memory);
      self.verify();
    }
    failing::failures = 0;
    {
      gc::mutator self{small};
      gcbench<failing>{small, self, 14, 3}.pass(self, operations);
      self.verify();
      EXPECT_GE(failing::failures, 1);
      // And where there is room, all is well.
      EXPECT_EQ((quads<failing>{small, self, 2, 1}.pass(self, operations)),
                (quads<failing>{small, self, 2, 1}.pass(self, operations)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Plans, GcExhaustion, strata::gc::every_plan, strata::gc::name_of_plan);

}  // namespace
}  // namespace bench
