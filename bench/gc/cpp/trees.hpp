// Binary trees, as gcbench.hpp and binary_trees.hpp make them: an operation is the making of some thousand
// nodes, be they a part of a large tree or several small ones.
#pragma once

#include <algorithm>

#include "bench.hpp"

namespace bench {

inline constexpr int operation_depth = 9;

constexpr std::int64_t nodes_of(int depth) { return (std::int64_t{2} << depth) - 1; }
// How many trees of this depth are one operation.
constexpr std::int64_t trees_at_once(int depth) {
  return std::int64_t{1} << std::max(operation_depth - depth, 0);
}

// Node: an aggregate that begins with the references left and right.
template <class Memory, class Node>
struct trees {
  using mutator = typename Memory::mutator;
  using local = typename Memory::template local<Node>;
  using result = typename Memory::template result<Node>;

  // From the leaves up; children are there before their parent.
  static result bottom_up(mutator& self, int depth) {
    if (depth <= 0) return self.template make<Node>();
    local left = bottom_up(self, depth - 1);
    local right = bottom_up(self, depth - 1);
    return self.template make<Node>(left, right);
  }
  // The same, measured, for trees deeper than an operation.
  static result bottom_up(mutator& self, int depth, histogram& operations) {
    if (depth > operation_depth) {
      local left = bottom_up(self, depth - 1, operations);
      local right = bottom_up(self, depth - 1, operations);
      return self.template make<Node>(left, right);
    }
    stopwatch watch(operations);
    local tree = bottom_up(self, depth);
    watch.lap();
    return tree;
  }

  static std::int64_t count(const Node* tree) {
    if (tree->left.get() == nullptr) return 1;
    return 1 + count(tree->left.get()) + count(tree->right.get());
  }
  // Along its left edge.
  static std::int64_t depth_of(const Node* tree) {
    std::int64_t depth = 0;
    for (; tree->left.get() != nullptr; tree = tree->left.get()) ++depth;
    return depth;
  }

  static void drop(mutator& self, Node* tree) {
    if constexpr (Memory::by_hand) {
      if (tree == nullptr) return;
      drop(self, tree->left.get());
      drop(self, tree->right.get());
      self.release(tree);
    }
  }
};

}  // namespace bench
