#include "cli/model/capture/modules.hpp"

#include <iterator>

namespace strata::cli::capture {

void module_table::add(const mapping& one) {
  ranges_[one.process][one.start] = {one.start, one.end(), one.offset,
                                     index_of(one.path, one.build_id)};
}

std::size_t module_table::index_of(const std::string& path, const std::string& build_id) {
  const auto [at, is_new] = known_.try_emplace({path, build_id}, modules_.size());
  if (is_new) modules_.push_back({path, build_id});
  return at->second;
}

const code_range* module_table::range_of(std::uint32_t process, std::uint64_t address) const {
  const auto ranges = ranges_.find(process);
  if (ranges == ranges_.end()) return nullptr;
  auto above = ranges->second.upper_bound(address);
  if (above == ranges->second.begin()) return nullptr;
  const code_range& below = std::prev(above)->second;
  return address < below.end ? &below : nullptr;
}

bool module_table::find(std::uint32_t process, std::uint64_t address, code_place& into) const {
  const code_range* range = range_of(process, address);
  if (range == nullptr) return false;
  into = {range->module, address - range->start + range->offset};
  return true;
}

}  // namespace strata::cli::capture
