// a managed object dies without a destructor
#include <strata/gc.hpp>
#include <string>

namespace gc = strata::gc;

struct name {
  std::string text;
};
void make(gc::mutator& self) { static_cast<void>(self.make<name>()); }
