// A module with a libstrata_resources of its own.
#include <strata/bump.hpp>
#include <strata/watch.hpp>

extern "C" int work();
extern "C" int work() {
  strata::bump arena;
  strata::watched shown{arena, "in a module"};
  return arena.try_allocate(500, 8) != nullptr ? 0 : 1;
}
