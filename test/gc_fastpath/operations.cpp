// Runs each of the counted operations some times, on young objects and, at the end, on old ones.
#include "cases.hpp"

using namespace gc_cases;  // NOLINT(google-build-using-namespace)

int main() {
  gc::heap heap{{.max_bytes = std::size_t{16} << 20, .plan = gc::plan::generational}};
  gc::mutator self{heap};
  gc::local<node> left = self.make<node>();
  gc::local<node> right = self.make<node>();
  gc::local<node> made{self};
  gc::local<words> four{self};
  gc::local<gc::array<gc::ref<node>>> row{self};
  variables all{self, &left, &right, &made, &four, &row};
  for (int round = 0; round < 40; ++round) {
    if (round == 20) self.collect();
    case_nothing(all);
    case_make_32_bytes(all);
    case_make_pair(all);
    case_make_array_of_8(all);
    case_store(all);
    case_store_null(all);
    case_store_value(all);
    case_bare_store(all);
    case_load(all);
    case_local(all);
    case_safepoint(all);
  }
}
