// All workloads by their names, for any Memory (plain.hpp).
#pragma once

#include <cstring>

#include "bench.hpp"
#include "binary_trees.hpp"
#include "gcbench.hpp"
#include "graph.hpp"
#include "lru.hpp"
#include "quads.hpp"
#include "weak_map.hpp"

namespace bench {

template <class Memory>
void run_named(typename Memory::heap& heap, const arguments& chosen, const char* usage) {
  struct entry {
    const char* name;
    void (*run)(typename Memory::mutator&, typename Memory::heap&, const arguments&);
  };
  static constexpr entry all[] = {
      {"gcbench", &run<Memory, gcbench>}, {"binary_trees", &run<Memory, binary_trees>},
      {"lru", &run<Memory, lru>},         {"graph", &run<Memory, graph>},
      {"quads", &run<Memory, quads>},     {"weak_map", &run<Memory, weak_map>},
  };
  for (const entry& one : all) {
    if (std::strcmp(one.name, chosen.workload) != 0) continue;
    return Memory::attached(heap, [&](auto& self) { one.run(self, heap, chosen); });
  }
  wrong_usage(usage);
}

}  // namespace bench
