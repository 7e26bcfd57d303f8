// no aggregate: say where its references are
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct pair {
  gc::value head, tail;
};
void make(gc::mutator& self) { static_cast<void>(self.make<pair>()); }
