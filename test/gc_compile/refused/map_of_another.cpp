// type.hpp:.*(incompatible with object type .node|compatible with the right hand operand, but is .node)
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct other {
  gc::ref<other> next;
};
class node {
 public:
  explicit node(int) noexcept {}
  gc::ref<other> next;
};
template <>
struct strata::gc::fields<node> : list<&other::next> {};
void make(gc::mutator& self) { static_cast<void>(self.make<node>(5)); }
