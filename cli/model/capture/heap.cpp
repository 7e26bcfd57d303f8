#include "cli/model/capture/heap.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace strata::cli::capture {
namespace {

// Whether its thread, whose last blocks these are, has allocated nothing since.
bool is_last(const live_block& one,
             const std::unordered_map<std::uint32_t, std::uint64_t>& last_made) {
  const auto last = last_made.find(one.thread);
  return last != last_made.end() && last->second == one.block;
}

}  // namespace

amount heap::worth(std::uint64_t size) const {
  const auto bytes = static_cast<double>(size);
  if (sample_bytes_ == 0) return {1, bytes};
  // As the recorder counts: an empty block as one byte, and even sizes as odd.
  const double stands_for =
      -1 / std::expm1(-static_cast<double>(size | 1) / static_cast<double>(sample_bytes_));
  return {stands_for, stands_for * bytes};
}

stack_figures& heap::before_change(std::uint32_t node) {
  if (node >= by_node_.size()) {
    by_node_.resize(node + std::size_t{1});
    own_peaks_.resize(by_node_.size());
    kept_for_.resize(by_node_.size());
  }
  stack_figures& found = by_node_[node];
  if (kept_for_[node] != peak_number_) {
    found.at_peak = found.live;
    kept_for_[node] = peak_number_;
  }
  return found;
}

void heap::add(const event& one) {
  ++events_;
  if (one.time_ms > moment_ms_ && moment_ms_ != no_moment) take_moment();
  switch (one.kind) {
    case wire::entry_kind::allocate:
    case wire::entry_kind::resize_in:
      make(one);
      break;
    case wire::entry_kind::deallocate:
    case wire::entry_kind::resize_out:
      end(one);
      break;
    case wire::entry_kind::resize_back:
      back(one);
      break;
    case wire::entry_kind::nothing:
      break;
  }
  curve_.note(one.time_ms, all_.live.bytes);
}

void heap::make(const event& one) {
  if (!live_.insert({one.block, one.size, one.node, one.thread, one.time_ms})) return;
  last_made_[one.thread] = one.block;
  const amount much = worth(one.size);
  stack_figures& stack = before_change(one.node);
  for (stack_figures* figures : {&stack, &all_}) {
    figures->live += much;
    figures->total += much;
    figures->gone_less_come_ms -= much.blocks * static_cast<double>(one.time_ms);
    if (one.kind == wire::entry_kind::resize_in) figures->resized += much.blocks;
  }
  if (stack.live.bytes > own_peaks_[one.node].bytes) own_peaks_[one.node] = stack.live;
  steps_.at(one.node, one.time_ms).made += much;
  by_size_[static_cast<std::size_t>(std::bit_width(one.size))] += much;
  if (all_.live.bytes > all_.at_peak.bytes) {
    all_.at_peak = all_.live;
    peak_time_ms_ = one.time_ms;
    peak_event_ = events_;
    ++peak_number_;
  }
}

void heap::end(const event& one) {
  live_block was;
  if (!live_.remove(one.block, was)) {
    ++unknown_frees_;
    return;
  }
  if (one.kind == wire::entry_kind::resize_out) last_resized_[one.thread] = was;
  const amount much = worth(was.size);
  const bool is_temporary = one.thread == was.thread && is_last(was, last_made_);
  const std::size_t lived = lifetime_class(one.time_ms - was.time_ms);
  stack_figures& stack = before_change(was.node);
  for (stack_figures* figures : {&stack, &all_}) {
    figures->live -= much;
    figures->gone_less_come_ms += much.blocks * static_cast<double>(one.time_ms);
    figures->lived[lived] += much.blocks;
    if (is_temporary) figures->temporary += much.blocks;
  }
  step_figures& step = steps_.at(was.node, one.time_ms);
  step.freed += much;
  if (is_temporary) step.temporary += much.blocks;
}

// What end() did is undone, but for the peak, which cannot have been.
void heap::back(const event& one) {
  const auto found = last_resized_.find(one.thread);
  if (found == last_resized_.end() || found->second.block != one.block) return;
  const live_block was = found->second;
  last_resized_.erase(found);
  if (!live_.insert(was)) return;
  const amount much = worth(was.size);
  const std::size_t lived = lifetime_class(one.time_ms - was.time_ms);
  stack_figures& stack = before_change(was.node);
  const bool was_temporary = one.thread == was.thread && is_last(was, last_made_);
  for (stack_figures* figures : {&stack, &all_}) {
    figures->live += much;
    figures->gone_less_come_ms -= much.blocks * static_cast<double>(one.time_ms);
    figures->lived[lived] -= much.blocks;
    if (was_temporary) figures->temporary -= much.blocks;
  }
  step_figures& step = steps_.at(was.node, one.time_ms);
  step.freed -= much;
  if (was_temporary) step.temporary -= much.blocks;
}

void heap::take_moment() {
  moment_ms_ = no_moment;
  all_.at_moment = all_.live;
  for (stack_figures& one : by_node_) one.at_moment = one.live;
}

void heap::go_on_as(heap later) {
  if (moment_ms_ != no_moment) take_moment();
  later.all_.at_moment = all_.at_moment;
  if (later.peak_bytes() == peak_bytes()) later.peak_event_ = peak_event_;
  const std::size_t known = std::min(by_node_.size(), later.by_node_.size());
  for (std::size_t i = 0; i < known; ++i) later.by_node_[i].at_moment = by_node_[i].at_moment;
  *this = std::move(later);
}

namespace {

void put_amount(byte_writer& to, const amount& of) {
  to.real(of.blocks);
  to.real(of.bytes);
}
amount get_amount(byte_reader& from) {
  amount made;
  made.blocks = from.real();
  made.bytes = from.real();
  return made;
}

}  // namespace

void heap::put(byte_writer& to) {
  settle();
  for (std::uint64_t one : {sample_bytes_, peak_time_ms_, events_, unknown_frees_}) to.number(one);
  capture::put(to, all_);
  for (const amount& one : by_size_) put_amount(to, one);
  curve_.put(to);
  to.number(by_node_.size());
  for (std::size_t i = 0; i < by_node_.size(); ++i) {
    to.byte(by_node_[i].total.blocks > 0 ? 1 : 0);
    if (by_node_[i].total.blocks == 0) continue;
    capture::put(to, by_node_[i]);
    put_amount(to, own_peaks_[i]);
  }
  steps_.put(to);
}

heap heap::get(byte_reader& from) {
  heap made(from.number());
  for (auto one : {&heap::peak_time_ms_, &heap::events_, &heap::unknown_frees_}) {
    made.*one = from.number();
  }
  made.all_ = get_figures(from);
  for (amount& one : made.by_size_) one = get_amount(from);
  made.curve_ = live_curve::get(from);
  for (std::uint64_t left = from.number(); left > 0 && from.good(); --left) {
    const bool is_used = from.byte() != 0;
    made.by_node_.push_back(is_used ? get_figures(from) : stack_figures());
    made.own_peaks_.push_back(is_used ? get_amount(from) : amount());
  }
  made.kept_for_.resize(made.by_node_.size());
  // A file that ends here has no steps.
  if (!from.done()) made.steps_ = time_steps::get(from);
  return made;
}

void heap::settle() {
  if (moment_ms_ != no_moment) take_moment();
  for (std::size_t node = 0; node < by_node_.size(); ++node) {
    before_change(static_cast<std::uint32_t>(node));
  }
}

}  // namespace strata::cli::capture
