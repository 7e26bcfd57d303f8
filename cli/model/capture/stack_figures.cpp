#include "cli/model/capture/stack_figures.hpp"

namespace strata::cli::capture {
namespace {

// What is written of the figures, in the order in which the file has it.
template <typename Figures, typename Visit>
void each_number(Figures& of, Visit visit) {
  for (auto* one : {&of.live, &of.at_peak, &of.total}) {
    visit(one->blocks);
    visit(one->bytes);
  }
  visit(of.temporary);
  visit(of.resized);
  visit(of.gone_less_come_ms);
  for (auto& one : of.lived) visit(one);
}

}  // namespace

std::size_t lifetime_class(std::uint64_t ms) {
  std::size_t at = 0;
  while (at < lifetime_limits_ms.size() && ms >= lifetime_limits_ms[at]) ++at;
  return at;
}

stack_figures& stack_figures::operator+=(const stack_figures& other) {
  live += other.live;
  at_peak += other.at_peak;
  at_moment += other.at_moment;
  total += other.total;
  temporary += other.temporary;
  resized += other.resized;
  gone_less_come_ms += other.gone_less_come_ms;
  for (std::size_t i = 0; i < lived.size(); ++i) lived[i] += other.lived[i];
  return *this;
}

void put(byte_writer& to, const stack_figures& of) {
  each_number(of, [&](double one) { to.real(one); });
}

stack_figures get_figures(byte_reader& from) {
  stack_figures made;
  each_number(made, [&](double& one) { one = from.real(); });
  return made;
}

}  // namespace strata::cli::capture
