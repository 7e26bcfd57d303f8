// elements with references: 512 bytes at most
#include <array>
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct node {
  int key = 0;
};
struct row {
  std::array<gc::ref<node>, 65> of;
};
void make(gc::mutator& self) { static_cast<void>(self.make<gc::array<row>>(5U)); }
