// a raw pointer to a managed object
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct name {
  gc::array<char>* text = nullptr;
};
void make(gc::mutator& self) { static_cast<void>(self.make<name>()); }
