// What each stack allocated and freed in each step of a recording's time, for looking at a part of it.
//
//   time   | step 0 | step 1 | step 2 | ...   at most 128, all as long: 1 ms, 2, 4 ...
//   stack  | what it did in step 0 | in step 2 |   steps in which it did nothing have no entry
//
// Steps become twice as long, and pairs of entries one, when time goes past the last of them, or when there
// are too many entries. So memory is bounded by the number of stacks, whatever the length.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cli/model/capture/amount.hpp"
#include "cli/model/capture/bytes.hpp"

namespace strata::cli::capture {

struct step_figures {
  std::uint32_t step = 0;
  amount made;
  amount freed;
  double temporary = 0;
};

class time_steps {
 public:
  static constexpr std::uint32_t most_steps = 128;

  // most_entries: of all stacks together; two of each stack where these are more.
  explicit time_steps(std::size_t most_entries = std::size_t{1} << 20)
      : most_entries_(most_entries), limit_(most_entries) {}

  // What the stack did in the step of this moment, for adding to. Until the next call.
  step_figures& at(std::uint32_t node, std::uint64_t time_ms);

  bool is_empty() const { return entries_ == 0; }
  std::uint64_t step_ms() const { return step_ms_; }
  // In order of time.
  const std::vector<step_figures>& of(std::uint32_t node) const;

  void put(byte_writer& to) const;
  static time_steps get(byte_reader& from);

 private:
  void double_steps();
  void make_room();

  std::vector<std::vector<step_figures>> by_node_;
  std::uint64_t step_ms_ = 1;
  std::size_t entries_ = 0;
  std::size_t most_entries_;
  std::size_t limit_;
};

}  // namespace strata::cli::capture
