// The malloc of this very process as a policy.
#pragma once

#include <strata/strata.h>

#include "cli/model/replay/mapped_array.hpp"
#include "cli/model/replay/pass.hpp"

namespace strata::cli::replay {

class malloc_policy final : public policy {
 public:
  explicit malloc_policy(pass_kind kind);

  std::size_t run(std::span<const operation> operations) override;
  // The footprint is looked up after each 256th operation, and when 64 KiB came or went: up to so much of
  // a peak may be missed.
  usage now() override;
  void trim() override;

 private:
  struct block {
    void* address;
    std::uint64_t bytes;
  };

  bool run(const operation& one);
  void note(const block& of, bool is_made);
  std::uint64_t taken() const;   // from the system, tables too
  std::uint64_t in_use() const;  // of that, tables too

  const pass_kind kind_;
  void (*strata_figures_)(strata_stats*) = nullptr;  // null: libc serves
  mapped_array<block> blocks_;
  std::uint64_t in_use_before_ = 0;
  usage now_;
  std::uint64_t asked_then_ = 0;  // when the footprint was looked up
  std::uint64_t since_then_ = 0;  // operations
};

}  // namespace strata::cli::replay
