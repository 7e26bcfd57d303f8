// Writes before and behind a live block.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "crowd.hpp"

namespace misuse {
namespace {

// Changes `bytes` bytes that begin `offset` bytes from the middle block of a crowd, then frees that
// block and its neighbours. Each byte changes: a write of what is there already harms nobody, and no
// allocator could find it.
outcome write_beside(std::size_t size, std::ptrdiff_t offset, std::size_t bytes) {
  crowd live(size);
  const std::size_t middle = live.middle();
  unsigned char* target = hide(live[middle]) + offset;
  commit(target, [&] {
    for (std::size_t i = 0; i < bytes; ++i) target[i] ^= stray_byte;
  });
  const bool damaged = !live.intact();
  live.release(middle);
  for (std::size_t distance = 1; distance <= 4; ++distance) {
    live.release(middle + distance);
    live.release(middle - distance);
  }
  return worse(missed_if(damaged), aftermath({live, 9}));
}

template <std::size_t Bytes>
outcome overflow(std::size_t size) {
  return write_beside(size, static_cast<std::ptrdiff_t>(size), Bytes);
}

template <std::size_t Bytes>
outcome underflow(std::size_t size) {
  return write_beside(size, -static_cast<std::ptrdiff_t>(Bytes), Bytes);
}

// The block behind is free, and what a list of free blocks would keep in its first word becomes an
// address of the attacker's.
outcome overflow_planted(std::size_t size) {
  alignas(4096) static unsigned char bait[2 * (256 << 10)];
  crowd live(size);
  const std::size_t middle = live.middle();
  unsigned char* block = live[middle];
  std::size_t behind = middle == 0 ? 1 : 0;
  for (std::size_t at = 0; at < live.count(); ++at) {
    if (live[at] > block && (live[behind] <= block || live[at] < live[behind])) {
      behind = at;
    }
  }
  const std::size_t gap = number(live[behind]) - number(block) - size;
  if (live[behind] <= block || gap > 256) {
    return outcome::absent;  // nobody lies behind it
  }
  live.release(middle - 3);
  live.release(behind);
  const std::uintptr_t planted = number(hide(&bait[4096]));
  commit(block + size, [&] {
    memset(block + size, stray_byte, gap);
    memcpy(block + size + gap, &planted, sizeof planted);
  });
  return aftermath({live, 2, 0, {bait, sizeof bait}});
}

constexpr kind kinds[] = {
    {"overflow_1", group::access, true, overflow<1>},
    {"overflow_16", group::access, true, overflow<16>},
    {"overflow_4096", group::access, true, overflow<4096>},
    {"overflow_planted", group::access, false, overflow_planted},
    {"underflow_1", group::access, true, underflow<1>},
    {"underflow_16", group::access, true, underflow<16>},
    {"underflow_4096", group::access, true, underflow<4096>},
};

}  // namespace

const std::span<const kind> stray_writes = kinds;

}  // namespace misuse
