#include "base/ordered_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <vector>

namespace strata::base {
namespace {

struct entry : tree_node<entry> {
  std::uintptr_t at = 0;
  [[nodiscard]] std::uintptr_t key() const { return at; }
};

// The tree beside a std::set that has seen the same changes.
class OrderedTree : public testing::Test {
 protected:
  void insert(std::uintptr_t key) {
    auto added = std::make_unique<entry>();
    added->at = key;
    tree_.insert(added.get());
    model_.insert(key);
    entries_.push_back(std::move(added));
  }

  void remove(std::size_t index) {
    std::swap(entries_[index], entries_.back());
    tree_.remove(entries_.back().get());
    model_.erase(entries_.back()->at);
    entries_.pop_back();
  }

  void expect_same_around(std::uintptr_t key) const {
    auto above = model_.upper_bound(key);
    const entry* found_above = tree_.above(key);
    ASSERT_EQ(found_above != nullptr, above != model_.end());
    if (found_above != nullptr) {
      ASSERT_EQ(found_above->at, *above);
    }
    const entry* found_below = tree_.at_or_below(key);
    ASSERT_EQ(found_below != nullptr, above != model_.begin());
    if (found_below != nullptr) {
      ASSERT_EQ(found_below->at, *std::prev(above));
    }
  }

  ordered_tree<entry> tree_;
  std::set<std::uintptr_t> model_;
  std::vector<std::unique_ptr<entry>> entries_;
  std::mt19937_64 random_{11};
};

TEST_F(OrderedTree, AnEmptyOneFindsNothing) {
  EXPECT_EQ(tree_.at_or_below(UINTPTR_MAX), nullptr);
  EXPECT_EQ(tree_.above(0), nullptr);
}

TEST_F(OrderedTree, RandomOperationsAgreeWithASet) {
  for (int round = 0; round < 50'000; ++round) {
    std::uintptr_t key = random_() % 4096 * 4096;
    bool grow = entries_.size() < 10 || random_() % 1000 < (round % 10'000 < 5000 ? 600 : 400);
    if (grow && model_.count(key) == 0)
      insert(key);
    else if (!entries_.empty())
      remove(random_() % entries_.size());
    ASSERT_NO_FATAL_FAILURE(expect_same_around(random_() % (4100 * 4096)));
  }
}

TEST_F(OrderedTree, WalksInOrder) {
  for (int i = 0; i < 500; ++i) {
    std::uintptr_t key = 1 + random_() % 1'000'000;
    if (model_.count(key) == 0) insert(key);
  }
  std::vector<std::uintptr_t> seen;
  for (const entry* at = tree_.above(0); at != nullptr; at = tree_.above(at->at))
    seen.push_back(at->at);
  EXPECT_EQ(seen, std::vector<std::uintptr_t>(model_.begin(), model_.end()));
}

int depth(const entry* from) {
  return from == nullptr ? 0 : 1 + std::max(depth(from->left), depth(from->right));
}

// Keys in order are what a plain search tree degenerates on.
TEST_F(OrderedTree, StaysShallowWithSortedKeys) {
  for (std::uintptr_t key = 1; key <= 4096; ++key) insert(key << 21);
  const entry* root = nullptr;  // the only entry that is nobody's child
  std::set<const entry*> children;
  for (const auto& one : entries_) children.insert({one->left, one->right});
  for (const auto& one : entries_) {
    if (children.count(one.get()) == 0) root = one.get();
  }
  ASSERT_NE(root, nullptr);
  EXPECT_LT(depth(root), 60);  // 12 would be perfect
}

}  // namespace
}  // namespace strata::base
