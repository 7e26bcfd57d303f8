// What a collection does to the order of objects, and what that does to a walk over them: half of a long list
// dies, here and there, and what is left is walked before and after the collection.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct node {
  gc::ref<node> next;
  long key = 0;
  std::array<long, 4> more{};
};

double ms_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began)
      .count();
}

double ns_a_node(const gc::local<node>& list, long& sum) {
  long count = 0;
  auto began = std::chrono::steady_clock::now();
  for (const node* at = list.get(); at != nullptr; at = at->next.get(), ++count) sum += at->key;
  return ms_since(began) * 1e6 / static_cast<double>(count);
}

long measure(const char* name, gc::plan plan, long count) {
  gc::heap heap{{.max_bytes = std::size_t{512} << 20, .plan = plan}};
  gc::mutator self{heap};
  gc::local<node> list{self};
  for (long key = 0; key < count; ++key) list = self.make<node>(list, key);
  // One of two dies, at random.
  unsigned random = 1;
  for (gc::local<node> at = list; at->next; at = at->next) {
    random = random * 1664525 + 1013904223;
    if (random >> 31 != 0) at->next = at->next->next;
    if (!at->next) break;
  }
  long sum = 0;
  double before_ns = ns_a_node(list, sum);
  auto began = std::chrono::steady_clock::now();
  self.collect();
  double pause_ms = ms_since(began);
  double after_ns = ns_a_node(list, sum);
  gc::heap_statistics so_far = heap.statistics();
  std::printf(
      "%-12s pause %6.1f ms, %3.0f MB moved, %3.0f MB held; a walk %5.2f ns a node before, "
      "%5.2f after\n",
      name, pause_ms, static_cast<double>(so_far.moved_bytes) / 1e6,
      static_cast<double>(so_far.held_bytes) / 1e6, before_ns, after_ns);
  return sum;
}

int main(int argc, char** argv) {
  long count = argc > 1 ? std::atol(argv[1]) : 200000;
  long sum = measure("mark_sweep", gc::plan::mark_sweep, count);
  bool same = sum == measure("semispace", gc::plan::semispace, count);
  same = sum == measure("lisp2", gc::plan::lisp2, count) && same;
  same = sum == measure("compressor", gc::plan::compressor, count) && same;
  same = sum == measure("two_finger", gc::plan::two_finger, count) && same;
  return same ? 0 : 1;
}
