// What free_list's and tlsf's tests share: memory laid out by hand, and misuse.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include <strata/detail/block_tags.hpp>

#include "resource/resource_test.hpp"

namespace strata {

// A buffer for a resource of tagged blocks, with room for blocks of so many bytes in all.
class exact_buffer {
 public:
  explicit exact_buffer(std::size_t block_bytes) : memory_(block_bytes / 16 + 2) {}
  [[nodiscard]] std::span<std::byte> span() {
    return std::as_writable_bytes(std::span<cell>(memory_));
  }

 private:
  struct alignas(16) cell {
    std::array<std::byte, 16> bytes;
  };
  std::vector<cell> memory_;  // 32 bytes more: the region's head and end
};

// What to ask for so that the block, with its tag, is of `units` times 16 bytes.
inline constexpr std::size_t unit = 16;
inline std::size_t payload_of(std::size_t units) { return units * unit - 8; }

// A resource over a buffer that is full but for holes of these sizes, in order of address. They are
// freed in that order, too.
template <class Resource>
class with_holes {
 public:
  template <class... Options>
  explicit with_holes(std::vector<std::size_t> units, Options... options)
      : buffer_(unit * (std::reduce(units.begin(), units.end()) + 2 * units.size())),
        one(buffer_.span(), options...) {
    std::vector<void*> holes(units.size());
    for (std::size_t i = units.size(); i-- > 0;) {  // requests are cut from the end
      walls_.push_back(one.try_allocate(payload_of(2), 8));
      holes[i] = one.try_allocate(payload_of(units[i]), 8);
    }
    EXPECT_EQ(one.free_space().free_bytes, 0u);
    EXPECT_TRUE(std::is_sorted(holes.begin(), holes.end()));
    for (std::size_t i = 0; i < units.size(); ++i) {
      one.deallocate(holes[i], payload_of(units[i]), 8);
      starts_.push_back(detail::address_of(holes[i]));
      ends_.push_back(starts_[i] + units[i] * unit);
    }
    EXPECT_EQ(one.free_space().free_blocks, units.size());
  }

  bool can(std::size_t units) { return one.try_allocate(payload_of(units), 8) != nullptr; }
  // The number of the hole that a request is served from.
  std::size_t hole_for(std::size_t units) {
    std::uintptr_t at = detail::address_of(one.try_allocate(payload_of(units), 8));
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      if (at >= starts_[i] && at < ends_[i]) return i;
    }
    return SIZE_MAX;
  }
  void* wall(std::size_t number) { return walls_[walls_.size() - 1 - number]; }

 private:
  exact_buffer buffer_;
  std::vector<void*> walls_;
  std::vector<std::uintptr_t> starts_, ends_;

 public:
  Resource one;
};

// Everything is freed, in an order of chance: it is one block then, and can be had as one.
template <class Resource, class... Options>
void expect_all_comes_back(std::uint64_t seed, Options... options) {
  constexpr std::size_t units = 4096;
  exact_buffer buffer(units * unit);
  Resource one(buffer.span(), options...);
  std::mt19937_64 random{seed};
  struct held {
    void* start;
    std::size_t bytes, alignment;
  };
  std::vector<held> live;
  for (int round = 0; round < 4; ++round) {
    for (int failures = 0; failures < 20;) {
      std::size_t bytes = random() % (1 + random() % 1500);
      std::size_t alignment = std::size_t{1} << random() % 13;
      void* start = one.try_allocate(bytes, alignment);
      if (start == nullptr)
        ++failures;
      else
        live.push_back({start, bytes, alignment});
    }
    one.verify();
    expect_regions_add_up(one);
    std::shuffle(live.begin(), live.end(), random);
    std::size_t kept = round == 3 ? 0 : live.size() / 2;
    for (; live.size() > kept; live.pop_back()) {
      one.deallocate(live.back().start, live.back().bytes, live.back().alignment);
    }
    one.verify();
  }
  if constexpr (requires { one.coalesce(); }) one.coalesce();
  free_figures now = one.free_space();
  EXPECT_EQ(now.free_bytes, units * unit);
  EXPECT_EQ(now.free_blocks, 1u);
  EXPECT_EQ(now.largest_bytes, units * unit);
  EXPECT_EQ(one.statistics().used_bytes, 0u);
  EXPECT_EQ(one.statistics().live_blocks, 0u);
  EXPECT_EQ(one.try_allocate(payload_of(units) + 1, 8), nullptr);
  EXPECT_NE(one.try_allocate(payload_of(units), 8), nullptr);
}

