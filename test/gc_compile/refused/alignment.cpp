// managed objects are aligned to 8 bytes
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct alignas(16) lanes {
  double of[2];
};
void make(gc::mutator& self) { static_cast<void>(self.make<lanes>()); }
