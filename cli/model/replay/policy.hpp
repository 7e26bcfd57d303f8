// A policy: an allocator that a trace is replayed against.
//
//   footprint  | head | tag | block | free | tag | block .| .......... |   taken from the system
//   granted                  -------          -----------                  bound to live blocks, tags too
//   asked                    -----            --------                     what the program asked for
//
//   internal fragmentation = granted - asked          external fragmentation = footprint - granted
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cli/model/replay/operation.hpp"
#include "cli/model/replay/trace.hpp"

namespace strata::cli::replay {

struct usage {
  std::uint64_t asked = 0;
  std::uint64_t granted = 0;
  std::uint64_t footprint = 0;
};

// Recordings don't tell alignments. malloc must serve any type; resources for a part of a program serve
// types that are known, and nearly all are content with less.
inline constexpr std::size_t malloc_alignment = 16;
inline constexpr std::size_t type_alignment = 8;

class policy {
 public:
  policy() = default;
  policy(const policy&) = delete;
  policy& operator=(const policy&) = delete;
  virtual ~policy() = default;

  // Does the operations in their order; returns how many: fewer when memory was refused.
  virtual std::size_t run(std::span<const operation> operations) = 0;
  virtual usage now() = 0;
  // Gives back what it can.
  virtual void trim() {}
  // Times that everything was free and the policy could start anew.
  virtual std::uint64_t resets() const { return 0; }
};

// Where the policy's code runs.
enum class seat { here, under_strata, under_libc };

struct policy_kind {
  const char* name;
  const char* summary;
  seat where = seat::here;
  std::unique_ptr<policy> (*make)(const trace_facts& of) = nullptr;  // null: not here
};

// All there are, in the order in which they are shown.
std::span<const policy_kind> all_policies();
// Those of a list, as in "first-fit,tlsf" or "all"; empty: wrong names the word that is none.
std::vector<const policy_kind*> policies_of(const std::string& list, std::string& wrong);

// Policies of one heap take so much from the system at once: a 64th of what the trace needs, so that this
// hardly shows in the footprint.
std::size_t region_bytes_for(const trace_facts& of);

}  // namespace strata::cli::replay
