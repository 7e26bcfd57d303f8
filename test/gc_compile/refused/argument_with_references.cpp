// an argument with references in it can't outlive a collection
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct node {
  int key = 0;
};
struct both {
  gc::ref<node> first, second, third;
};
struct holder {
  both of;
};
void make(gc::mutator& self, both& of) { static_cast<void>(self.make<holder>(of)); }
