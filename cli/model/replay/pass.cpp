#include "cli/model/replay/pass.hpp"

#include "cli/model/process.hpp"

namespace strata::cli::replay {

pass::pass(policy& of, const pass_request& request)
    : of_(of), request_(request), step_(request.operations / most_moments + 1), next_(step_) {}

bool pass::run(std::span<const operation> operations) {
  const std::uint64_t start_ns = now_ns();
  const std::size_t done =
      request_.kind == pass_kind::times ? of_.run(operations) : measure(operations);
  figures_.nanoseconds += now_ns() - start_ns;
  if (request_.kind == pass_kind::times) figures_.operations += done;
  if (done < operations.size())
    figures_.how = outcome::refused;
  else if (figures_.nanoseconds > request_.limit_ns)
    figures_.how = outcome::too_slow;
  return figures_.how == outcome::done;
}

std::size_t pass::measure(std::span<const operation> operations) {
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (of_.run(operations.subspan(i, 1)) == 0) return i;
    ++figures_.operations;
    if (request_.kind == pass_kind::trims) {
      if (figures_.operations < next_) continue;
      of_.trim();
    }
    note();
  }
  return operations.size();
}

void pass::note() {
  const moment here{figures_.operations, of_.now()};
  if (here.at.footprint > figures_.peak.at.footprint) figures_.peak = here;
  figures_.end = here;
  if (figures_.operations < next_ || figures_.moments == most_moments) return;
  figures_.curve[figures_.moments++] = here;
  next_ += step_;
}

const pass_figures& pass::finish() {
  figures_.resets = of_.resets();
  return figures_;
}

}  // namespace strata::cli::replay
