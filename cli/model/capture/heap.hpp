// What a process did with its heap, summed up by stack: events go in one by one, and are forgotten. Memory
// grows with the number of stacks and of live blocks, not with the events.
//
// The state at the peak is kept lazily: each new peak has a number, and a stack's live figures are copied only
// when they are about to change for the first time after it.
//
// In a sampled recording an event stands for more than itself: a block of s bytes was recorded with a chance
// of 1 - exp(-s / mean), and counts as the inverse of it. Sums are then estimates, without bias.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "cli/model/capture/amount.hpp"
#include "cli/model/capture/block_table.hpp"
#include "cli/model/capture/events.hpp"
#include "cli/model/capture/live_curve.hpp"
#include "cli/model/capture/stack_figures.hpp"
#include "cli/model/capture/time_steps.hpp"

namespace strata::cli::capture {

struct live_block {
  std::uint64_t block = 0;
  std::uint64_t size = 0;
  std::uint32_t node = 0;
  std::uint32_t thread = 0;
  std::uint64_t time_ms = 0;
};

using live_blocks = block_table<live_block, &live_block::block>;

class heap {
 public:
  explicit heap(std::uint64_t sample_bytes = 0) : sample_bytes_(sample_bytes) {}

  void add(const event& one);
  // It will be added soon.
  void expect(const event& one) const {
    if (one.block != 0) live_.prefetch(one.block);
  }
  // What is live at the end of this millisecond is kept as at_moment.
  void keep_moment(std::uint64_t time_ms) { moment_ms_ = time_ms; }
  // Its figures, without the live blocks: what is read back takes no more events.
  void put(byte_writer& to);
  static heap get(byte_reader& from);
  // Has the figures of another one, read back, but its own of the moment, which that does not have.
  void go_on_as(heap later);

  // Settles what is kept lazily; to be called before the figures are read.
  void settle();

  const std::vector<stack_figures>& by_node() const { return by_node_; }
  const stack_figures& all() const { return all_; }
  // Of each node: live when it had most bytes live, whenever that was.
  const std::vector<amount>& own_peaks() const { return own_peaks_; }
  double peak_bytes() const { return all_.at_peak.bytes; }
  std::uint64_t peak_time_ms() const { return peak_time_ms_; }
  // The how-manieth event it came with; 0: with none that was added here.
  std::uint64_t peak_event() const { return peak_event_; }
  std::uint64_t events() const { return events_; }
  // Frees of blocks that nobody has seen allocated: by the process before it forked, or before the recording.
  std::uint64_t unknown_frees() const { return unknown_frees_; }
  const std::vector<curve_point>& curve() const { return curve_.points(); }
  // Blocks by size: the n-th has those of 2^(n-1) to 2^n - 1 bytes.
  const std::array<amount, 65>& by_size() const { return by_size_; }
  const time_steps& steps() const { return steps_; }

 private:
  void make(const event& one);
  void end(const event& one);
  void back(const event& one);
  amount worth(std::uint64_t size) const;
  stack_figures& before_change(std::uint32_t node);
  void take_moment();

  static constexpr std::uint64_t no_moment = ~std::uint64_t{0};

  std::uint64_t sample_bytes_;
  live_blocks live_;
  std::vector<stack_figures> by_node_;
  std::vector<amount> own_peaks_;
  std::vector<std::uint64_t> kept_for_;  // the peak that at_peak of the node is of
  std::uint64_t peak_number_ = 0;
  std::uint64_t peak_time_ms_ = 0;
  std::uint64_t peak_event_ = 0;
  stack_figures all_;
  std::unordered_map<std::uint32_t, std::uint64_t> last_made_;  // by thread
  std::unordered_map<std::uint32_t, live_block> last_resized_;  // by thread
  std::array<amount, 65> by_size_{};
  time_steps steps_;
  live_curve curve_;
  std::uint64_t events_ = 0;
  std::uint64_t unknown_frees_ = 0;
  std::uint64_t moment_ms_ = no_moment;  // still to come
};

}  // namespace strata::cli::capture
