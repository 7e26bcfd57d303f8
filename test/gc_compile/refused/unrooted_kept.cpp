// unrooted_kept.cpp:11:14: error
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct node {
  int key = 0;
};
int make(gc::mutator& self) {
  auto made = self.make<node>();
  return made->key;
}
