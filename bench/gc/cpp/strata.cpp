// Strata's managed heap.
//
//   strata WORKLOAD SIZE COUNT LIMIT_BYTES PLAN [WORKERS [YOUNG_BYTES]]
//   strata --plans
#include <cstring>

#include "managed.hpp"
#include "workloads.hpp"

namespace {

namespace gc = strata::gc;
using bench::managed;

constexpr const char* usage = "LIMIT_BYTES PLAN [WORKERS [YOUNG_BYTES]]";
constexpr int all_arguments = 8;

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
    {"lisp2", gc::plan::lisp2},
    {"compressor", gc::plan::compressor},
    {"two_finger", gc::plan::two_finger},
};

gc::plan plan_of(const char* name) {
  for (const named_plan& one : plans)
    if (std::strcmp(one.name, name) == 0) return one.plan;
  bench::wrong_usage(usage);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--plans") == 0) {
    for (const named_plan& one : plans) std::puts(one.name);
    return 0;
  }
  gc::heap_options options;
  if (argc == all_arguments) options.young_bytes = std::strtoull(argv[--argc], nullptr, 10);
  if (argc == all_arguments - 1)
    options.workers = static_cast<std::uint32_t>(std::strtoul(argv[--argc], nullptr, 10));
  bench::arguments chosen = bench::parse(argc, argv, 2, usage);
  options.max_bytes = std::strtoull(chosen.rest[0], nullptr, 10);
  options.plan = plan_of(chosen.rest[1]);
  managed::heap heap{options};
  bench::run_named<managed>(heap, chosen, usage);
}
