// A cache that does not keep what it caches: pictures are found by name as long as somebody uses them, what
// is derived from one lives as long as it, and a file is closed after its owner has died.
#include <array>
#include <cstdio>
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct picture {
  long name = 0;
  gc::ref<gc::array<unsigned char>> pixels;
};
struct histogram {
  std::array<long, 4> counts{};
};
using cache = gc::array<gc::ref<gc::weak<picture>>>;
using derived = gc::ephemeron<picture, histogram>;

int made = 0;

gc::unrooted<picture> find(gc::mutator& self, gc::local<cache>& in, std::size_t name) {
  if ((*in)[name]) {
    gc::local<picture> known = (*in)[name]->get(self);
    if (known) return known;
  }
  ++made;
  gc::local<gc::array<unsigned char>> pixels = self.make<gc::array<unsigned char>>(1000U);
  gc::local<picture> fresh = self.make<picture>(static_cast<long>(name), pixels);
  (*in)[name] = self.make<gc::weak<picture>>(fresh);
  return fresh;
}

void close_file(void* file) { *static_cast<bool*>(file) = false; }

int main() {
  gc::heap heap{{.max_bytes = std::size_t{8} << 20, .plan = gc::plan::generational}};
  gc::mutator self{heap};
  gc::local<cache> pictures = self.make<cache>(100U);

  gc::local<picture> used = find(self, pictures, 7);
  gc::local<histogram> counts = self.make<histogram>();
  gc::local<derived> of_used = self.make<derived>(used, counts);
  counts = nullptr;
  bool file_is_open = true;
  gc::when_dead(used, {close_file, &file_is_open});
  for (std::size_t name = 0; name < 100; ++name) static_cast<void>(find(self, pictures, name));
  std::printf("%d made; ", made);

  self.collect();
  gc::local<histogram> still = of_used->value(self);
  bool right = still && find(self, pictures, 7).get() == used.get() && heap.run_cleaners() == 0;
  still = nullptr;
  for (std::size_t name = 0; name < 100; ++name) static_cast<void>(find(self, pictures, name));
  std::printf("%d after a collection, all but the one in use again; ", made);

  used = nullptr;
  self.collect();
  gc::local<histogram> gone = of_used->value(self);
  right = right && !gone && heap.run_cleaners() == 1 && !file_is_open && made == 199;
  std::printf("then that one is gone, its histogram too, and its file closed\n");
  return right ? 0 : 1;
}
