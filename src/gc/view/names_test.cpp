#include "gc/view/names.hpp"

#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "base/config.hpp"
#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct node {
  ref<node> left, right;
  long key = 0;
};
struct nested {
  int before;
  node inside;
  std::array<ref<node>, 2> two;
  std::array<node, 2> nodes;
  std::pair<int, ref<node>> last;
};
class closed {
 public:
  explicit closed(int k) noexcept : key_(k) {}
  int key() const { return key_; }
  ref<node> open;
  std::array<ref<node>, 3> more;

 private:
  int key_;
};
}  // namespace
template <>
struct fields<closed> : list<&closed::open, &closed::more> {};
namespace {

// Whether this compiler can name members of aggregates.
constexpr bool knows_members = !detail::member_name<node, 0>().empty();

template <class T>
std::string field_of(std::size_t offset) {
  return field_name(type_of<T>, offset);
}

TEST(GcNames, TypesAreCalledAsTheCompilerSpellsThem) {
  std::string row = name_of(type_of<array<ref<int>>>);
  EXPECT_TRUE(row == "gc::array<gc::ref<int> >" || row == "gc::array<gc::ref<int>>") << row;
  std::string name = name_of(type_of<node>);
  EXPECT_EQ("::node", name.substr(name.size() - 6)) << name;
  EXPECT_EQ("double[3]", name_of(type{.name = "double[3]"}));
  EXPECT_EQ("", name_of(type{.name = ""}));
}

TEST(GcNames, MembersOfAggregates) {
  if (!knows_members) {
    EXPECT_EQ("+0", field_of<node>(0));
    EXPECT_EQ("+8", field_of<node>(8));
    return;
  }
  EXPECT_EQ("left", field_of<node>(0));
  EXPECT_EQ("right", field_of<node>(8));
  EXPECT_EQ("inside.left", field_of<nested>(offsetof(nested, inside)));
  EXPECT_EQ("inside.right", field_of<nested>(offsetof(nested, inside) + 8));
  EXPECT_EQ("two[1]", field_of<nested>(offsetof(nested, two) + 8));
  EXPECT_EQ("nodes[1].right", field_of<nested>(offsetof(nested, nodes) + sizeof(node) + 8));
  EXPECT_EQ("last.second", field_of<nested>(offsetof(nested, last) + 8));
}

TEST(GcNames, MembersThatAreListed) {
  EXPECT_EQ("open", field_of<closed>(0));
  EXPECT_EQ("more[2]", field_of<closed>(8 + 16));
}

TEST(GcNames, ElementsOfArrays) {
  EXPECT_EQ("[17]", field_of<array<ref<node>>>(8 + 17 * 8));
  EXPECT_EQ(knows_members ? "[2].right" : "[2]+8", field_of<array<node>>(8 + 2 * sizeof(node) + 8));
  EXPECT_EQ("[2].more[1]", field_of<array<closed>>(8 + 2 * sizeof(closed) + 16));
}

TEST(GcNames, TypesWithoutNamesTellOffsets) {
  type made{.bytes = 16, .kind = shape::masked, .mask = 2, .name = "pair"};
  EXPECT_EQ("+8", field_name(made, 8));
}

}  // namespace
}  // namespace strata::gc
