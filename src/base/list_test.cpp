#include "base/list.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace strata::base {
namespace {

struct red;
struct blue;
struct item : list_node<red>, list_node<blue> {
  int value = 0;
};
using red_list = list<item, red>;
using blue_list = list<item, blue>;

template <typename List>
std::vector<int> values(const List& of) {
  std::vector<int> seen;
  for (item* one = of.front(); one != nullptr; one = of.after(one)) seen.push_back(one->value);
  return seen;
}

class List : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 4; ++i) items_[i].value = i;
  }
  item items_[4];
  red_list reds_;
  blue_list blues_;
};

TEST_F(List, StartsEmpty) {
  EXPECT_TRUE(reds_.empty());
  EXPECT_EQ(reds_.front(), nullptr);
  EXPECT_FALSE(static_cast<list_node<red>&>(items_[0]).linked());
}

TEST_F(List, KeepsTheOrderOfPushes) {
  reds_.push_back(&items_[1]);
  reds_.push_back(&items_[2]);
  reds_.push_front(&items_[0]);
  EXPECT_EQ(values(reds_), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(reds_.front(), &items_[0]);
  EXPECT_EQ(reds_.after(&items_[2]), nullptr);
}

TEST_F(List, RemovesAtBothEndsAndInside) {
  for (item& one : items_) reds_.push_back(&one);
  red_list::remove(&items_[1]);
  EXPECT_EQ(values(reds_), (std::vector<int>{0, 2, 3}));
  red_list::remove(&items_[3]);
  red_list::remove(&items_[0]);
  EXPECT_EQ(values(reds_), (std::vector<int>{2}));
  red_list::remove(&items_[2]);
  EXPECT_TRUE(reds_.empty());
}

TEST(ListOfZeros, IsEmptyAndTakesElements) {
  alignas(red_list) unsigned char memory[sizeof(red_list)] = {};
  auto& zeros = *reinterpret_cast<red_list*>(memory);
  EXPECT_TRUE(zeros.empty());
  EXPECT_EQ(zeros.front(), nullptr);
  item one;
  zeros.push_back(&one);
  EXPECT_EQ(zeros.front(), &one);
  EXPECT_EQ(zeros.after(&one), nullptr);
  red_list::remove(&one);
  EXPECT_TRUE(zeros.empty());
}

TEST_F(List, UnlinkingTwiceIsHarmless) {
  reds_.push_back(&items_[0]);
  reds_.push_back(&items_[1]);
  red_list::remove(&items_[0]);
  red_list::remove(&items_[0]);
  EXPECT_EQ(values(reds_), (std::vector<int>{1}));
}

TEST_F(List, AnItemMayBeInTwoLists) {
  for (item& one : items_) reds_.push_back(&one);
  for (item& one : items_) blues_.push_front(&one);
  red_list::remove(&items_[2]);
  EXPECT_EQ(values(reds_), (std::vector<int>{0, 1, 3}));
  EXPECT_EQ(values(blues_), (std::vector<int>{3, 2, 1, 0}));
}

}  // namespace
}  // namespace strata::base
