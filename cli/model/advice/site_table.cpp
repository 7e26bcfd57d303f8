#include "cli/model/advice/site_table.hpp"

#include <map>

namespace strata::cli::advice {

site_table::site_table(const capture::view& of) {
  std::map<capture::call_site, std::uint32_t> known;
  of.each_stack([&](std::uint32_t node, const capture::stack_figures& /*figures*/) {
    const auto [at, is_new] =
        known.try_emplace(of.heap_of(node) != 0 ? of.calls_at(node).front() : of.site(node),
                          static_cast<std::uint32_t>(sites.size()));
    if (is_new) {
      sites.push_back(at->first);
      are_heaps.push_back(of.heap_of(node) != 0);
    }
    if (node >= of_node.size()) of_node.resize(node + std::size_t{1});
    of_node[node] = at->second;
  });
}

}  // namespace strata::cli::advice
