#include "alloc/depot.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace strata::alloc {
namespace {

TEST(Depot, BatchesHoldAtMostThirtyTwoKiB) {
  for (std::size_t number = 1; number < ground::class_count; ++number) {
    EXPECT_GE(batch_of(number), 2u);
    EXPECT_LE(batch_of(number), most_batch);
    EXPECT_LE((batch_of(number) - 2) * ground::class_bytes(number), 32 * base::KiB);
  }
}

TEST(Depot, GivesBackWhatWasPut) {
  depot one;
  one.set_up(4);
  ground::entry batch[most_batch];
  EXPECT_EQ(one.take(batch), 0u);
  const ground::entry first[] = {11, 12, 13};
  ASSERT_TRUE(one.put(first, 3));
  EXPECT_EQ(one.batches(), 1u);
  EXPECT_EQ(one.held(), 3u);
  ASSERT_EQ(one.take(batch), 3u);
  EXPECT_TRUE(std::equal(first, first + 3, batch));
  EXPECT_EQ(one.held(), 0u);
}

TEST(Depot, RefusesWhenEveryShelfIsTaken) {
  depot one;
  one.set_up(4);
  ground::entry batch[most_batch] = {};
  std::size_t put = 0;
  while (one.put(batch, 2)) ++put;
  EXPECT_GE(put, 2u);
  EXPECT_EQ(one.batches(), put);
  EXPECT_EQ(one.take(batch), 2u);
  EXPECT_TRUE(one.put(batch, 2));
}

TEST(Depot, AForkedChildHasAllShelvesAgain) {
  depot one;
  one.set_up(4);
  ground::entry batch[most_batch] = {1, 2};
  ASSERT_TRUE(one.put(batch, 2));
  one.reset_in_child();
  EXPECT_EQ(one.held(), 2u);
  std::size_t put = 0;
  while (one.put(batch, 2)) ++put;
  EXPECT_EQ(one.batches(), put + 1);
}

// Every token is in exactly one place: threads put and take them, and at the end each is found once.
TEST(Depot, ThreadsNeitherLoseNorDoubleAToken) {
  constexpr std::size_t thread_count = 4;
  constexpr std::size_t tokens_each = 500;
  depot one;
  one.set_up(4);
  std::vector<std::vector<ground::entry>> hands(thread_count);
  std::vector<std::atomic<int>> owners(thread_count * tokens_each + 1);
  std::vector<std::thread> threads;
  for (std::size_t id = 0; id < thread_count; ++id) {
    for (std::size_t i = 0; i < tokens_each; ++i) hands[id].push_back(1 + id * tokens_each + i);
    threads.emplace_back([&, id] {
      std::vector<ground::entry>& hand = hands[id];
      for (ground::entry token : hand) owners[token]++;
      ground::entry batch[most_batch];
      for (std::size_t round = 0; round < 30'000; ++round) {
        if (std::size_t count = std::min(hand.size(), 1 + round % most_batch);
            round % 2 == 0 && count > 0) {
          std::copy(hand.end() - static_cast<std::ptrdiff_t>(count), hand.end(), batch);
          for (std::size_t i = 0; i < count; ++i) owners[batch[i]]--;
          if (one.put(batch, count))
            hand.resize(hand.size() - count);
          else
            for (std::size_t i = 0; i < count; ++i) owners[batch[i]]++;
        } else {
          std::size_t taken = one.take(batch);
          for (std::size_t i = 0; i < taken; ++i) ASSERT_EQ(owners[batch[i]]++, 0) << "taken twice";
          hand.insert(hand.end(), batch, batch + taken);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::vector<ground::entry> all;
  for (const auto& hand : hands) all.insert(all.end(), hand.begin(), hand.end());
  ground::entry batch[most_batch];
  while (std::size_t count = one.take(batch)) all.insert(all.end(), batch, batch + count);
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), thread_count * tokens_each) << "lost";
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i + 1);
}

}  // namespace
}  // namespace strata::alloc
