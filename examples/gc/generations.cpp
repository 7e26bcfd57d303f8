// A server's memory: much that dies at once, some that lives. What young generations of several sizes copy
// of it, and how long they stop the program.
#include <cstdio>
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct request {
  gc::ref<request> previous;
  long number = 0;
};
using sessions = gc::array<gc::ref<request>>;

// Each request makes twenty objects; every fiftieth stays until 1,000 later ones have come.
void serve(gc::mutator& self, gc::local<sessions>& open, long requests) {
  for (long number = 0; number < requests; ++number) {
    gc::local<request> last{self};
    for (int part = 0; part < 20; ++part) last = self.make<request>(last, number);
    if (number % 50 == 0) (*open)[static_cast<std::size_t>(number / 50 % 1000)] = last;
  }
}

int main() {
  std::printf("young KiB  collections  copied  promoted  pause p50 us  p99 us\n");
  for (std::size_t young_kib : {256, 1024, 4096, 16384}) {
    gc::heap heap{{.max_bytes = std::size_t{256} << 20,
                   .plan = gc::plan::generational,
                   .young_bytes = young_kib << 10}};
    gc::mutator self{heap};
    gc::local<sessions> open = self.make<sessions>(1000U);
    serve(self, open, 1000000);
    self.verify();
    gc::heap_statistics so_far = heap.statistics();
    double made = static_cast<double>(so_far.allocated_bytes) / 100;
    std::printf("%9zu %12llu %6.2f%% %8.2f%% %13.0f %7.0f\n", young_kib,
                static_cast<unsigned long long>(so_far.young_collections),
                static_cast<double>(so_far.moved_bytes) / made,
                static_cast<double>(so_far.promoted_bytes) / made,
                static_cast<double>(so_far.pauses.quantile_ns(0.5)) / 1e3,
                static_cast<double>(so_far.pauses.quantile_ns(0.99)) / 1e3);
    if (so_far.promoted_bytes > so_far.moved_bytes || so_far.young_collections == 0) return 1;
  }
  return 0;
}
