// Events on their way into heaps. Each waits until some more have come, while the memory that it will need is
// fetched: most of the time that an event takes is for the memory of its block among the live ones.
#pragma once

#include <array>
#include <cstddef>

#include "cli/model/capture/heap.hpp"

namespace strata::cli::capture {

class event_queue {
 public:
  // to: stays where it is until finish().
  void add(heap& to, const event& one) {
    to.expect(one);
    waiting& place = waiting_[added_ % distance];
    if (added_ >= distance) place.to->add(place.what);
    place = {&to, one};
    ++added_;
  }
  void finish() {
    std::size_t first = added_ > distance ? added_ - distance : 0;
    for (; first < added_; ++first) {
      const waiting& place = waiting_[first % distance];
      place.to->add(place.what);
    }
    added_ = 0;
  }

 private:
  static constexpr std::size_t distance = 16;
  struct waiting {
    heap* to = nullptr;
    event what;
  };

  std::array<waiting, distance> waiting_{};
  std::size_t added_ = 0;
};

}  // namespace strata::cli::capture
