// a managed object dies without a destructor
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct node {
  int key = 0;
};
struct holder {
  gc::local<node> kept;
};
void make(gc::mutator& self, gc::local<node> n) { static_cast<void>(self.make<holder>(n)); }