// Regions as they are taken and given back.
template <class Resource, class... Options>
void expect_regions_go_back(Options... options) {
  test_upstream upstream;
  Resource one(&upstream, options...);
  auto settle = [&] {
    if constexpr (requires { one.coalesce(); }) one.coalesce();
  };
  std::vector<void*> live;
  for (int i = 0; i < 3000; ++i) live.push_back(one.try_allocate(200, 8));
  std::vector<std::size_t> sizes = upstream.sizes();
  ASSERT_GE(sizes.size(), 4u);
  for (std::size_t i = 1; i < sizes.size(); ++i) EXPECT_EQ(sizes[i], 2 * sizes[i - 1]);
  for (void* each : live) one.deallocate(each, 200, 8);
  settle();
  EXPECT_EQ(upstream.live_blocks(), 1u) << "one stays";
  EXPECT_EQ(upstream.live_bytes(), sizes.back()) << "the longest";
  EXPECT_EQ(one.statistics().held_bytes, upstream.live_bytes());
  one.verify();
  std::size_t taken = upstream.taken();
  void* again = one.try_allocate(200, 8);
  EXPECT_EQ(upstream.taken(), taken) << "and serves";
  void* longer = one.try_allocate(std::size_t{20} << 20, 8);
  one.deallocate(longer, std::size_t{20} << 20, 8);
  settle();
  EXPECT_EQ(upstream.live_blocks(), 1u) << "that of one long block goes at once";
  one.deallocate(again, 200, 8);
  ASSERT_NE(one.try_allocate(300, 8), nullptr);
  one.release();
  EXPECT_EQ(upstream.live_blocks(), 0u);
  one.verify();
  EXPECT_NE(one.try_allocate(300, 8), nullptr);
}

// No memory: null, and nothing is lost or taken.
template <class Resource>
void expect_exhaustion_is_harmless(Resource& limited, test_upstream& upstream) {
  std::size_t most = limited.statistics().held_bytes;
  EXPECT_EQ(limited.try_allocate(SIZE_MAX, 1), nullptr);
  EXPECT_EQ(limited.try_allocate(SIZE_MAX - 40, 16), nullptr);
  EXPECT_EQ(limited.try_allocate(1, std::size_t{1} << 63), nullptr);
  EXPECT_EQ(limited.statistics().held_bytes, most);
  // Upstream fails at each of its calls in turn.
  for (std::size_t left = 0; left < 5; ++left) {
    upstream.left = left;
    Resource failing(&upstream);
    std::size_t blocks = 0;
    while (failing.try_allocate(3000, 64) != nullptr) ++blocks;
    EXPECT_EQ(blocks == 0, left == 0);
    EXPECT_EQ(failing.statistics().live_blocks, blocks);
    failing.verify();
  }
  upstream.left = SIZE_MAX;
}

template <class Resource>
void expect_any_alignment(Resource& one) {
  struct held {
    void* start;
    std::size_t bytes, alignment;
  };
  std::vector<held> live;
  for (std::size_t bytes : {0U, 1U, 24U, 25U, 40U, 100U, 512U, 5000U}) {
    for (std::size_t alignment = 1; alignment <= 65536; alignment *= 2) {
      void* start = one.try_allocate(bytes, alignment);
      ASSERT_NE(start, nullptr);
      EXPECT_EQ(detail::address_of(start) % alignment, 0u);
      std::memset(start, 0xab, bytes);
      live.push_back({start, bytes, alignment});
      one.verify();
    }
  }
  std::shuffle(live.begin(), live.end(), std::mt19937{3});
  for (const held& each : live) one.deallocate(each.start, each.bytes, each.alignment);
  one.verify();
  EXPECT_EQ(one.statistics().used_bytes, 0u);
}

// ---- Misuse, each told from the others. For death tests.

// As the program's stray write, which AddressSanitizer would see.
inline void smash(std::uintptr_t at, std::uint64_t mask) {
  detail::store(at, detail::load(at) ^ mask);
}

