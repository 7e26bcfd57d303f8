// Marking by several threads while the world is stopped: each has a marker of its own, and gives others of what it
// has when they have nothing left (shared_work.hpp). Whoever sets an object's mark first scans it.
//
//   first marker, with all roots   --.
//   markers of the helpers          --+-->  marks, lines, weak objects found
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gc/marker.hpp"
#include "gc/shared_work.hpp"
#include "gc/workers.hpp"

namespace strata::gc {

class parallel_marking {
 public:
  parallel_marking(marker& first, line_space& lines, weak_set& weaks, unsigned helpers)
      : first_(first), lines_(lines), weaks_(weaks), workers_(helpers) {}

  // Helpers of the heap's collections.
  [[nodiscard]] gc::workers& workers() { return workers_; }
  // All that the first marker's stack leads to. By itself where there are no helpers to be had.
  void run(std::size_t most_entries, std::uintptr_t old_base) {
    if (!workers_.are_here() || !open(most_entries)) return first_.run();
    shared_.begin();
    for (auto& each : others_) each->begin(first_.epoch(), old_base);
    auto task = [this](unsigned number) {
      if (number == 0)
        first_.run_with(shared_);
      else if (shared_.enter())
        others_[number - 1]->run_with(shared_);
    };
    workers_.run(task);
    for (auto& each : others_) first_.add_marked_by(*each);
  }

 private:
  bool open(std::size_t most_entries) {
    if (!others_.empty()) return true;
    if (!shared_.open(most_entries)) return false;
    while (others_.size() < workers_.helpers()) {
      others_.push_back(std::make_unique<marker>(lines_, weaks_));
      if (others_.back()->open(most_entries)) continue;
      others_.clear();
      return false;
    }
    return true;
  }

  marker& first_;
  line_space& lines_;
  weak_set& weaks_;
  shared_work shared_;
  std::vector<std::unique_ptr<marker>> others_;
  gc::workers workers_;  // the last: its threads use the rest
};

}  // namespace strata::gc
