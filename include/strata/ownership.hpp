// All owners at once, and in debug mode the graph of what owns what: for reports, tests and the hunt for
// cycles, which reference counts never free.
//
//   #define STRATA_OWNERSHIP_DEBUG 1   // for the whole program
//   for (const strata::ownership_cycle& cycle : strata::find_cycles())
//     std::puts(strata::describe(cycle).c_str());
//
// The functions take a picture under the ledger's lock. Objects with edges<T> are read then, so no
// other thread may change them meanwhile; no other object is touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <strata/arc.hpp>
#include <strata/borrow.hpp>
#include <strata/box.hpp>
#include <strata/intrusive.hpp>
#include <strata/rc.hpp>

namespace strata {

struct owned_object {
  std::string type;
  const void* address;
  std::size_t bytes;
  std::size_t owners;  // slots that point to it, weak ones not counted
};
struct owned_edge {
  static constexpr std::size_t outside = SIZE_MAX;

  const void* from;
  std::size_t member_offset;  // of the owner in `from`; outside: named by edges<T>
  const void* to;
};
// A step of a cycle: this object has, there, an owner of the next one; the last one, of the first.
struct cycle_step {
  std::string type;
  const void* address;
  std::size_t member_offset;
};
using ownership_cycle = std::vector<cycle_step>;

#if STRATA_OWNERSHIP_DEBUG
// By address.
STRATA_RESOURCES_API std::vector<owned_object> live_objects();
STRATA_RESOURCES_API std::vector<owned_edge> live_edges();
// A shortest cycle of each group of objects that keep one another alive: break it, and ask again. O(V + E)
// for the groups, O(E) more for each.
STRATA_RESOURCES_API std::vector<ownership_cycle> find_cycles();
// "node at 0x1000, member at byte 8 -> node at 0x2000, member at byte 8 -> the first"
STRATA_RESOURCES_API std::string describe(const ownership_cycle& cycle);
#endif

}  // namespace strata
