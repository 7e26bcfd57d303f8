// Counts words in a tree that nobody frees: a first program on the managed heap.
#include <cstdio>
#include <cstring>
#include <strata/gc.hpp>
#include <string_view>

namespace gc = strata::gc;

// A managed type is plain C++. Its references are found by themselves.
struct word {
  gc::ref<gc::array<char>> text;
  gc::ref<word> before, after;
  long count = 0;
};

std::string_view text_of(const word& of) { return {of.text->data(), of.text->size()}; }

// What leaves a function is unrooted: the caller puts it into a local, a member or a global at once.
gc::unrooted<word> make_word(gc::mutator& self, std::string_view text) {
  gc::local<gc::array<char>> copy = self.make<gc::array<char>>(text.size());
  std::memcpy(copy->data(), text.data(), text.size());
  return self.make<word>(copy);
}

void count(gc::mutator& self, gc::local<word>& root, std::string_view text) {
  gc::local<word> at = root;
  while (text != text_of(*at)) {
    gc::ref<word>& next = text < text_of(*at) ? at->before : at->after;
    if (!next) {
      // make may move everything: `next` is not used after it.
      bool goes_before = &next == &at->before;
      gc::local<word> made = make_word(self, text);
      (goes_before ? at->before : at->after) = made;
      at = made;
      break;
    }
    at = next;
  }
  ++at->count;
}

int main() {
  gc::heap heap{{.max_bytes = std::size_t{4} << 20}};
  gc::mutator self{heap};  // this thread may use the heap while it lives

  gc::local<word> root = make_word(self, "m");
  char text[16];
  for (int i = 0; i < 1000000; ++i) {
    std::snprintf(text, sizeof text, "w%d", i % 1000 * 7919 % 1000);
    count(self, root, text);
    static_cast<void>(make_word(self, text));  // garbage: 64 MB of it in a heap of 4
  }
  gc::local<word> zero{self, root->after};
  gc::heap_statistics so_far = heap.statistics();
  std::printf("%.*s: %ld times; %.0f MB allocated, %llu collections\n",
              static_cast<int>(zero->text->size()), zero->text->data(), zero->count,
              static_cast<double>(so_far.allocated_bytes) / 1e6,
              static_cast<unsigned long long>(so_far.full_collections));
  return zero->count == 1000 ? 0 : 1;
}
