#include "observe/stack_nodes.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <vector>

namespace strata::observe {
namespace {

using table = std::unique_ptr<wire::stack_node[]>;
table empty_table() { return std::make_unique<wire::stack_node[]>(wire::most_nodes); }

struct call {
  std::uint32_t caller;
  std::uint64_t address;
  std::uint32_t number;
};

// Calls of one another, as a program's stacks grow.
std::vector<call> grow(wire::stack_node* nodes, std::size_t count) {
  std::mt19937_64 random(7);
  std::vector<call> made = {{0, 0x1000, number_of_node(nodes, 0, 0x1000)}};
  while (made.size() < count) {
    const std::uint32_t caller = made[random() % made.size()].number;
    const std::uint64_t address = 0x400000 + random() % 1'000'000'000;
    made.push_back({caller, address, number_of_node(nodes, caller, address)});
  }
  return made;
}

TEST(StackNodes, HaveOneNumberEach) {
  const table nodes = empty_table();
  const std::vector<call> made = grow(nodes.get(), 50'000);
  std::set<std::uint32_t> numbers;
  for (const call& one : made) {
    numbers.insert(one.number);
    ASSERT_EQ(number_of_node(nodes.get(), one.caller, one.address), one.number);
    ASSERT_EQ(nodes[one.number].address.load(), one.address);
    ASSERT_EQ(nodes[one.number].caller.load(), one.caller + 1);
  }
  EXPECT_EQ(numbers.size(), made.size());
  EXPECT_EQ(numbers.count(0), 0);
}

TEST(StackNodes, OfOneAddressAreToldApartByTheirCallers) {
  const table nodes = empty_table();
  EXPECT_NE(number_of_node(nodes.get(), 1, 0x5000), number_of_node(nodes.get(), 2, 0x5000));
}

TEST(StackNodes, ShareFewPages) {
  const table nodes = empty_table();
  for (const std::size_t count : {100, 5'000, 50'000}) {
    std::set<std::size_t> pages;
    for (const call& one : grow(nodes.get(), count)) {
      pages.insert(one.number / node_places::page_nodes);
    }
    EXPECT_LE(pages.size(), 1 + 4 * count / node_places::page_nodes) << count;
  }
}

TEST(StackNodes, OfOneCallerFillTheTable) {
  const table nodes = empty_table();
  std::uint64_t address = 0x1000;
  while (number_of_node(nodes.get(), 0, address) != 0) ++address;
  EXPECT_GT(address, wire::most_nodes / 2);
  EXPECT_NE(number_of_node(nodes.get(), 0, address - 1), 0);
}

}  // namespace
}  // namespace strata::observe
