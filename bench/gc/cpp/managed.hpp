// Strata's managed heap as the Memory of the workloads (plain.hpp).
#pragma once

#include <cstdio>
#include <strata/gc.hpp>

#include "bench.hpp"

namespace bench {

namespace gc = strata::gc;

struct managed {
  class heap : public gc::heap {
   public:
    using gc::heap::heap;
    void begin_measuring(gc::mutator&) { before_ = statistics(); }
    void print_measured(gc::mutator&) const {
      gc::heap_statistics now = statistics();
      gc::pause_histogram pauses = now.pauses.since(before_.pauses);
      std::printf("moved_bytes %llu\n",
                  static_cast<unsigned long long>(now.moved_bytes - before_.moved_bytes));
      auto print = [](const char* name, std::uint64_t value) {
        std::printf("pause_%s %llu\n", name, static_cast<unsigned long long>(value));
      };
      print("count", pauses.count());
      print("total_ns", pauses.total_ns());
      print("p50_ns", pauses.quantile_ns(0.5));
      print("p99_ns", pauses.quantile_ns(0.99));
      print("p999_ns", pauses.quantile_ns(0.999));
      print("max_ns", pauses.longest_ns());
    }

   private:
    gc::heap_statistics before_;
  };
  using mutator = gc::mutator;
  template <class T>
  using ref = gc::ref<T>;
  template <class T>
  using local = gc::local<T>;
  template <class T>
  using arg = const gc::local<T>&;
  template <class T>
  using global = gc::global<T>;
  template <class T>
  using result = gc::unrooted<T>;
  template <class Element>
  using array = gc::array<Element>;
  template <class Key, class Value>
  using pair = gc::ephemeron<Key, Value>;
  using blocking = gc::blocking;
  template <class Function>
  static void attached(heap& to, Function function) {
    gc::mutator self{to};
    try {
      function(self);
    } catch (const gc::out_of_memory&) {
      bench::out_of_memory();
    }
  }
  static constexpr bool by_hand = false;
};

}  // namespace bench
