// Near to what is refused, and right.
#include <array>
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct opaque;
struct node {
  gc::ref<node> next;
  gc::ref<gc::value> of;
  opaque* beside = nullptr;
  const char* text = "";
  void (*run)(node*) = nullptr;
  std::array<gc::ref<gc::array<char>>, 3> names;
};
class mapped {
 public:
  explicit mapped(int) noexcept {}
  gc::ref<node> next;
};
template <>
struct strata::gc::fields<mapped> : list<&mapped::next> {};

void make(gc::mutator& self) {
  gc::local<node> first = self.make<node>();
  gc::local<node> second = self.make<node>(first, gc::value::immediate(5));
  second->next = self.make<node>(first);
  static_cast<void>(self.make<mapped>(5));
}
