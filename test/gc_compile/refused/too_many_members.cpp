// too many members: specialise gc::fields for this type
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct node {
  gc::ref<node> a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u;
};
void make(gc::mutator& self) { static_cast<void>(self.make<node>()); }
