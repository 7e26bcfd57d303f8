// What a process mapped for itself, summed up by stack, as heap.hpp has it for blocks. All of it is address space:
// how much of it is resident the file does not tell.
//
//   piece      | start, end |  of one mapping; none lies over another
//   mapping    what one call has mapped; it lives until the last of its bytes is unmapped, or another mapping
//              is put there. Cut in the middle it has two pieces
//
// What is moved by mremap is another mapping from then on, made by the stack of that, and counts as resized.
// Frees of what nobody has seen mapped are of libc's own mappings, or were mapped before a fork.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "cli/model/capture/live_curve.hpp"
#include "cli/model/capture/range_events.hpp"
#include "cli/model/capture/stack_figures.hpp"

namespace strata::cli::capture {

// Of one stack: blocks are mappings.
struct mapped_figures {
  stack_figures sums;
  std::uint16_t about = 0;  // what any of them was
};

class mapped_memory {
 public:
  void add(const range_event& one);
  // As those of heap.
  void keep_moment(std::uint64_t time_ms) { moment_ms_ = time_ms; }
  void put(byte_writer& to);
  static mapped_memory get(byte_reader& from);
  void go_on_as(mapped_memory later);
  void settle();

  bool empty() const { return all_.total.blocks == 0; }
  const std::map<std::uint32_t, mapped_figures>& by_node() const { return by_node_; }
  const stack_figures& all() const { return all_; }
  std::uint64_t peak_time_ms() const { return peak_time_ms_; }
  const std::vector<curve_point>& curve() const { return curve_.points(); }
  // Ranges that were unmapped where nothing was known to be mapped.
  std::uint64_t unknown_unmaps() const { return unknown_unmaps_; }

 private:
  struct mapping_life {
    std::uint64_t bytes = 0;  // that are left
    std::uint32_t node = 0;
    std::uint16_t about = 0;
    std::uint64_t time_ms = 0;
  };
  struct piece {
    std::uint64_t end = 0;
    std::uint64_t mapping = 0;  // its number
  };
  // What an unmap took, until the thread's next.
  struct taken {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t mapping = 0;
    mapping_life was;
    std::uint64_t time_ms = 0;
  };
  using taken_pieces = std::vector<taken>;

  void map(const range_event& one);
  taken_pieces take_out(std::uint64_t start, std::uint64_t end, std::uint64_t time_ms);
  void take_from(std::uint64_t mapping, std::uint64_t bytes, std::uint64_t time_ms);
  void give_back(const taken& one);
  bool is_free(std::uint64_t start, std::uint64_t end) const;
  stack_figures& before_change(std::uint32_t node);
  void take_moment();

  static constexpr std::uint64_t no_moment = ~std::uint64_t{0};

  std::map<std::uint64_t, piece> pieces_;  // by start
  std::unordered_map<std::uint64_t, mapping_life> mappings_;
  std::uint64_t made_ = 0;
  std::unordered_map<std::uint32_t, taken_pieces> last_taken_;  // by thread
  std::map<std::uint32_t, mapped_figures> by_node_;
  std::unordered_map<std::uint32_t, std::uint64_t>
      kept_for_;  // the peak that at_peak of the node is of
  std::uint64_t peak_number_ = 0;
  std::uint64_t peak_time_ms_ = 0;
  stack_figures all_;
  live_curve curve_;
  std::uint64_t unknown_unmaps_ = 0;
  std::uint64_t moment_ms_ = no_moment;  // still to come
};

}  // namespace strata::cli::capture
