// One program, once with direct references and once with handles: what it costs to build trees and to
// follow references that depend on each other, and what become() does.
#include <chrono>
#include <cstdio>
#include <strata/gc.hpp>

namespace gc = strata::gc;

template <class Access>
struct node {
  typename Access::template ref<node> left, right;
  long key = 0;
};
template <class Access>
using local_node = typename Access::template local<node<Access>>;

template <class Access>
typename Access::template unrooted<node<Access>> build(gc::mutator& self, int depth) {
  if (depth == 0) return Access::template make<node<Access>>(self, nullptr, nullptr, 1);
  local_node<Access> left = build<Access>(self, depth - 1);
  local_node<Access> right = build<Access>(self, depth - 1);
  return Access::template make<node<Access>>(self, left, right, left->key + right->key);
}

double ns_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - began).count();
}

template <class Access>
bool measure(const char* name) {
  constexpr int depth = 19;
  constexpr int nodes = (1 << (depth + 1)) - 1;
  constexpr int walks = 200000;
  gc::heap heap{{.max_bytes = std::size_t{512} << 20, .plan = gc::plan::immix}};
  gc::mutator self{heap};

  auto began = std::chrono::steady_clock::now();
  local_node<Access> root = build<Access>(self, depth);
  double build_ns = ns_since(began) / nodes;
  self.collect();

  began = std::chrono::steady_clock::now();
  long sum = 0;
  unsigned random = 1;
  for (int walk = 0; walk < walks; ++walk) {
    const node<Access>* at = root.get();
    for (int level = 0; level < depth; ++level) {
      random = random * 1664525 + 1013904223;
      at = (random >> 31) != 0 ? at->right.get() : at->left.get();
    }
    sum += at->key;
  }
  std::printf("%-7s %5.1f ns a node to build, %5.1f ns a step to follow, %3.0f bytes a node\n",
              name, build_ns, ns_since(began) / (static_cast<double>(walks) * depth),
              static_cast<double>(heap.statistics().live_bytes) / nodes);
  return sum == walks;
}

int main() {
  bool right = measure<gc::direct_access>("direct") && measure<gc::handle_access>("handle");

  using person = node<gc::handle_access>;
  gc::heap heap;
  gc::mutator self{heap};
  gc::handle_local<person> one = gc::handle_access::make<person>(self, nullptr, nullptr, 1);
  gc::handle_local<person> two = gc::handle_access::make<person>(self, nullptr, nullptr, 2);
  gc::handle_local<person> friends = gc::handle_access::make<person>(self, one, two);
  gc::become(one, two);
  return right && friends->left->key == 2 && friends->right->key == 1 ? 0 : 1;
}
