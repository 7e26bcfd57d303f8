// What every resource's tests share: an upstream that counts and can fail, and a model that any
// resource has to agree with.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory_resource>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <strata/resource.hpp>

namespace strata {

// Memory from operator new. Knows each block with its size and alignment, fails the test on a wrong
// return, and allocates nothing once `left` blocks have been taken.
class test_upstream final : public std::pmr::memory_resource {
 public:
  ~test_upstream() override { EXPECT_EQ(blocks_.size(), 0u) << "not given back"; }

  std::size_t left = SIZE_MAX;
  [[nodiscard]] std::size_t live_bytes() const { return live_bytes_; }
  [[nodiscard]] std::size_t live_blocks() const { return blocks_.size(); }
  [[nodiscard]] std::size_t taken() const { return taken_; }
  [[nodiscard]] std::vector<std::size_t> sizes() const { return sizes_; }

 private:
  // AddressSanitizer's operator new stops the process for more.
  static constexpr std::size_t most_bytes = std::size_t{1} << 39;

  struct shape {
    std::size_t bytes, alignment;
    bool operator==(const shape&) const = default;
  };
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (left == 0 || bytes > most_bytes) throw std::bad_alloc();
    --left;
    ++taken_;
    sizes_.push_back(bytes);
    live_bytes_ += bytes;
    void* block = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    blocks_[block] = {bytes, alignment};
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    auto found = blocks_.find(block);
    ASSERT_NE(found, blocks_.end());
    EXPECT_EQ(found->second, (shape{bytes, alignment}));
    live_bytes_ -= bytes;
    blocks_.erase(found);
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::unordered_map<void*, shape> blocks_;
  std::vector<std::size_t> sizes_;
  std::size_t live_bytes_ = 0;
  std::size_t taken_ = 0;
};

// Regions don't overlap, and together are what the resource holds.
template <resource Resource>
void expect_regions_add_up(const Resource& one) {
  std::map<std::uintptr_t, std::size_t> found;
  std::size_t total = 0;
  one.each_region([&](const region& each) {
    if (each.bytes == 0) return;
    EXPECT_TRUE(found.emplace(detail::address_of(each.start), each.bytes).second);
    total += each.bytes;
  });
  std::uintptr_t end = 0;
  for (auto [start, bytes] : found) {
    EXPECT_GE(start, end);
    end = start + bytes;
  }
  EXPECT_EQ(total, one.statistics().held_bytes);
}

struct model_shape {
  std::size_t operations = 20'000;
  std::size_t most_live = 500;
  std::size_t most_bytes = 2000;
  std::size_t most_alignment = 256;
  bool frees_any = true;  // in any order; else none but all at the end
  std::uint64_t seed = 1;
};

// Random operations beside a list of what is live: each block aligned, none overlapping another, each
// byte as it was written. Frees everything in the end.
template <resource Resource>
void run_model(Resource& one, model_shape shape = {}) {
  struct held {
    std::byte* start;
    std::size_t bytes, alignment;
    std::byte fill;
  };
  std::mt19937_64 random{shape.seed};
  std::vector<held> live;
  std::map<std::uintptr_t, std::size_t> places;
  auto give_back = [&](std::size_t index) {
    held each = live[index];
    for (std::size_t i = 0; i < each.bytes; ++i) ASSERT_EQ(each.start[i], each.fill);
    places.erase(detail::address_of(each.start));
    live[index] = live.back();
    live.pop_back();
    one.deallocate(each.start, each.bytes, each.alignment);
  };
  for (std::size_t turn = 0; turn < shape.operations; ++turn) {
    bool grow = live.empty() || (live.size() < shape.most_live && random() % 100 < 55);
    if (!grow && shape.frees_any) {
      give_back(random() % live.size());
    } else if (grow) {
      // Small ones are the most common.
      std::size_t bytes = random() % (1 + (random() % (1 + shape.most_bytes)));
      std::size_t alignment = std::size_t{1} << random() % 20;
      if (alignment > shape.most_alignment) alignment = alignof(std::max_align_t);
      auto* start = static_cast<std::byte*>(one.try_allocate(bytes, alignment));
      if (start == nullptr) continue;
      std::uintptr_t at = detail::address_of(start);
      ASSERT_EQ(at % alignment, 0u);
      std::size_t room = std::max<std::size_t>(bytes, 1);
      auto next = places.lower_bound(at);
      ASSERT_TRUE(next == places.end() || at + room <= next->first) << "overlaps the next";
      ASSERT_TRUE(next == places.begin() || std::prev(next)->first + std::prev(next)->second <= at)
          << "overlaps the one before";
      places.emplace(at, room);
      auto fill = static_cast<std::byte>(random());
      std::memset(start, static_cast<int>(fill), bytes);
      live.push_back({start, bytes, alignment, fill});
    }
    if (turn % 512 == 0) {
      one.verify();
      expect_regions_add_up(one);
      if (one.statistics().live_blocks != resource_statistics::not_counted) {
        ASSERT_EQ(one.statistics().live_blocks, live.size());
      }
      std::size_t bytes = 0;
      for (const held& each : live) bytes += each.bytes;
      ASSERT_GE(one.statistics().used_bytes, bytes);
      ASSERT_GE(one.statistics().peak_used_bytes, one.statistics().used_bytes);
      ASSERT_GE(one.statistics().held_bytes, one.statistics().used_bytes);
    }
  }
  while (!live.empty()) ASSERT_NO_FATAL_FAILURE(give_back(live.size() - 1));
  one.verify();
}

// Containers that know nothing of the resource.
template <resource Resource>
void run_containers(Resource& one) {
  pmr_ref<Resource> memory(one);
  std::pmr::map<int, std::pmr::string> texts(&memory);
  std::pmr::vector<int> numbers(&memory);
  std::vector<long, allocator<long, Resource>> direct(one);
  for (int i = 0; i < 300; ++i) {
    texts.emplace(i * 7919 % 1000, std::string(static_cast<std::size_t>(i % 100), 'x'));
    numbers.push_back(i);
    direct.push_back(i);
  }
  EXPECT_EQ(texts.size(), 300u);
  EXPECT_EQ(numbers[299], 299);
  EXPECT_EQ(direct[299], 299);
  for (int i = 0; i < 300; i += 2) texts.erase(i * 7919 % 1000);
  EXPECT_EQ(texts.size(), 150u);
}

}  // namespace strata
