// Blocks of one thread, one behind the other in chunks, which begin anew when none of them is left.
//
//   first_ --> | block | gone | block |   current_ --> | block | block | ..... |   --> | ........ |
//                                                              last_   top       end
//
//   left = made_ - gone_ - gone_elsewhere_        0: all begins anew, at the first chunk
//
// The block that came last gives its bytes back as soon as it goes, as on a stack. Memory is kept.
// For its thread alone, but for go_elsewhere().
#pragma once

#include "route/region.hpp"

namespace strata::route {

class arena {
 public:
  // bytes: of whole granules. Null: there is no more room.
  void* allocate(std::size_t bytes, std::size_t alignment, seat* owner);
  // The block at the address goes. True: none is left.
  bool go(std::uintptr_t at);
  // By another thread. release: what it did with the block is over when it is used again.
  void go_elsewhere() { gone_elsewhere_.fetch_add(1, std::memory_order_release); }

 private:
  bool is_empty() const { return made_ - gone_ == gone_elsewhere_.load(std::memory_order_acquire); }
  void begin_anew();
  bool go_on(std::size_t bytes, seat* owner);

  chunk* first_ = nullptr;
  chunk* current_ = nullptr;
  std::uintptr_t last_ = 0;  // 0: it is gone
  std::uint64_t made_ = 0;
  std::uint64_t gone_ = 0;
  std::atomic<std::uint64_t> gone_elsewhere_{0};
};

}  // namespace strata::route
