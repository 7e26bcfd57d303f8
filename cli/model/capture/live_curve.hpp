// Bytes live over time, in a bounded number of points: when there are too many, steps become twice as long. The
// last of a step counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cli/model/capture/bytes.hpp"

namespace strata::cli::capture {

struct curve_point {
  std::uint64_t time_ms = 0;
  double live_bytes = 0;
};

class live_curve {
 public:
  void note(std::uint64_t time_ms, double live_bytes) {
    if (!points_.empty() && time_ms / step_ms_ == points_.back().time_ms / step_ms_) {
      points_.back() = {time_ms, live_bytes};
      return;
    }
    if (points_.size() == most_points) {  // half as fine from here on
      step_ms_ *= 2;
      for (std::size_t i = 0; i < points_.size() / 2; ++i) points_[i] = points_[2 * i + 1];
      points_.resize(points_.size() / 2);
    }
    points_.push_back({time_ms, live_bytes});
  }
  const std::vector<curve_point>& points() const { return points_; }

  // What is read back takes no more points.
  void put(byte_writer& to) const {
    to.number(points_.size());
    for (const curve_point& at : points_) {
      to.number(at.time_ms);
      to.real(at.live_bytes);
    }
  }
  static live_curve get(byte_reader& from) {
    live_curve made;
    for (std::uint64_t left = from.number(); left > 0 && from.good(); --left) {
      curve_point at;
      at.time_ms = from.number();
      at.live_bytes = from.real();
      made.points_.push_back(at);
    }
    return made;
  }

 private:
  static constexpr std::size_t most_points = 4096;

  std::vector<curve_point> points_;
  std::uint64_t step_ms_ = 1;
};

}  // namespace strata::cli::capture
