// The malloc of this process, with an arena and a pool beside it for the blocks that advice sends there.
#pragma once

#include <strata/bump.hpp>
#include <strata/pools.hpp>

#include "cli/model/replay/malloc_policy.hpp"
#include "cli/model/replay/resource_policy.hpp"

namespace strata::cli::replay {

class routed_policy final : public policy {
 public:
  explicit routed_policy(pass_kind kind) : heap_(kind) {}

  std::size_t run(std::span<const operation> operations) override {
    for (std::size_t from = 0; from < operations.size();) {
      const route to = operations[from].to;
      std::size_t end = from + 1;
      while (end < operations.size() && operations[end].to == to) ++end;
      if (to == route::pool) pool_is_used_ = true;
      const std::size_t done = of(to).run(operations.subspan(from, end - from));
      if (done < end - from) return from + done;
      from = end;
    }
    return operations.size();
  }
  usage now() override {
    usage sum = heap_.now();
    add(arena_.now(), sum);
    if (pool_is_used_) add(pool_.now(), sum);  // its figures take a while
    return sum;
  }
  void trim() override { heap_.trim(); }
  std::uint64_t resets() const override { return arena_.resets(); }

 private:
  static void add(const usage& one, usage& to) {
    to.asked += one.asked;
    to.granted += one.granted;
    to.footprint += one.footprint;
  }
  policy& of(route to) {
    if (to == route::arena) return arena_;
    if (to == route::pool) return pool_;
    return heap_;
  }

  malloc_policy heap_;
  resource_policy<bump, type_alignment> arena_;
  resource_policy<pools, type_alignment> pool_;
  bool pool_is_used_ = false;
};

}  // namespace strata::cli::replay
