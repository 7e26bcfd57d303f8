// Strata's managed heap.
//
//   strata WORKLOAD SIZE COUNT LIMIT_BYTES PLAN
//   strata --plans
#include <cstring>
#include <strata/gc.hpp>

#include "workloads.hpp"

namespace {

namespace gc = strata::gc;

constexpr const char* usage = "LIMIT_BYTES PLAN";

struct named_plan {
  const char* name;
  gc::plan plan;
};
constexpr named_plan plans[] = {
    {"semispace", gc::plan::semispace},
    {"mark_sweep", gc::plan::mark_sweep},
    {"immix", gc::plan::immix},
    {"generational", gc::plan::generational},
    {"generational_concurrent", gc::plan::generational_concurrent},
};

gc::plan plan_of(const char* name) {
  for (const named_plan& one : plans)
    if (std::strcmp(one.name, name) == 0) return one.plan;
  bench::wrong_usage(usage);
}

struct managed {
  class heap : public gc::heap {
   public:
    using gc::heap::heap;
    void begin_measuring(gc::mutator&) { before_ = statistics().pauses; }
    void print_measured(gc::mutator&) const {
      gc::pause_histogram pauses = statistics().pauses.since(before_);
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
    gc::pause_histogram before_;
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

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--plans") == 0) {
    for (const named_plan& one : plans) std::puts(one.name);
    return 0;
  }
  bench::arguments chosen = bench::parse(argc, argv, 2, usage);
  gc::heap_options options;
  options.max_bytes = std::strtoull(chosen.rest[0], nullptr, 10);
  options.plan = plan_of(chosen.rest[1]);
  managed::heap heap{options};
  bench::run_named<managed>(heap, chosen, usage);
}
