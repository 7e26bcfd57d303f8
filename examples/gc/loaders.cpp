// A runtime that loads and drops modules all day: each has types of its own, and its metaspace goes with it.
//
//     loaders [COUNT]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <strata/gc.hpp>
#include <string>

namespace gc = strata::gc;

int main(int count, char** values) {
  long modules = count > 1 ? std::atol(values[1]) : 20000;
  gc::heap heap{{.max_bytes = std::size_t{64} << 20, .plan = gc::plan::generational}};
  gc::mutator self{heap};
  const gc::field fields[] = {{"x", 0, gc::field_kind::plain},
                              {"next", 8, gc::field_kind::reference}};

  // Of every thousandth module one object stays, and with it the module.
  gc::local<gc::array<gc::ref<void*>>> kept = self.make<gc::array<gc::ref<void*>>>(10);
  auto began = std::chrono::steady_clock::now();
  std::size_t most_held = 0;
  for (long at = 0; at < modules; ++at) {
    gc::local<gc::loader> module = gc::make_loader(self);
    std::string name = "module" + std::to_string(at) + "::point";
    const gc::type& point = gc::define_type(module, {.name = name, .bytes = 16, .fields = fields});
    gc::local<void*> object{self, static_cast<void**>(self.make_of(point))};
    if (at % 1000 == 0) (*kept)[static_cast<std::size_t>(at / 1000 % 10)] = object;
    if (at % 500 == 0) {
      std::size_t held = gc::metaspace_of(heap).held_bytes;
      most_held = held > most_held ? held : most_held;
    }
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();

  self.collect();
  gc::metaspace_statistics some = gc::metaspace_of(heap);
  gc::local<gc::array<gc::ref<void*>>> all = kept;
  const gc::type& survivor = gc::dynamic_type((*all)[1].get());
  std::printf("%ld loaders in %.2f s; at most %zu KiB held; %zu live, of them %s\n", modules,
              seconds, most_held / 1024, some.loaders, survivor.name);
  all = nullptr;
  kept = nullptr;
  self.collect();
  gc::metaspace_statistics none = gc::metaspace_of(heap);
  std::printf("in the end %zu loaders, %zu types, %zu bytes used, %zu KiB held\n", none.loaders,
              none.types, none.used_bytes, none.held_bytes / 1024);
  return none.loaders == 0 && none.used_bytes == 0 ? 0 : 1;
}
