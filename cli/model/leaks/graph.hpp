// Of lost blocks, which ones are lost because nobody points to them, and which ones because of others?
//
//   definite     nobody points to it; or only blocks do that it leads to itself, and of such a knot it is the
//                block that was allocated first
//   indirect     some other lost block leads to it: freeing that one properly would free it, too
//   suppressed   its stack is one that the user does not want to hear of, or such a block leads to it
//
//        a --> b --> c          a definite; b, c indirect
//        d <-> e --> f          d definite, as the older one; e, f indirect; d and e are a knot
//
// Knots are the strongly connected components of the graph, by Tarjan's algorithm (1972).
#pragma once

#include <cstdint>
#include <vector>

#include "cli/model/leaks/search.hpp"

namespace strata::cli::leaks {

enum class loss : std::uint8_t { definite, indirect, suppressed };

struct judgement {
  std::vector<loss> kinds;  // of each block
  std::vector<std::vector<std::uint32_t>>
      knots;  // of more than one block, or of one that points to itself
};

// is_suppressed: of each block, by its stack alone.
judgement judge(const lost_graph& of, const std::vector<bool>& is_suppressed);

// The strongly connected components of a graph whose nodes are 0 .. count - 1: of each node the number of its
// component, so that a component's number is larger than those that it leads to.
struct components {
  std::vector<std::uint32_t> of;
  std::uint32_t count = 0;
};
// targets: where the node's edges lead to, from first[node] to first[node + 1].
components strongly_connected(const std::vector<std::uint32_t>& first,
                              const std::vector<std::uint32_t>& targets);

}  // namespace strata::cli::leaks
