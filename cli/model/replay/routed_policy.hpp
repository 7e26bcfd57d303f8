// The malloc of this process, with an arena and a pool beside it for the blocks that advice sends there.
//
// Of these two pages count that were touched, not regions as a whole: of what is saved, regions that were just
// begun would be a large part. The pages are looked up when a 64th of what is held, at least 64 KiB, came or
// went, and after each 256th operation.
#pragma once

#include <strata/bump.hpp>
#include <strata/pools.hpp>

#include <algorithm>

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
      if (to != route::heap) part_is_used_ = true;
      const std::size_t done = of(to).run(operations.subspan(from, end - from));
      if (done < end - from) return from + done;
      from = end;
    }
    return operations.size();
  }
  usage now() override {
    usage sum = heap_.now();
    if (part_is_used_) add(part_now(), sum);
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

  // Arena and pool.
  const usage& part_now() {
    const std::uint64_t asked = arena_.asked_bytes() + pool_.asked_bytes();
    const std::uint64_t more = asked > part_.asked ? asked - part_.asked : part_.asked - asked;
    if (more < std::max(look_bytes, part_.footprint / 64) && ++since_look_ < look_operations)
      return part_;
    since_look_ = 0;
    part_ = {};
    add(arena_.now(), part_);
    add(pool_.now(), part_);
    part_.footprint = arena_.touched_bytes() + pool_.touched_bytes();
    return part_;
  }

  static constexpr std::uint64_t look_bytes = std::uint64_t{64} << 10;
  static constexpr std::uint64_t look_operations = 256;

  malloc_policy heap_;
  resource_policy<bump, type_alignment> arena_;
  resource_policy<pools, type_alignment> pool_;
  bool part_is_used_ = false;
  usage part_;  // when it was looked at last
  std::uint64_t since_look_ = 0;
};

}  // namespace strata::cli::replay
