// put it into a gc::local first
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct node {
  gc::ref<node> next;
};
void make(gc::mutator& self) { static_cast<void>(self.make<node>(self.make<node>())); }
