// What all threads of a run share.
#pragma once

#include <atomic>
#include <cstdint>
#include <strata/gc.hpp>

namespace gc_fuzz {

struct settings {
  gc::heap_options heap;
  bool handles = false;
  // Objects that only a weak reference leads to are taken up again. What happens then depends on when
  // the heap has collected: digests differ.
  bool revive = false;
  std::uint64_t seed = 1;
  std::uint64_t operations = 1000000;
  std::uint64_t check_every = 65536;
  unsigned threads = 1;
  std::uint32_t most_objects = 16384;  // of a graph
};

template <class A>
struct world {
  explicit world(const settings& chosen) : how(chosen), heap(chosen.heap), texts(heap) {}

  const settings& how;
  gc::heap heap;
  gc::string_table texts;
  std::atomic<std::uint64_t> out_of_memory{0};
};

}  // namespace gc_fuzz
