// One replay of a trace against one policy, and what comes of it. There are three kinds: one looks at the
// policy after each operation; one makes it give back what it can before each moment of the curve; one does
// nothing but to take the time.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "cli/model/replay/policy.hpp"

namespace strata::cli::replay {

enum class pass_kind : std::uint32_t { measures, trims, times };
enum class outcome : std::uint32_t {
  done,
  refused,   // the policy had no memory for an operation
  too_slow,  // the limit of time was over
  died       // the process that it ran in
};

struct moment {
  std::uint64_t operation = 0;  // after so many
  usage at;
};

inline constexpr std::size_t most_moments = 512;

// Plain, as helpers send it.
struct pass_figures {
  outcome how = outcome::done;
  std::uint32_t moments = 0;
  std::uint64_t operations = 0;  // done
  std::uint64_t nanoseconds = 0;
  std::uint64_t resets = 0;
  moment peak;  // the first with the largest footprint
  moment end;
  std::array<moment, most_moments> curve{};  // evenly over the operations
};

struct pass_request {
  pass_kind kind = pass_kind::measures;
  std::uint64_t operations = 0;  // of the trace
  std::uint64_t limit_ns = 0;
};

class pass {
 public:
  pass(policy& of, const pass_request& request);

  // The next operations. False: it is over.
  bool run(std::span<const operation> operations);
  const pass_figures& finish();

 private:
  std::size_t measure(std::span<const operation> operations);
  void note();

  policy& of_;
  pass_request request_;
  pass_figures figures_;
  std::uint64_t step_;  // of the curve, in operations
  std::uint64_t next_ = 0;
};

}  // namespace strata::cli::replay
