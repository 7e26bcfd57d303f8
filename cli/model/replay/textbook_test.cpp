// What the literature says of policies, as replays show it. Where a policy can't serve a request it takes one
// more region: that is how a heap that is stuck shows.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <strata/bitmap.hpp>

#include "cli/model/replay/pass.hpp"
#include "cli/model/replay/resource_policy.hpp"

namespace strata::cli::replay {
namespace {

constexpr std::uint64_t unit = 16;
// The request whose block, with its tag, has so many units.
constexpr std::uint64_t bytes_of(std::uint64_t units) { return units * unit - 8; }

// Operations that are being written down.
class script {
 public:
  std::uint32_t allocate(std::uint64_t bytes) {
    std::uint32_t slot = next_;
    if (free_.empty()) {
      ++next_;
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    all_.push_back({action::allocate, slot, bytes});
    return slot;
  }
  void free(std::uint32_t slot) {
    all_.push_back({action::free, slot, 0});
    free_.push_back(slot);
  }
  const std::vector<operation>& all() const { return all_; }

 private:
  std::vector<operation> all_;
  std::vector<std::uint32_t> free_;
  std::uint32_t next_ = 0;
};

pass_figures measured(policy& of, const std::vector<operation>& all) {
  pass made(of, {pass_kind::measures, all.size(), ~std::uint64_t{0}});
  made.run(all);
  EXPECT_EQ(made.finish().how, outcome::done);
  return made.finish();
}

pass_figures measured(const char* name, const script& of) {
  const trace all(of.all());
  std::string wrong;
  return measured(*policies_of(name, wrong).at(0)->make(all.facts()), of.all());
}

std::uint64_t peak_of(const char* name, const script& of) {
  return measured(name, of).peak.at.footprint;
}

// Regions that a heap takes which has free areas of so many units, the lowest first, and nothing else, for
// requests of so many. Blocks are cut from the ends of free ones: so the topmost area is made first.
template <typename Fit>
std::uint64_t regions_for(const std::vector<std::uint64_t>& areas,
                          const std::vector<std::uint64_t>& requests) {
  constexpr std::uint64_t between = 10;
  std::uint64_t region_bytes = 32 + (areas.size() - 1) * between * unit;
  for (std::uint64_t one : areas) region_bytes += one * unit;
  script all;
  std::vector<std::uint32_t> made;
  for (std::size_t i = areas.size() - 1; i > 0; --i) {
    made.push_back(all.allocate(bytes_of(areas[i])));
    all.allocate(bytes_of(between));
  }
  for (std::uint32_t slot : made) all.free(slot);
  for (std::uint64_t one : requests) all.allocate(bytes_of(one));
  resource_policy<Fit> heap(free_list_options{
      .order = list_order::address,
      .regions = {.first_region_bytes = region_bytes, .most_region_bytes = region_bytes}});
  return measured(heap, all.all()).peak.at.footprint / region_bytes;
}

// Knuth, The Art of Computer Programming, volume 1, section 2.5: free areas of 1300 and 1200, requests
// for 1000, 1100 and 250. Best fit is left with 200 twice.
TEST(Textbook, WhereFirstFitSucceedsAndBestFitIsStuck) {
  EXPECT_EQ(regions_for<first_fit>({1300, 1200}, {1000, 1100, 250}), 1u);
  EXPECT_EQ(regions_for<best_fit>({1300, 1200}, {1000, 1100, 250}), 2u);
}

// The other way round, with the same areas.
TEST(Textbook, WhereBestFitSucceedsAndFirstFitIsStuck) {
  EXPECT_EQ(regions_for<best_fit>({1300, 1200}, {1100, 1050, 250}), 1u);
  EXPECT_EQ(regions_for<first_fit>({1300, 1200}, {1100, 1050, 250}), 2u);
}

// Bays, A comparison of next-fit, first-fit and best-fit (CACM 1977): the roving pointer scatters small
// blocks, and then there is no room for a large one.
TEST(Textbook, NextFitScattersSmallBlocks) {
  EXPECT_EQ(regions_for<first_fit>({100, 200}, {60, 60, 40, 140}), 1u);
  EXPECT_EQ(regions_for<next_fit>({100, 200}, {60, 60, 40, 140}), 2u);
}

// Knowlton, A fast storage allocator (CACM 1965): a block is the next power of two.
TEST(Textbook, ABuddyLosesHalfJustAboveAPowerOfTwo) {
  for (unsigned k = 6; k < 16; ++k) {
    script above;
    script exact;
    for (int i = 0; i < 32; ++i) {
      above.allocate((std::uint64_t{1} << k) + 1);
      exact.allocate(std::uint64_t{1} << k);
    }
    const usage lost = measured("buddy", above).end.at;
    EXPECT_EQ(lost.granted, 32u * 2 << k);
    EXPECT_GT(static_cast<double>(lost.granted - lost.asked) / static_cast<double>(lost.granted),
              0.49);
    const usage none = measured("buddy", exact).end.at;
    EXPECT_EQ(none.granted, none.asked);
  }
}

// Peterson, Norman, Buddy systems (CACM 1977): with all sizes alike, granted is 4/3 of what was asked for.
TEST(Textbook, ABuddyGrantsFourThirdsOfEvenSizes) {
  script all;
  for (std::uint64_t bytes = 65; bytes <= 4096; ++bytes) all.allocate(bytes);
  const usage end = measured("buddy", all).end.at;
  EXPECT_NEAR(static_cast<double>(end.granted) / static_cast<double>(end.asked), 4.0 / 3, 0.001);
}

// Knuth, section 2.5, the fifty-percent rule: in equilibrium there are p/2 times as many free blocks as
// live ones, where p is the chance that a request leaves something of the block that serves it. Sizes are many
// here, so that p is nearly 1.
TEST(Textbook, FiftyPercentRule) {
  constexpr std::size_t blocks = 1000;
  constexpr std::uint64_t most_units = 1000;
  constexpr std::uint64_t memory_bytes = blocks * most_units / 2 * unit * 14 / 10;
  resource_policy<first_fit> heap(free_list_options{
      .order = list_order::address,
      .regions = {.first_region_bytes = memory_bytes, .most_region_bytes = memory_bytes}});
  std::mt19937_64 dice(5);
  double ratio = 0;
  int looks = 0;
  for (std::uint32_t i = 0; i < 200'000; ++i) {
    const auto slot = static_cast<std::uint32_t>(i < blocks ? i : dice() % blocks);
    const operation both[] = {{action::free, slot, 0},
                              {action::allocate, slot, bytes_of(2 + dice() % (most_units - 2))}};
    ASSERT_NE(heap.run(std::span(both).subspan(i < blocks ? 1 : 0)), 0u);
    if (i < 100'000 || i % 100 != 0) continue;
    ratio += static_cast<double>(heap.resource().free_space().free_blocks) / blocks;
    ++looks;
  }
  EXPECT_EQ(heap.now().footprint, memory_bytes) << "one region is enough";
  EXPECT_NEAR(ratio / looks, 0.5, 0.1);
}

// Robson, An estimate of the store size necessary for dynamic storage allocation (JACM 1971): a program with
// blocks of 1, 2, 4 .. n words, of which no more than M words are live at once, makes any allocator take at least
// M (log2 n / 2 + 1) - n + 1 words. In step i it keeps the blocks that have a word at f modulo 2^i, which each
// stand in the way of a block of 2^i words, and takes as many of these as it may.
template <typename Heap>
class robsons_program {
 public:
  static constexpr std::uint64_t word_bytes = 64;
  static constexpr std::uint64_t most_words = 1 << 13;  // M
  static constexpr unsigned steps = 7;                  // log2 n

  template <typename... Options>
  explicit robsons_program(std::uint64_t tag_bytes, const Options&... options)
      : heap_(&memory_, options...), tag_bytes_(tag_bytes) {}

  double taken_words() {
    make(1);
    std::uint64_t f = 0;
    for (unsigned i = 1; i <= steps; ++i) {
      const std::uint64_t longer = std::uint64_t{1} << i;
      if (worth(f + longer / 2, longer) > worth(f, longer)) f += longer / 2;
      std::vector<live> kept;
      for (const live& one : blocks_) {
        if (has(one, f, longer)) {
          kept.push_back(one);
        } else {
          heap_.deallocate(one.block, one.words * word_bytes - tag_bytes_, malloc_alignment);
          live_words_ -= one.words;
        }
      }
      blocks_ = kept;
      make(longer);
    }
    return static_cast<double>(memory_.held_bytes()) / word_bytes;
  }
  static double bound() { return most_words * (steps / 2.0 + 1) - (1 << steps) + 1; }

 private:
  struct live {
    void* block;
    std::uint64_t words;
  };

  bool has(const live& one, std::uint64_t f, std::uint64_t modulus) const {
    const std::uint64_t first =
        (reinterpret_cast<std::uintptr_t>(one.block) - tag_bytes_) / word_bytes;
    return (f - first) % modulus < one.words;
  }
  std::uint64_t worth(std::uint64_t f, std::uint64_t modulus) const {
    std::uint64_t sum = 0;
    for (const live& one : blocks_) sum += has(one, f, modulus) ? modulus - one.words : 0;
    return sum;
  }
  void make(std::uint64_t words) {
    for (; live_words_ + words <= most_words; live_words_ += words) {
      void* block = heap_.try_allocate(words * word_bytes - tag_bytes_, malloc_alignment);
      ASSERT_NE(block, nullptr);
      blocks_.push_back({block, words});
    }
  }

  region_memory memory_;
  Heap heap_;
  std::uint64_t tag_bytes_;
  std::vector<live> blocks_;
  std::uint64_t live_words_ = 0;
};

template <typename Heap, typename... Options>
void expect_robson(std::uint64_t tag_bytes, const Options&... options) {
  robsons_program<Heap> one(tag_bytes, options...);
  EXPECT_GE(one.taken_words(), one.bound());
}

TEST(Textbook, NobodyIsBelowRobsonsBound) {
  constexpr region_options regions{.first_region_bytes = 1 << 16, .most_region_bytes = 1 << 16};
  for (list_order order : {list_order::lifo, list_order::address}) {
    const free_list_options options{.order = order, .regions = regions};
    expect_robson<first_fit>(8, options);
    expect_robson<next_fit>(8, options);
    expect_robson<best_fit>(8, options);
    expect_robson<segregated_fit>(8, options);
  }
  expect_robson<tlsf>(8, regions);
  expect_robson<bitmap>(
      0, bitmap_options{.first_region_bytes = 1 << 16, .most_region_bytes = 1 << 16});
}

// Blocks of geometric sizes that live for a random time: what Shore (CACM 1975), Bays and, on real programs,
// Johnstone and Wilson (ISMM 1998) found, whatever the distribution: first fit by address and best fit lose
// least, next fit and a buddy more.
TEST(Textbook, OrderOfPoliciesByFootprint) {
  std::mt19937_64 dice(6);
  std::geometric_distribution<std::uint64_t> size(1.0 / 300);
  script all;
  std::vector<std::uint32_t> live;
  for (int i = 0; i < 60'000; ++i) {
    const bool grows = live.size() < 2000 || (live.size() < 4000 && dice() % 2 == 0);
    if (grows) {
      live.push_back(all.allocate(16 + size(dice)));
    } else {
      std::swap(live[dice() % live.size()], live.back());
      all.free(live.back());
      live.pop_back();
    }
  }
  const std::uint64_t first = peak_of("first-fit-address", all);
  const std::uint64_t best = peak_of("best-fit", all);
  const std::uint64_t next = peak_of("next-fit-address", all);
  const std::uint64_t buddy = peak_of("buddy", all);
  EXPECT_LT(best, next);
  EXPECT_LT(first, next);
  EXPECT_LT(best, buddy);
  EXPECT_LT(first, buddy);
}

// A pointer that only moves forward uses nothing again while anything is live.
TEST(Textbook, BumpUsesNothingAgainUntilAllIsFree) {
  constexpr std::uint64_t bytes = 1024;
  script held;
  held.allocate(bytes);
  script empty;
  for (int i = 0; i < 1000; ++i) {
    for (script* one : {&held, &empty}) {
      const std::uint32_t a = one->allocate(bytes);
      const std::uint32_t b = one->allocate(bytes);
      one->free(a);
      one->free(b);
    }
  }
  EXPECT_GE(peak_of("bump", held), 1000 * bytes);
  EXPECT_EQ(measured("bump", empty).resets, 1000u);
  EXPECT_EQ(peak_of("bump", empty), 4096u);
  EXPECT_EQ(peak_of("first-fit", held), 4096u);
}

}  // namespace
}  // namespace strata::cli::replay
