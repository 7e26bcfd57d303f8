// Owners of one object in several threads.
#include <atomic>
#include <thread>
#include <vector>

#include <strata/ownership.hpp>

#include "resource/ownership_model.hpp"
#include "resource/resource_test.hpp"

namespace strata {
namespace {

constexpr int threads = 4;
template <class Work>
void in_threads(Work work) {
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back(work, i);
  for (std::thread& each : running) each.join();
}

TEST(ArcThreads, TheLastDropSeesWhatAllDid) {
  struct tally {
    explicit tally(int& in) : result(&in) {}
    tally(const tally&) = delete;
    tally& operator=(const tally&) = delete;
    ~tally() {
      for (int each : slots) *result += each;  // plain reads: races are seen
    }
    int slots[threads] = {};
    int* result;
  };
  for (int round = 0; round < 300; ++round) {
    int result = 0;
    std::vector<arc<tally>> owners(threads, make_arc<tally>(result));
    in_threads([&](int i) {
      arc<tally> own = std::move(owners[static_cast<std::size_t>(i)]);
      arc<tally> copy = own;
      own->slots[i] = 1;
      own.reset();
      copy.reset();
    });
    ASSERT_EQ(result, threads);
  }
}

TEST(ArcThreads, UpgradeRacesWithTheLastDrop) {
  for (int round = 0; round < 300; ++round) {
    std::atomic<int> lives = 0;
    struct life {
      explicit life(std::atomic<int>& in) : count(&in) { ++in; }
      life(const life&) = delete;
      life& operator=(const life&) = delete;
      ~life() {
        value = 0;
        --*count;
      }
      std::atomic<int>* count;
      int value = 77;
    };
    std::vector<arc<life>> owners(2, make_arc<life>(lives));
    std::vector<weak_arc<life>> weaks(threads, owners[0].downgrade());
    std::atomic<bool> wrong = false;
    in_threads([&](int i) {
      auto which = static_cast<std::size_t>(i);
      if (which < 2) owners[which].reset();
      for (int turn = 0; turn < 20; ++turn) {
        if (arc<life> got = weaks[which].upgrade(); got != nullptr && got->value != 77) {
          wrong = true;
        }
      }
      weaks[which].reset();
    });
    ASSERT_FALSE(wrong);
    ASSERT_EQ(lives, 0);
  }
}

TEST(ArcThreads, OneUnwrapsAndGetMutWaitsForTheOthers) {
  for (int round = 0; round < 300; ++round) {
    std::vector<arc<int>> owners(threads, make_arc<int>(0));
    std::atomic<int> unwrapped = 0;
    in_threads([&](int i) {
      arc<int>& own = owners[static_cast<std::size_t>(i)];
      if (int* alone = own.get_mut(); alone != nullptr) *alone = i;  // plain: a race would be seen
      if (own.try_unwrap().has_value())
        ++unwrapped;
      else
        own.reset();
    });
    ASSERT_LE(unwrapped, 1);
  }
}

TEST(ArcThreads, RandomProgramsCountRight) {
  struct life {
    explicit life(std::atomic<int>& in) : count(&in) { ++in; }
    life(const life& other) : count(other.count) { ++*count; }
    life& operator=(const life&) = delete;
    ~life() { --*count; }
    std::atomic<int>* count;
  };
  std::atomic<int> lives = 0;
  std::vector<arc<life>> shared;
  for (int i = 0; i < 8; ++i) shared.push_back(make_arc<life>(lives));
  in_threads([&](int i) {
    std::mt19937 random(static_cast<unsigned>(i));
    std::vector<arc<life>> own(shared);
    std::vector<weak_arc<life>> weak;
    for (int turn = 0; turn < 3000; ++turn) {
      arc<life>& one = own[random() % own.size()];
      switch (random() % 6) {
        case 0:
          own.push_back(one);
          break;
        case 1:
          weak.push_back(one);
          break;
        case 2:
          if (own.size() > 1) own.pop_back();
          break;
        case 3:
          if (!weak.empty()) own.push_back(weak.back().upgrade());
          if (own.back() == nullptr) own.pop_back();
          break;
        case 4:
          if (!weak.empty()) weak.pop_back();
          break;
        default:
          if (turn % 8 == 0) (void)one.make_mut();
      }
      if (own.empty()) own.push_back(make_arc<life>(lives));
    }
  });
  for (const arc<life>& each : shared) EXPECT_EQ(each.strong_count(), 1u);
  EXPECT_EQ(lives, 8);
  shared.clear();
  EXPECT_EQ(lives, 0);
}

TEST(ArcThreads, IntrusiveCountsAreSafeToo) {
  struct life : intrusive_atomic_count {
    explicit life(std::atomic<int>& in) : count(&in) { ++in; }
    ~life() { --*count; }
    std::atomic<int>* count;
  };
  std::atomic<int> lives = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<intrusive_rc<life>> owners(threads, make_intrusive<life>(lives));
    in_threads([&](int i) {
      auto own = std::move(owners[static_cast<std::size_t>(i)]);
      for (int turn = 0; turn < 20; ++turn) auto copy = own;
    });
    ASSERT_EQ(lives, 0);
  }
}

}  // namespace
}  // namespace strata
