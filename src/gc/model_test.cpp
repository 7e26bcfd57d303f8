// Random programs against a shadow of their graph, on every plan.
#include <gtest/gtest.h>

#include <thread>

#include "gc/graph_model.hpp"
#include "gc/plans_test.hpp"

namespace strata::gc {
namespace {

class GcModel : public testing::TestWithParam<plan> {};

// The graph may grow until the heap is full: then it starts again.
void run(mutator& self, std::uint64_t seed, int rounds, int steps, graph_model::limits most = {}) {
  std::uint64_t digest = 0;
  for (int round = 0; round < rounds; ++round) {
    graph_model model{self, seed + static_cast<std::uint64_t>(round), most};
    for (int step = 1; step <= steps; ++step) {
      model.step();
      if (step % (steps / 10) == 0) digest ^= model.check();
      if (step % (steps / 3) == 0) {
        self.collect(round % 2 == 0 ? collection::young : collection::full);
        digest ^= model.check();
      }
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_NE(0U, digest);
}

TEST_P(GcModel, AgreesWithItsShadow) {
  heap memory{
      {.max_bytes = 64 << 20, .plan = GetParam(), .stress = {.mark_always = true, .verify = true}}};
  mutator self{memory};
  run(self, 1, 10, 20000);
}

TEST_P(GcModel, AgreesWhereEveryAllocationCollects) {
  heap memory{{.max_bytes = 32 << 20,
               .plan = GetParam(),
               .stress = {.collect_every = 1, .protect_moved = true, .mark_always = true}}};
  mutator self{memory};
  run(self, 2, 2, 400, {.most_row = 10, .most_bytes = 30, .large_one_in = 40});
}

TEST_P(GcModel, AgreesWhereMovedMemoryIsProtected) {
  heap memory{
      {.max_bytes = 64 << 20,
       .plan = GetParam(),
       .stress = {
           .collect_every = 500, .protect_moved = true, .mark_always = true, .verify = true}}};
  mutator self{memory};
  run(self, 3, 2, 10000);
}

TEST_P(GcModel, AgreesWhereAllSlides) {
  heap memory{
      {.max_bytes = 64 << 20,
       .plan = GetParam(),
       .stress = {
           .collect_every = 500, .protect_moved = true, .compact_always = true, .verify = true}}};
  mutator self{memory};
  run(self, 4, 2, 10000);
}

TEST_P(GcModel, ThreadsAgreeEachWithItsOwn) {
  heap memory{{.max_bytes = 128 << 20, .plan = GetParam(), .stress = {.mark_always = true}}};
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&memory, seed] {
      mutator self{memory};
      run(self, 100 * seed, 3, 10000);
    });
  }
  for (std::thread& each : threads) each.join();
  memory.verify();
}

INSTANTIATE_TEST_SUITE_P(Plans, GcModel, every_plan, name_of_plan);

}  // namespace
}  // namespace strata::gc
