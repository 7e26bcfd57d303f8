#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "strata/gc.hpp"

namespace strata::gc {
namespace {

struct node {
  ref<node> next;
  int key;
};
struct leaf {
  double x;
  std::array<int, 3> more;
};
struct nested {
  int before;
  node inside;
  std::array<ref<leaf>, 2> two;
  std::pair<int, ref<node>> last;
};
struct wide {
  std::array<long, 100> plain;
  ref<node> far;
};
class closed {
 public:
  explicit closed(int k) noexcept : key_(k) {}
  [[nodiscard]] int key() const { return key_; }
  ref<node> open;

 private:
  int key_;
};
}  // namespace
template <>
struct fields<closed> : list<&closed::open> {};
namespace {

static_assert(detail::has_references<node>());
static_assert(!detail::has_references<leaf>());
static_assert(detail::has_references<nested>());
static_assert(detail::has_references<closed>());
static_assert(!detail::has_references<std::pair<int, double>>());
static_assert(!detail::has_references<int[4]>());
static_assert(detail::count_members<nested>() == 4);
static_assert(detail::count_members<leaf>() == 2);

template <class T>
std::uint64_t mask_of() {
  type made = type_of<T>;
  if (made.resolve != nullptr) made.resolve(made);
  return made.mask;
}

TEST(GcType, MapsNameTheWordsWithReferences) {
  EXPECT_EQ(0b1U, mask_of<node>());
  EXPECT_EQ(0b1011010U, mask_of<nested>());
  EXPECT_EQ(0b1U, mask_of<closed>());
  EXPECT_EQ(0U, mask_of<leaf>());
  EXPECT_EQ(shape::leaf, type_of<leaf>.kind);
  EXPECT_EQ(shape::leaf_array, type_of<array<leaf>>.kind);
  EXPECT_EQ(shape::ref_array, type_of<array<ref<leaf>>>.kind);
  EXPECT_EQ(0b1U, mask_of<array<node>>());
}

TEST(GcType, MapsOfLongTypesAreLists) {
  type made = type_of<wide>;
  made.resolve(made);
  ASSERT_EQ(shape::listed, made.kind);
  ASSERT_EQ(1U, made.offset_count);
  EXPECT_EQ(800U, made.offsets[0]);
}

}  // namespace
}  // namespace strata::gc
