#include "cli/model/leaks/types.hpp"

#include <gtest/gtest.h>

namespace strata::cli::leaks {
namespace {

TEST(LeakTypes, MakeSharedHasItsObjectBehindTheCounts) {
  const block_type made = type_of_symbol(
      "vtable for std::_Sp_counted_ptr_inplace<tree::node<int, a::b>, std::allocator<void>, "
      "(__gnu_cxx::_Lock_policy)2>");
  EXPECT_EQ(made.kind, block_kind::counted);
  EXPECT_EQ(made.type, "tree::node<int, a::b>");
  EXPECT_EQ(made.object_offset, 16u);
}

TEST(LeakTypes, ControlBlocksPointToTheirObjects) {
  const block_type made =
      type_of_symbol("vtable for std::_Sp_counted_ptr<node*, (__gnu_cxx::_Lock_policy)2>");
  EXPECT_EQ(made.kind, block_kind::control);
  EXPECT_EQ(made.type, "node");
  const block_type other = type_of_symbol(
      "vtable for std::_Sp_counted_deleter<node*, std::default_delete<node>, std::allocator<void>, "
      "(__gnu_cxx::_Lock_policy)2>");
  EXPECT_EQ(other.kind, block_kind::control);
  EXPECT_EQ(other.type, "node");
}

TEST(LeakTypes, StratasOwnBlocks) {
  const block_type made = type_of_symbol(
      "strata::detail::ownership_fast::counted_block<node, strata::local_counting, "
      "strata::ownership_fast::heap_memory>::ops");
  EXPECT_EQ(made.kind, block_kind::counted);
  EXPECT_EQ(made.type, "node");
}

TEST(LeakTypes, OthersAreWhatTheirVtableSays) {
  EXPECT_EQ(type_of_symbol("vtable for shape").type, "shape");
  EXPECT_EQ(type_of_symbol("main").type, "");
  EXPECT_EQ(type_of_symbol("").type, "");
}

TEST(LeakTypes, HowFieldsHold) {
  EXPECT_EQ(hold_of("std::shared_ptr<node>"), hold::owner);
  EXPECT_EQ(hold_of("strata::ownership_fast::counted_ptr<node, strata::local_counting>"),
            hold::owner);
  EXPECT_EQ(hold_of("std::weak_ptr<node>"), hold::weak);
  EXPECT_EQ(hold_of("std::enable_shared_from_this<node>"), hold::weak);
  EXPECT_EQ(hold_of("node*"), hold::pointer);
  EXPECT_EQ(hold_of("std::vector<std::shared_ptr<node>, std::allocator<std::shared_ptr<node> > >"),
            hold::container);
  EXPECT_EQ(
      hold_of("std::vector<strata::ownership_fast::counted_ptr<node, strata::local_counting> >"),
      hold::container);
  EXPECT_EQ(hold_of("links"), hold::other);
}

}  // namespace
}  // namespace strata::cli::leaks
