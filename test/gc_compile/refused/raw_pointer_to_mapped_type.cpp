// a raw pointer to a managed object
#include <strata/gc.hpp>

namespace gc = strata::gc;

struct table {
  explicit table(int) {}
  gc::ref<gc::array<char>> keys;
};
template <>
struct strata::gc::fields<table> : list<&table::keys> {};
struct owner {
  table* of = nullptr;
};
void make(gc::mutator& self) { static_cast<void>(self.make<owner>()); }
