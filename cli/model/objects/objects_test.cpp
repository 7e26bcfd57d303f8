#include "cli/model/objects/objects.hpp"

#include <gtest/gtest.h>

namespace strata::cli::objects {
namespace {

std::string argument_of(const std::string& function) {
  bool is_one = false;
  const std::string type = type_argument(function, is_one);
  return type.empty() ? "" : (is_one ? "one " : "some ") + type;
}

TEST(TypeArgument, IsThatOfWhatAllocates) {
  EXPECT_EQ(argument_of("std::__new_allocator<std::_List_node<item> >::allocate(unsigned long, "
                        "void const*)"),
            "some std::_List_node<item> ");
  EXPECT_EQ(argument_of("std::__1::allocator<item>::allocate(unsigned long)"), "some item");
  EXPECT_EQ(argument_of("std::__detail::_MakeUniq<item>::__single_object "
                        "std::make_unique<item, int>(int&&)"),
            "one item");
  EXPECT_EQ(argument_of("std::vector<item, std::allocator<item> >::push_back(item&&)"), "");
  EXPECT_EQ(argument_of("pool<item>::allocate(unsigned long)"), "");
  EXPECT_EQ(argument_of("load(std::allocator<item>&)"), "");
}

TEST(TypeInLine, IsTheOneThatIsAllocated) {
  EXPECT_EQ(type_in_line("  item* p = new item(4);"), "item");
  EXPECT_EQ(type_in_line("  return new net::box<item, 3>{};"), "net::box<item, 3>");
  EXPECT_EQ(type_in_line("auto p = new (std::nothrow) item;  // a new one"), "item");
  EXPECT_EQ(type_in_line("struct item* p = malloc(sizeof(struct item));"), "struct item");
}

TEST(TypeInLine, IsNotGuessed) {
  EXPECT_EQ(type_in_line("keep(new item, new node);"), "");
  EXPECT_EQ(type_in_line("item* p = malloc(sizeof *p);"), "");
  EXPECT_EQ(type_in_line("auto p = new item[count];"), "");
  EXPECT_EQ(type_in_line("auto p = new (where) item;"), "");
  EXPECT_EQ(type_in_line("auto p = new item*;"), "");
  EXPECT_EQ(type_in_line("int renewed = news(1);"), "");
}

}  // namespace
}  // namespace strata::cli::objects
