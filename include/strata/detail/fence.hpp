// What blocks that are watched are filled with. The patterns are those of Microsoft's debug heap:
// known to who debugs, and no likely pointer, size or character.
#pragma once

#include <cstddef>
#include <cstring>

namespace strata::detail {

inline constexpr int fresh_fill = 0xcd;
inline constexpr int freed_fill = 0xdd;
inline constexpr int fence_fill = 0xfd;
inline constexpr std::size_t fence_bytes = 16;

inline void put_fence(void* start) { std::memset(start, fence_fill, fence_bytes); }
inline bool is_fence(const void* start) {
  unsigned char whole[fence_bytes];
  std::memset(whole, fence_fill, fence_bytes);
  return std::memcmp(start, whole, fence_bytes) == 0;
}

}  // namespace strata::detail
