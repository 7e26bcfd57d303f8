#include "cli/model/capture/mapped_memory.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace strata::cli::capture {

void mapped_memory::add(const range_event& one) {
  if (one.time_ms > moment_ms_ && moment_ms_ != no_moment) take_moment();
  const std::uint64_t end = one.start + one.bytes;
  switch (one.kind) {
    case wire::range_kind::map:
      if (end > one.start) map(one);
      break;
    case wire::range_kind::unmap: {
      if (end <= one.start) return;
      taken_pieces gone = take_out(one.start, end, one.time_ms);
      if (gone.empty()) ++unknown_unmaps_;
      last_taken_[one.thread] = std::move(gone);
      break;
    }
    case wire::range_kind::unmap_back:
      if (const auto last = last_taken_.find(one.thread); last != last_taken_.end()) {
        for (const taken& its : last->second) give_back(its);
        last_taken_.erase(last);
      }
      break;
  }
  curve_.note(one.time_ms, all_.live.bytes);
}

void mapped_memory::map(const range_event& one) {
  const std::uint64_t end = one.start + one.bytes;
  std::uint16_t about = one.about;
  if ((about & wire::range_moved) != 0) {
    if (const auto last = last_taken_.find(one.thread);
        last != last_taken_.end() && !last->second.empty()) {
      about |= last->second.front().was.about;
    }
  }
  take_out(one.start, end, one.time_ms);  // a fixed address puts it over others
  pieces_[one.start] = {end, ++made_};
  mappings_[made_] = {one.bytes, one.node, about, one.time_ms};
  const amount much{1, static_cast<double>(one.bytes)};
  stack_figures& stack = before_change(one.node);
  by_node_[one.node].about |= about;
  for (stack_figures* figures : {&stack, &all_}) {
    figures->live += much;
    figures->total += much;
    figures->gone_less_come_ms -= static_cast<double>(one.time_ms);
    if ((one.about & wire::range_moved) != 0) figures->resized += 1;
  }
  if (all_.live.bytes > all_.at_peak.bytes) {
    all_.at_peak = all_.live;
    peak_time_ms_ = one.time_ms;
    ++peak_number_;
  }
}

mapped_memory::taken_pieces mapped_memory::take_out(std::uint64_t start, std::uint64_t end,
                                                    std::uint64_t time_ms) {
  taken_pieces made;
  auto at = pieces_.upper_bound(start);
  if (at != pieces_.begin() && std::prev(at)->second.end > start) --at;
  while (at != pieces_.end() && at->first < end) {
    const std::uint64_t from = std::max(at->first, start);
    const std::uint64_t to = std::min(at->second.end, end);
    const piece whole = at->second;
    made.push_back({from, to, whole.mapping, mappings_[whole.mapping], time_ms});
    if (at->first < from) {
      at->second.end = from;
      ++at;
    } else {
      at = pieces_.erase(at);
    }
    if (to < whole.end) at = std::next(pieces_.emplace(to, piece{whole.end, whole.mapping}).first);
    take_from(whole.mapping, to - from, time_ms);
  }
  return made;
}

void mapped_memory::take_from(std::uint64_t mapping, std::uint64_t bytes, std::uint64_t time_ms) {
  mapping_life& life = mappings_[mapping];
  life.bytes -= bytes;
  const bool is_over = life.bytes == 0;
  const std::size_t lived = lifetime_class(time_ms - life.time_ms);
  stack_figures& stack = before_change(life.node);
  for (stack_figures* figures : {&stack, &all_}) {
    figures->live.bytes -= static_cast<double>(bytes);
    if (!is_over) continue;
    figures->live.blocks -= 1;
    figures->lived[lived] += 1;
    figures->gone_less_come_ms += static_cast<double>(time_ms);
  }
  if (is_over) mappings_.erase(mapping);
}

// What take_from did is undone, unless something else is there by now.
void mapped_memory::give_back(const taken& one) {
  if (!is_free(one.start, one.end)) return;
  const auto [found, was_over] = mappings_.try_emplace(one.mapping, one.was);
  mapping_life& life = found->second;
  if (was_over) life.bytes = 0;
  life.bytes += one.end - one.start;
  pieces_[one.start] = {one.end, one.mapping};
  const std::size_t lived = lifetime_class(one.time_ms - life.time_ms);
  stack_figures& stack = before_change(life.node);
  for (stack_figures* figures : {&stack, &all_}) {
    figures->live.bytes += static_cast<double>(one.end - one.start);
    if (!was_over) continue;
    figures->live.blocks += 1;
    figures->lived[lived] -= 1;
    figures->gone_less_come_ms -= static_cast<double>(one.time_ms);
  }
}

bool mapped_memory::is_free(std::uint64_t start, std::uint64_t end) const {
  const auto next = pieces_.lower_bound(start);
  if (next != pieces_.end() && next->first < end) return false;
  return next == pieces_.begin() || std::prev(next)->second.end <= start;
}

stack_figures& mapped_memory::before_change(std::uint32_t node) {
  stack_figures& found = by_node_[node].sums;
  if (std::uint64_t& kept = kept_for_[node]; kept != peak_number_) {
    found.at_peak = found.live;
    kept = peak_number_;
  }
  return found;
}

void mapped_memory::take_moment() {
  moment_ms_ = no_moment;
  all_.at_moment = all_.live;
  for (auto& [node, one] : by_node_) one.sums.at_moment = one.sums.live;
}

void mapped_memory::settle() {
  if (moment_ms_ != no_moment) take_moment();
  for (const auto& [node, one] : by_node_) before_change(node);
}

void mapped_memory::put(byte_writer& to) {
  settle();
  for (std::uint64_t one : {peak_time_ms_, unknown_unmaps_}) to.number(one);
  capture::put(to, all_);
  curve_.put(to);
  to.number(by_node_.size());
  for (const auto& [node, one] : by_node_) {
    to.number(node);
    to.number(one.about);
    capture::put(to, one.sums);
  }
}

mapped_memory mapped_memory::get(byte_reader& from) {
  mapped_memory made;
  for (auto one : {&mapped_memory::peak_time_ms_, &mapped_memory::unknown_unmaps_}) {
    made.*one = from.number();
  }
  made.all_ = get_figures(from);
  made.curve_ = live_curve::get(from);
  for (std::uint64_t left = from.number(); left > 0 && from.good(); --left) {
    mapped_figures& one = made.by_node_[static_cast<std::uint32_t>(from.number())];
    one.about = static_cast<std::uint16_t>(from.number());
    one.sums = get_figures(from);
  }
  return made;
}

void mapped_memory::go_on_as(mapped_memory later) {
  if (moment_ms_ != no_moment) take_moment();
  later.all_.at_moment = all_.at_moment;
  for (const auto& [node, one] : by_node_) {
    if (const auto its = later.by_node_.find(node); its != later.by_node_.end()) {
      its->second.sums.at_moment = one.sums.at_moment;
    }
  }
  *this = std::move(later);
}

}  // namespace strata::cli::capture
