// binary-trees of the Computer Language Benchmarks Game, which simplified GCBench: many trees of each depth
// are made from the bottom up, counted node by node, and dropped; one stays.
//
// Stresses: allocation, and marking or copying of what is alive in the middle of a tree's making.
//
// SIZE: depth of the deepest tree. COUNT: how many of that depth; 16 in the game. Of each other depth there
// are as many nodes.
#pragma once

#include "trees.hpp"

namespace bench {

template <class Memory>
struct binary_node {
  typename Memory::template ref<binary_node> left, right;
};

template <class Memory>
class binary_trees {
  using mutator = typename Memory::mutator;
  using node = binary_node<Memory>;
  using local = typename Memory::template local<node>;
  using tree = trees<Memory, node>;

 public:
  binary_trees(typename Memory::heap&, mutator&, std::size_t size, std::size_t count)
      : depth_(static_cast<int>(size)), deepest_(static_cast<std::int64_t>(count)) {}

  std::uint64_t pass(mutator& self, histogram& operations) {
    checksum result;
    result.add(make_and_count(self, depth_ + 1, 1, operations));
    local lasting = tree::bottom_up(self, depth_, operations);
    for (int depth = least_depth; depth <= depth_; depth += 2) {
      std::int64_t wanted = deepest_ << (depth_ - depth);
      result.add(make_and_count(self, depth, wanted, operations));
    }
    result.add(tree::count(lasting.get()));
    tree::drop(self, lasting.get());
    return result.sum();
  }

  void drop(mutator&) {}

 private:
  static constexpr int least_depth = 4;

  std::int64_t make_and_count(mutator& self, int depth, std::int64_t wanted,
                              histogram& operations) {
    std::int64_t nodes = 0;
    for (std::int64_t at_once = trees_at_once(depth); wanted > 0; wanted -= at_once) {
      if (depth > operation_depth) {
        local root = tree::bottom_up(self, depth, operations);
        nodes += finish(self, root.get());
        continue;
      }
      stopwatch watch(operations);
      for (std::int64_t i = std::min(at_once, wanted); i > 0; --i) {
        local root = tree::bottom_up(self, depth);
        nodes += finish(self, root.get());
      }
      watch.lap();
    }
    return nodes;
  }
  static std::int64_t finish(mutator& self, node* root) {
    std::int64_t nodes = tree::count(root);
    tree::drop(self, root);
    return nodes;
  }

  int depth_;
  std::int64_t deepest_;
};

}  // namespace bench
