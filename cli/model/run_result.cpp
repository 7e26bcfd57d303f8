#include "cli/model/run_result.hpp"

#include <algorithm>

namespace strata::cli {

std::vector<resident_part> resident_parts(const strata_stats& stats) {
  std::vector<resident_part> parts = {
      {"live", stats.live_bytes, "asked for by the program and not freed"},
      {"rounding", stats.rounding_bytes, "blocks are larger than what was asked for"},
      {"free slots", stats.free_slot_bytes, "gaps between live blocks"},
      {"caches", stats.cached_bytes, "freed blocks kept ready for threads"},
      {"retained", stats.retained_bytes, "free pages, not yet given back"},
      {"metadata", stats.metadata_bytes, "the allocator's own tables"},
  };
  std::uint64_t sum = 0;
  for (const resident_part& part : parts) sum += part.bytes;
  const std::uint64_t rest = stats.resident_bytes - std::min(sum, stats.resident_bytes);
  parts.push_back({"otherwise", rest, "code, stacks, files mapped, other memory"});
  return parts;
}

tree_totals totals_of(const process_tree& tree) {
  tree_totals totals;
  for (const strata_stats& stats : tree.processes) {
    totals.allocations += stats.allocations;
    totals.frees += stats.frees;
    totals.peak_live_bytes = std::max(totals.peak_live_bytes, stats.peak_live_bytes);
    totals.peak_resident_bytes = std::max(totals.peak_resident_bytes, stats.peak_resident_bytes);
  }
  return totals;
}

}  // namespace strata::cli
