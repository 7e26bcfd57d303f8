// The table of calls on stacks (wire/area.hpp): open addressing in the shared area, by all processes and threads of
// a recording at once. Nodes are never removed.
//
// Each page of memory that is touched for the first time costs as much as dozens of look-ups, once for the program and
// once for the command. So a node is looked for near its caller:
//
//   page of its caller  -->  one of the four pages that follow that one  -->  one of the four that follow this ...
//
// with a few probes each, as the hash says. A page fills up before others are begun, and the calls of a stack lie
// together. Which pages follow one is as good as random, so that a table that is nearly full is searched like any
// other with open addressing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "os/process.hpp"
#include "wire/area.hpp"

namespace strata::observe {

// Where a node may be, in the order in which they are asked.
class node_places {
 public:
  static constexpr std::size_t page_nodes = 256;
  static constexpr std::size_t pages = wire::most_nodes / page_nodes;
  static constexpr std::size_t probes_each = 8;
  static constexpr std::size_t most_probes = 256;

  node_places(std::uint32_t caller, std::uint64_t address)
      : page_(caller / page_nodes),
        hash_(base::mixed(address ^ std::uint64_t{caller} << 44)),
        in_page_(hash_) {}

  [[nodiscard]] bool is_over() const { return probe_ == most_probes; }
  [[nodiscard]] std::size_t at() const {
    return page_ * page_nodes + (in_page_ + probe_) % page_nodes;
  }
  void next() {
    if (++probe_ % probes_each != 0) return;
    hash_ = base::mixed(hash_ + probe_);
    page_ = base::mixed(page_ * 4 + hash_ % 4) % pages;
    in_page_ = hash_ / 4;
  }

 private:
  std::size_t page_;
  std::uint64_t hash_;
  std::size_t in_page_;
  std::size_t probe_ = 0;
};
static_assert(sizeof(wire::stack_node) * node_places::page_nodes == 4096);

// Whether the node, which has the address, has this caller. Who writes it may have been stopped for good, or be what
// this has interrupted: then it is not waited for, and the call has two nodes.
inline bool is_called_by(const wire::stack_node& node, std::uint32_t caller) {
  constexpr int patience = 10000;
  for (int turns = 0; turns < patience; ++turns) {
    const std::uint32_t known = node.caller.load(std::memory_order_relaxed);
    if (known != 0) return known == caller + 1;
    os::relax();
  }
  return false;
}

// The node of the call, which is not 0. 0: the table is full.
inline std::uint32_t number_of_node(wire::stack_node* nodes, std::uint32_t caller,
                                    std::uint64_t address) {
  for (node_places place(caller, address); !place.is_over(); place.next()) {
    const std::size_t at = place.at();
    if (at == 0) continue;
    wire::stack_node& node = nodes[at];
    std::uint64_t there = node.address.load(std::memory_order_relaxed);
    if (there == 0 &&
        node.address.compare_exchange_strong(there, address, std::memory_order_relaxed)) {
      node.caller.store(caller + 1, std::memory_order_release);
      return static_cast<std::uint32_t>(at);
    }
    if (there == address && is_called_by(node, caller)) return static_cast<std::uint32_t>(at);
  }
  return 0;
}

}  // namespace strata::observe
