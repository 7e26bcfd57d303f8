// A cache that is never emptied: what is in the heap, and why.
#include <cstdio>
#include <cstring>
#include <strata/gc.hpp>
#include <string_view>

namespace gc = strata::gc;

struct page {
  gc::ref<gc::array<char>> bytes;
  gc::ref<page> linked;
};
struct cache {
  gc::ref<gc::array<gc::ref<page>>> pages;
  long hits = 0;
};

// Tells of collections; it does not touch the heap.
struct watcher final : gc::listener {
  void collection_ends(const gc::collection_end& what) noexcept override {
    if (what.pause_ns > longest_ns) longest_ns = what.pause_ns;
    ++collections;
  }
  unsigned long collections = 0;
  std::uint64_t longest_ns = 0;
};

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int main() {
  watcher watching;
  gc::heap heap{{.max_bytes = std::size_t{16} << 20, .listener = &watching}};
  gc::mutator self{heap};
  gc::global<cache> shared{heap};
  shared = self.make<cache>();
  shared->pages = self.make<gc::array<gc::ref<page>>>(100);
  for (std::size_t i = 0; i < 100; ++i) {
    gc::local<page> made = self.make<page>();
    made->bytes = self.make<gc::array<char>>(1000);
    if (i > 0) made->linked = (*shared->pages)[i - 1];
    (*shared->pages)[i] = made;
  }
  self.collect();

  gc::write_summary(gc::summarize(self), print);
  gc::local<page> suspect{self, (*shared->pages)[42]};
  gc::retention why = gc::why_alive(suspect);  // besides by this local
  print(why.text());
  gc::describe(heap, print);
  return why.path.size() == 3 && why.path[2].field == "[42]" && watching.collections == 1 ? 0 : 1;
}
