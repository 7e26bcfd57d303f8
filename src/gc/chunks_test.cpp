#include "gc/chunks.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace strata::gc {
namespace {

struct taken {
  void* at;
  unsigned order;
  unsigned char filled_with;
};

TEST(GcChunks, NeverOverlapAndGoBackWhole) {
  chunks of;
  ASSERT_TRUE(of.open(8 * base::MiB));
  std::mt19937 random{1};
  std::vector<taken> live;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 5 < 3 || live.empty()) {
      unsigned order = random() % (chunks::top_order + 1);
      void* at = of.take(order);
      if (at == nullptr) continue;
      EXPECT_TRUE(base::is_aligned(base::address_of(at), chunks::bytes_of(order)));
      auto value = static_cast<unsigned char>(random());
      std::memset(at, value, chunks::bytes_of(order));
      live.push_back({at, order, value});
    } else {
      std::size_t which = random() % live.size();
      taken given = live[which];
      auto* bytes = static_cast<unsigned char*>(given.at);
      ASSERT_EQ(given.filled_with, bytes[0]);
      ASSERT_EQ(0, std::memcmp(bytes, bytes + 1, chunks::bytes_of(given.order) - 1));
      of.give(given.at, given.order);
      live[which] = live.back();
      live.pop_back();
    }
    if (step % 100 == 0) of.verify();
  }
  EXPECT_GT(of.used_bytes(), 0U);
  for (const taken& each : live) of.give(each.at, each.order);
  of.verify();
  EXPECT_EQ(0U, of.used_bytes());
  EXPECT_LE(of.held_bytes(), 4 * chunks::block_bytes);
}

TEST(GcChunks, AreBounded) {
  chunks of;
  ASSERT_TRUE(of.open(2 * chunks::block_bytes));
  void* first = of.take(chunks::top_order);
  ASSERT_NE(nullptr, first);
  ASSERT_NE(nullptr, of.take(0));
  EXPECT_EQ(nullptr, of.take(chunks::top_order));
  of.give(first, chunks::top_order);
  EXPECT_EQ(first, of.take(chunks::top_order));
}

}  // namespace
}  // namespace strata::gc
