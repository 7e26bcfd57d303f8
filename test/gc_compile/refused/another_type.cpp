// another_type.cpp:12:.*(no match for .operator=|no viable overloaded .=)
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct node {
  int key = 0;
};
struct other {
  gc::ref<node> to;
};
void set(gc::local<other>& of, gc::local<other>& to) { of->to = to; }
