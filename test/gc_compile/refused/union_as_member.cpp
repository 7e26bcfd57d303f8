// a union: say where its references are
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct node {
  union {
    long number;
    double real;
  } of;
};
void make(gc::mutator& self) { static_cast<void>(self.make<node>()); }
