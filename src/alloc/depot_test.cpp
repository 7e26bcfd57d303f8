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

// Each take tells of demand, and so allows a batch more, up to the number of shelves.
void ask(depot& one, int times) {
  ground::entry batch[most_batch];
  for (int i = 0; i < times; ++i) one.take(batch);
}

std::size_t put_all_it_takes(depot& one) {
  const ground::entry batch[] = {1, 2};
  std::size_t put = 0;
  while (put < 1000 && one.put(batch, 2)) ++put;
  return put;
}

TEST(Depot, HoldsMoreTheMoreIsAskedFor) {
  depot one;
  one.set_up(4);
  std::size_t unasked = put_all_it_takes(one);
  EXPECT_LE(unasked, 2u);
  ask(one, 6);
  std::size_t asked = put_all_it_takes(one);
  EXPECT_GT(asked, unasked);
  ask(one, 1000);
  std::size_t shelves = put_all_it_takes(one);
  EXPECT_GT(shelves, asked);
  EXPECT_EQ(one.batches(), shelves);
  EXPECT_EQ(one.held(), 2 * shelves);
}

TEST(Depot, TrimHalvesWhatItMayHold) {
  depot one;
  one.set_up(4);
  ask(one, 1000);
  std::size_t shelves = put_all_it_takes(one);
  EXPECT_EQ(one.trim(), shelves / 2) << "how many are too many now";
  ground::entry batch[most_batch];
  for (std::size_t i = 0; i < shelves / 2; ++i) EXPECT_EQ(one.remove(batch), 2u);
  EXPECT_EQ(put_all_it_takes(one), 0u) << "removing is no sign of demand";
}

TEST(Depot, AForkedChildHasAllShelvesAgain) {
  depot one;
  one.set_up(4);
  ask(one, 1000);
  std::size_t shelves = put_all_it_takes(one);
  ground::entry batch[most_batch];
  EXPECT_EQ(one.take(batch), 2u);
  one.reset_in_child();
  EXPECT_EQ(one.held(), 2 * (shelves - 1)) << "what stood on the shelves stays";
  EXPECT_EQ(put_all_it_takes(one), 1u);
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