template <class Resource>
void expect_wrong_frees_stop(const std::string& name) {
  std::string prefix = "strata: " + name + ": ";
  exact_buffer buffer(4096);
  Resource one(buffer.span());
  auto* block = static_cast<std::byte*>(one.try_allocate(200, 8));
  auto* gone = static_cast<std::byte*>(one.try_allocate(100, 8));
  auto* other = static_cast<std::byte*>(one.try_allocate(100, 8));
  std::memset(block, 0x21, 200);
  alignas(16) std::array<std::byte, 64> outside{};
  one.deallocate(gone, 100, 8);
  EXPECT_DEATH(one.deallocate(gone, 100, 8), prefix + "double free: address 0x");
  for (std::ptrdiff_t inside : {1, 8, 16, 48, 192}) {
    EXPECT_DEATH(one.deallocate(block + inside, 100, 1), prefix + "invalid free: inside a block");
  }
  EXPECT_DEATH(one.deallocate(&outside[16], 16, 8), prefix + "invalid free: not a block");
  EXPECT_DEATH(one.deallocate(nullptr, 16, 8), prefix + "invalid free: not a block");
  EXPECT_DEATH(one.deallocate(detail::pointer_to(16), 16, 8), prefix + "invalid free: not a block");
  Resource elsewhere;
  void* theirs = elsewhere.try_allocate(100, 8);
  EXPECT_DEATH(one.deallocate(theirs, 100, 8), prefix + "invalid free: not a block");
  EXPECT_DEATH(one.deallocate(block, 100, 8), prefix + "free with a size or alignment");
  EXPECT_DEATH(one.deallocate(block, 300, 8), prefix + "free with a size or alignment");
  EXPECT_DEATH(one.deallocate(block, 200, 1 << 20), prefix + "free with a size or alignment");
  // Merged with both neighbours, and part of a longer block since: its old tag is no tag any more.
  one.deallocate(other, 100, 8);
  EXPECT_DEATH(one.deallocate(other, 100, 8), prefix + "double free");
  ASSERT_NE(one.try_allocate(4096 - 224 - 8, 8), nullptr);
  EXPECT_DEATH(one.deallocate(other, 100, 8), prefix);
  one.release();
  ASSERT_NE(one.try_allocate(3000, 8), nullptr);
  EXPECT_DEATH(one.deallocate(block, 200, 8), prefix) << "from before the release";
}

template <class Resource>
void expect_stray_writes_stop(const std::string& name) {
  std::string prefix = "strata: " + name + ": ";
  exact_buffer buffer(4096);
  Resource one(buffer.span());
  std::array<std::uintptr_t, 4> at{};  // descending
  for (auto& each : at) each = detail::address_of(one.try_allocate(120, 8));
  ASSERT_EQ(at[0] - at[1], 128u);
  auto give = [&](std::size_t i) { one.deallocate(detail::pointer_to(at[i]), 120, 8); };
  for (std::uint64_t mask : {std::uint64_t{0x80}, std::uint64_t{1}, ~std::uint64_t{2}}) {
    smash(at[1] - 8, mask);
    EXPECT_DEATH(give(2), prefix + "write past the end of a block");
    EXPECT_DEATH(give(1), prefix + "corrupted metadata");
    EXPECT_DEATH(one.verify(), prefix + "corrupted metadata");
    smash(at[1] - 8, mask);
  }
  smash(at[1] - 8, 2);  // says that the block before is free
  EXPECT_DEATH(give(1), prefix + "corrupted metadata");
  EXPECT_DEATH(one.verify(), prefix + "corrupted metadata");
  smash(at[1] - 8, 2);
  one.verify();
  // A free block: its tag, its links, and its size at its end.
  give(1);
  smash(at[1] - 8, 0x40);
  EXPECT_DEATH(give(2), prefix + "write past the end of a block");
  EXPECT_DEATH(one.verify(), prefix + "corrupted metadata");
  EXPECT_DEATH(
      for (int i = 0; i < 500; ++i) { EXPECT_NE(one.try_allocate(24, 8), nullptr); },
      prefix + "corrupted metadata");
  smash(at[1] - 8, 0x40);
  for (std::size_t link : {0U, 8U}) {
    for (std::uint64_t mask : {std::uint64_t{0x10}, 0x1212'1212'1212'1212U}) {
      smash(at[1] + link, mask);
      EXPECT_DEATH(give(2), prefix + "corrupted metadata");
      EXPECT_DEATH(one.verify(), prefix + "corrupted metadata");
      smash(at[1] + link, mask);
    }
  }
  smash(at[1] + 128 - 16, 0x20);
  EXPECT_DEATH(give(0), prefix + "corrupted metadata") << "the size at its end";
  EXPECT_DEATH(one.verify(), prefix + "corrupted metadata");
  smash(at[1] + 128 - 16, 0x20);
  one.verify();
}

// What AddressSanitizer sees, where it is there to see.
template <class Resource>
void expect_strays_are_poisoned() {
  Resource one;
  auto* block = static_cast<char*>(one.try_allocate(100, 8));
  EXPECT_DEATH(block[100] = 1, "use-after-poison");
  EXPECT_DEATH(block[-1] = 1, "use-after-poison");
  one.deallocate(block, 100, 8);
  EXPECT_DEATH(block[50] = 1, "use-after-poison");
}

}  // namespace strata
