// Symbols of a language: equal names are one object, and names that nobody uses any more go.
//
//     symbols [COUNT]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <strata/gc.hpp>
#include <string>
#include <string_view>

namespace gc = strata::gc;

struct symbol {
  gc::ref<gc::array<char>> name;
  gc::ref<void*> value;  // its global binding, say
};

struct symbols {
  static std::uint64_t hash(std::string_view key) { return gc::hash_of(key); }
  static bool matches(const symbol& of, std::string_view key) {
    return std::string_view{of.name->data(), of.name->size()} == key;
  }
  static gc::unrooted<symbol> make(gc::mutator& self, std::string_view key) {
    gc::local<gc::array<char>> name = self.make<gc::array<char>>(key.size());
    std::memcpy(name->data(), key.data(), key.size());
    return self.make<symbol>(name);
  }
};

int main(int count, char** values) {
  std::size_t names = count > 1 ? std::strtoul(values[1], nullptr, 10) : 200000;
  gc::heap heap{{.max_bytes = std::size_t{64} << 20, .plan = gc::plan::generational}};
  gc::mutator self{heap};
  gc::intern_table<symbol, symbols> table{heap};

  gc::local<symbol> car = table.intern(self, "car");
  auto began = std::chrono::steady_clock::now();
  std::size_t most_held = 0;
  for (std::size_t at = 0; at < names; ++at) {
    std::string name = "gensym" + std::to_string(at);
    gc::local<symbol> fresh = table.intern(self, name);
    if (gc::local<symbol>(table.find(self, name)).get() != fresh.get()) return 1;
    if (at % 1000 == 0) {
      std::size_t held = table.statistics().held_bytes;
      most_held = held > most_held ? held : most_held;
    }
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  self.collect();
  gc::intern_statistics after = table.statistics();
  std::printf("%zu names in %.2f s; the table held %zu KiB at most; %zu entry left\n", names,
              seconds, most_held / 1024, after.entries);
  bool same = gc::local<symbol>(table.intern(self, "car")).get() == car.get();
  return same && after.entries == 1 ? 0 : 1;
}
