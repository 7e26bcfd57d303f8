#include "cli/model/capture/time_steps.hpp"

namespace strata::cli::capture {
namespace {

// What is written of a step, in the order in which the file has it.
template <typename Figures, typename Visit>
void each_number(Figures& of, Visit visit) {
  for (auto* one : {&of.made, &of.freed}) {
    visit(one->blocks);
    visit(one->bytes);
  }
  visit(of.temporary);
}

}  // namespace

step_figures& time_steps::at(std::uint32_t node, std::uint64_t time_ms) {
  while (time_ms / step_ms_ >= most_steps) double_steps();
  if (node >= by_node_.size()) by_node_.resize(node + std::size_t{1});
  if (const auto& known = by_node_[node]; !known.empty()) {
    // Threads may be a moment behind each other.
    if (known.back().step >= time_ms / step_ms_) return by_node_[node].back();
  }
  if (entries_ >= limit_) {
    make_room();
    return at(node, time_ms);
  }
  ++entries_;
  by_node_[node].push_back({static_cast<std::uint32_t>(time_ms / step_ms_), {}, {}, 0});
  return by_node_[node].back();
}

const std::vector<step_figures>& time_steps::of(std::uint32_t node) const {
  static const std::vector<step_figures> nothing;
  return node < by_node_.size() ? by_node_[node] : nothing;
}

// Half of the entries go, unless each stack has a single one before.
void time_steps::make_room() {
  for (std::uint32_t steps = most_steps; steps > 1 && entries_ > most_entries_ / 2; steps /= 2) {
    double_steps();
  }
  limit_ = std::max(most_entries_, 2 * entries_);
}

void time_steps::double_steps() {
  step_ms_ *= 2;
  for (std::vector<step_figures>& all : by_node_) {
    std::size_t kept = 0;
    for (step_figures& one : all) {
      one.step /= 2;
      if (kept > 0 && all[kept - 1].step == one.step) {
        step_figures& into = all[kept - 1];
        into.made += one.made;
        into.freed += one.freed;
        into.temporary += one.temporary;
      } else {
        all[kept++] = one;
      }
    }
    entries_ -= all.size() - kept;
    all.resize(kept);
  }
}

void time_steps::put(byte_writer& to) const {
  to.number(step_ms_);
  to.number(by_node_.size());
  for (const std::vector<step_figures>& all : by_node_) {
    to.number(all.size());
    for (const step_figures& one : all) {
      to.number(one.step);
      each_number(one, [&](double value) { to.real(value); });
    }
  }
}

time_steps time_steps::get(byte_reader& from) {
  time_steps made;
  made.step_ms_ = std::max<std::uint64_t>(1, from.number());
  for (std::uint64_t nodes = from.number(); nodes > 0 && from.good(); --nodes) {
    std::vector<step_figures>& all = made.by_node_.emplace_back();
    for (std::uint64_t left = from.number(); left > 0 && from.good(); --left) {
      step_figures one;
      const std::uint64_t least = all.empty() ? 0 : all.back().step;
      const std::uint64_t step = std::clamp<std::uint64_t>(from.number(), least, most_steps - 1);
      one.step = static_cast<std::uint32_t>(step);
      each_number(one, [&](double& value) { value = from.real(); });
      all.push_back(one);
    }
    made.entries_ += all.size();
  }
  return made;
}

}  // namespace strata::cli::capture
