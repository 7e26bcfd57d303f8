#include "alloc/depot.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace strata::alloc {
namespace {

class Depot : public testing::Test {
 protected:
  static constexpr std::size_t a_class = 4;

  void TearDown() override {
    while (take() != 0) {
    }
  }

  static batch* full_batch(const std::vector<std::uintptr_t>& blocks) {
    batch* made = take_empty_batch();
    made->fill(blocks.data(), blocks.size());
    return made;
  }
  // Puts a batch of two if there is room.
  bool put() {
    if (!one_.has_room()) {
      one_.note_refused(&giver_);
      return false;
    }
    one_.put(full_batch({1, 2}));
    return true;
  }
  std::size_t put_all_it_takes() {
    std::size_t put_so_far = 0;
    while (put_so_far < 100'000 && put()) ++put_so_far;
    return put_so_far;
  }
  std::size_t take() {
    batch* taken = one_.take(&taker_);
    if (taken == nullptr) return 0;
    std::size_t count = taken->count;
    give_empty_batch(taken);
    return count;
  }
  void remove(std::size_t batches) {
    for (; batches > 0; --batches) give_empty_batch(one_.remove());
  }

  depot one_{a_class};
  int giver_ = 0;  // two threads, to the depot
  int taker_ = 0;
};

TEST_F(Depot, BatchesHoldAtMostThirtyTwoKiB) {
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    EXPECT_GE(batch_of(number), 2u);
    EXPECT_LE(batch_of(number), most_batch);
    EXPECT_LE((batch_of(number) - 2) * ground::class_bytes(number), 32 * base::KiB);
  }
}

TEST_F(Depot, GivesBackWhatWasPut) {
  EXPECT_EQ(one_.take(&taker_), nullptr);
  one_.put(full_batch({11, 12, 13}));
  EXPECT_EQ(one_.batches(), 1u);
  EXPECT_EQ(one_.held(), 3u);
  batch* taken = one_.take(&taker_);
  ASSERT_NE(taken, nullptr);
  std::uintptr_t blocks[most_batch];
  ASSERT_EQ(taken->copy_to(blocks), 3u);
  EXPECT_EQ(std::vector(blocks, blocks + 3), (std::vector<std::uintptr_t>{11, 12, 13}));
  EXPECT_EQ(one_.held(), 0u);
  give_empty_batch(taken);
}

TEST_F(Depot, DemandAloneAllowsNothing) {
  std::size_t room = put_all_it_takes();
  for (std::size_t i = 0; i < room; ++i) take();
  one_.trim();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(take(), 0u);
  EXPECT_LE(put_all_it_takes(), room);
}

// What was refused and then asked for in vain would have been of use.
TEST_F(Depot, HoldsMoreWhereItWasTooSmall) {
  std::size_t room = put_all_it_takes();
  EXPECT_LE(room, 1 + batches_a_visit(a_class));
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(put());
  while (take() != 0) {
  }
  for (int i = 0; i < 20; ++i) take();
  EXPECT_EQ(put_all_it_takes(), room + 21) << "as often as asked in vain";
}

// Its spans serve a thread better than its own batches in the order of their frees.
TEST_F(Depot, HoldsNoMoreForWhoWasRefused) {
  std::size_t room = put_all_it_takes();
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(put());
  remove(room);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(one_.take(&giver_), nullptr);
  EXPECT_EQ(put_all_it_takes(), room);
}

TEST_F(Depot, HoldsABoundedNumberOfBytes) {
  for (int i = 0; i < 100'000; ++i) one_.note_refused(&giver_);
  for (int i = 0; i < 100'000; ++i) take();
  std::size_t most = put_all_it_takes();
  EXPECT_GT(most, 16u);
  EXPECT_LE(most * batch_of(a_class) * ground::class_bytes(a_class), 5 * base::MiB);
}

TEST_F(Depot, TrimLetsGoWhatNobodyTook) {
  for (int i = 0; i < 100; ++i) one_.note_refused(&giver_);
  for (int i = 0; i < 50; ++i) take();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(put());
  EXPECT_EQ(one_.trim(), 0u) << "it was empty a moment ago";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(take(), 2u);
  EXPECT_EQ(one_.trim(), 30u);
  remove(30);
  EXPECT_LT(put_all_it_takes(), 30u) << "and allows less";
}

// Every token is in exactly one place: threads put and take them, and at the end each is found once.
TEST_F(Depot, ThreadsNeitherLoseNorDoubleAToken) {
  constexpr std::size_t thread_count = 4;
  constexpr std::size_t tokens_each = 500;
  std::vector<std::vector<std::uintptr_t>> hands(thread_count);
  std::vector<std::atomic<int>> owners(thread_count * tokens_each + 1);
  std::vector<std::thread> threads;
  for (std::size_t id = 0; id < thread_count; ++id) {
    for (std::size_t i = 0; i < tokens_each; ++i) hands[id].push_back(1 + id * tokens_each + i);
    threads.emplace_back([&, id] {
      std::vector<std::uintptr_t>& hand = hands[id];
      for (std::uintptr_t token : hand) owners[token]++;
      for (std::size_t round = 0; round < 30'000; ++round) {
        if (std::size_t count = std::min(hand.size(), 1 + round % most_batch);
            round % 2 == 0 && count > 0) {
          std::vector<std::uintptr_t> given(hand.end() - static_cast<std::ptrdiff_t>(count),
                                            hand.end());
          for (std::uintptr_t token : given) owners[token]--;
          hand.resize(hand.size() - count);
          one_.put(full_batch(given));
        } else {
          batch* taken = one_.take(&taker_);
          if (taken == nullptr) continue;
          for (std::size_t i = 0; i < taken->count; ++i) {
            ASSERT_EQ(owners[taken->blocks[i]]++, 0) << "taken twice";
          }
          hand.insert(hand.end(), taken->blocks, taken->blocks + taken->count);
          give_empty_batch(taken);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::vector<std::uintptr_t> all;
  for (const auto& hand : hands) all.insert(all.end(), hand.begin(), hand.end());
  while (batch* taken = one_.take(&taker_)) {
    all.insert(all.end(), taken->blocks, taken->blocks + taken->count);
    give_empty_batch(taken);
  }
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), thread_count * tokens_each) << "lost";
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i + 1);
}

}  // namespace
}  // namespace strata::alloc
