// How long a heap stands still, as it grows: the same program with the old space marked in pauses, and
// marked while the program runs.
#include <cstdio>
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct node {
  gc::ref<node> left, right;
  long key = 0;
};
gc::unrooted<node> build(gc::mutator& self, int depth) {
  if (depth == 0) return self.make<node>(nullptr, nullptr, 1);
  gc::local<node> left = build(self, depth - 1);
  gc::local<node> right = build(self, depth - 1);
  return self.make<node>(left, right, left->key + right->key);
}

// Trees of 128 KiB replace each other, so that what lives stays as much as it is.
bool run(const char* name, gc::plan plan, std::size_t trees) {
  gc::heap heap{{.max_bytes = trees << 18, .plan = plan}};
  gc::mutator self{heap};
  gc::local<gc::array<gc::ref<node>>> kept = self.make<gc::array<gc::ref<node>>>(trees);
  for (std::size_t at = 0; at < trees; ++at) (*kept)[at] = build(self, 11);
  gc::pause_histogram before = heap.statistics().pauses;
  for (std::size_t at = 0; at < 4 * trees; ++at) (*kept)[at * 7919 % trees] = build(self, 11);
  gc::heap_statistics after = heap.statistics();
  gc::pause_histogram pauses = after.pauses.since(before);
  std::printf(
      "%-12s %4zu MiB alive: longest pause %6.2f ms, p99 %5.2f ms, %2llu markings beside, %2llu in "
      "pauses\n",
      name, trees / 8, static_cast<double>(pauses.longest_ns()) / 1e6,
      static_cast<double>(pauses.quantile_ns(0.99)) / 1e6,
      static_cast<unsigned long long>(after.concurrent_markings),
      static_cast<unsigned long long>(after.full_collections));
  return (*kept)[trees / 2]->key == 2048;
}

int main() {
  bool right = true;
  for (std::size_t trees : {128, 1024}) {
    right = run("in pauses", gc::plan::generational, trees) && right;
    right = run("concurrently", gc::plan::generational_concurrent, trees) && right;
  }
  return right ? 0 : 1;
}
