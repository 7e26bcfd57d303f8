// An intrusive ordered set: a treap (Seidel and Aragon, 1996), kept balanced by pseudo-random
// priorities hashed from the keys. Elements derive from tree_node and have
// `std::uintptr_t key() const`; nothing is allocated. Expected O(log n) each.
//
//   in order of key, and no child has a higher priority than its parent
#pragma once

#include <cstddef>
#include <cstdint>

namespace strata::base {

template <typename T>
struct tree_node {
  T* left = nullptr;
  T* right = nullptr;
};

template <typename T>
class ordered_tree {
 public:
  void insert(T* added) {
    T** at = &root_;
    while (*at != nullptr && priority(*at) >= priority(added)) {
      at = added->key() < (*at)->key() ? &(*at)->left : &(*at)->right;
    }
    split(*at, added->key(), added->left, added->right);
    *at = added;
  }

  // element is in the tree.
  void remove(T* element) {
    T** at = &root_;
    while (*at != element) at = element->key() < (*at)->key() ? &(*at)->left : &(*at)->right;
    *at = merge(element->left, element->right);
    element->left = element->right = nullptr;
  }

  // The element with the largest key that is at most `key`; null when there is none.
  [[nodiscard]] T* at_or_below(std::uintptr_t key) const {
    T* best = nullptr;
    for (T* at = root_; at != nullptr;) {
      if (at->key() <= key) {
        best = at;
        at = at->right;
      } else {
        at = at->left;
      }
    }
    return best;
  }

  // The element with the smallest key above `key`; null when there is none.
  [[nodiscard]] T* above(std::uintptr_t key) const {
    T* best = nullptr;
    for (T* at = root_; at != nullptr;) {
      if (at->key() > key) {
        best = at;
        at = at->left;
      } else {
        at = at->right;
      }
    }
    return best;
  }

 private:
  static std::uint64_t priority(const T* element) {
    std::uint64_t hash = element->key() * 0x9E3779B97F4A7C15U;
    return hash ^ (hash >> 32);
  }

  // Elements below key go left, the others right.
  static void split(T* from, std::uintptr_t key, T*& left, T*& right) {
    T** left_end = &left;
    T** right_end = &right;
    while (from != nullptr) {
      if (from->key() < key) {
        *left_end = from;
        left_end = &from->right;
        from = from->right;
      } else {
        *right_end = from;
        right_end = &from->left;
        from = from->left;
      }
    }
    *left_end = *right_end = nullptr;
  }

  // Every key of left is below every key of right.
  static T* merge(T* left, T* right) {
    T* root = nullptr;
    T** at = &root;
    while (left != nullptr && right != nullptr) {
      if (priority(left) >= priority(right)) {
        *at = left;
        at = &left->right;
        left = left->right;
      } else {
        *at = right;
        at = &right->left;
        right = right->left;
      }
    }
    *at = left != nullptr ? left : right;
    return root;
  }

  T* root_ = nullptr;
};

}  // namespace strata::base
