// What a replay does: the events of a recording, with numbers of slots in place of names.
//
//   recording   allocate a, 24        allocate b, 99        deallocate a        allocate c, 8
//   operations  allocate slot 0, 24   allocate slot 1, 99   free slot 0         allocate slot 0, 8
//
// A slot is a live block's place in a table of the replay; the slot that was freed last is used first. So
// the table is as long as there ever were live blocks at once.
#pragma once

#include <cstdint>

namespace strata::cli::replay {

enum class action : std::uint16_t { allocate, free, resize };
// Who serves a block: the allocator, or what advice would put in its place for some.
enum class route : std::uint16_t { heap, arena, pool };

struct operation {
  operation() = default;
  constexpr operation(action done, std::uint32_t at, std::uint64_t asked)
      : what(done), slot(at), bytes(asked) {}

  action what = action::allocate;
  route to = route::heap;
  std::uint32_t slot = 0;
  std::uint64_t bytes = 0;  // asked for, of allocate and resize
};
static_assert(sizeof(operation) == 16);  // as it is written to helpers

}  // namespace strata::cli::replay
