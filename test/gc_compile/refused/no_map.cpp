// no aggregate: say where its references are
#include <strata/gc.hpp>

namespace gc = strata::gc;

class node {
 public:
  explicit node(int key) noexcept : key_(key) {}
  gc::ref<node> next;

 private:
  int key_;
};
void make(gc::mutator& self) { static_cast<void>(self.make<node>(5)); }
