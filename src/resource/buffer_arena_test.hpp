// What the tests of buffer arenas share.
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <strata/buffer_arena.hpp>

#include "resource/resource_test.hpp"

namespace strata {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

inline std::size_t count(const std::array<std::size_t, 6>& chunks) {
  std::size_t sum = 0;
  for (std::size_t each : chunks) sum += each;
  return sum;
}
inline std::size_t in(const buffer_arena& arena, buffer_band which) {
  return arena.metrics().chunks[static_cast<std::size_t>(which)];
}

// Blocks of an arena that go back at the end.
class blocks {
 public:
  explicit blocks(buffer_arena& from) : from_(&from) {}
  blocks(const blocks&) = delete;
  blocks& operator=(const blocks&) = delete;
  ~blocks() { free_all(); }

  void* take(std::size_t bytes) {
    void* block = from_->try_allocate(bytes, 16);
    if (block != nullptr) live_.push_back({block, bytes});
    return block;
  }
  void free(std::size_t which) {
    from_->deallocate(live_[which].first, live_[which].second, 16);
    live_[which] = live_.back();
    live_.pop_back();
  }
  void free_all() {
    while (!live_.empty()) free(live_.size() - 1);
  }
  [[nodiscard]] std::size_t size() const { return live_.size(); }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& each : live_) sum += each.second;
    return sum;
  }

 private:
  buffer_arena* from_;
  std::vector<std::pair<void*, std::size_t>> live_;
};

class BufferArena : public testing::Test {
 protected:
  test_upstream upstream_;
  buffer_arena arena_{&upstream_, {.arenas = 2}};
};

}  // namespace strata
