#include "conservative/address_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace strata::conservative {
namespace {

struct entry {
  std::uintptr_t key = 0;
  std::uintptr_t value = 0;
};

// Beside a map: keys that come, go, and lie close to each other.
TEST(ConservativeAddressTable, IsAMap) {
  std::mt19937 random{3};
  address_table<entry> table;
  std::map<std::uintptr_t, std::uintptr_t> expected;
  for (int step = 0; step < 60000; ++step) {
    std::uintptr_t key = 16 * (1 + random() % 3000);
    entry* known = table.find(key);
    ASSERT_EQ(known != nullptr, expected.contains(key));
    if (known == nullptr) {
      ASSERT_TRUE(table.add({key, key + 1}));
      expected[key] = key + 1;
    } else if (random() % 2 == 0) {
      ASSERT_EQ(known->value, expected[key]);
      table.remove(known);
      expected.erase(key);
    }
    if (step % 20000 == 19999) {
      table.remove_if([](const entry& each) { return each.key % 48 == 0; });
      std::erase_if(expected, [](const auto& each) { return each.first % 48 == 0; });
    }
    ASSERT_EQ(table.size(), expected.size());
  }
  for (std::size_t at = 0; at < table.size(); ++at)
    EXPECT_EQ(expected.at(table[at].key), table[at].value);
}

TEST(ConservativeAddressTable, LargeOnesAskBeforeTheyGrow) {
  address_table<entry> table;
  std::uintptr_t key = 0;
  auto fill = [&] {
    while (!table.is_full_and_large()) {
      ++key;
      ASSERT_TRUE(table.add({key, key}));
    }
  };
  fill();
  std::size_t full = table.size();
  EXPECT_EQ(full, std::size_t{1} << 14);
  // A quarter has gone: the rest will do.
  table.remove_if([](const entry& each) { return each.key % 4 == 0; });
  EXPECT_FALSE(table.grow_unless_sparse());
  fill();
  EXPECT_EQ(table.size(), full);
  EXPECT_TRUE(table.grow_unless_sparse());
  fill();
  EXPECT_EQ(table.size(), 2 * full);
}

}  // namespace
}  // namespace strata::conservative
