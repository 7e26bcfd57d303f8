#include <strata/diagnose.hpp>

#include <array>
#include <memory>

#include <strata/bump.hpp>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

class Diagnose : public testing::Test {
 protected:
  static unsigned char* bytes_of(void* block) { return static_cast<unsigned char*>(block); }

  test_upstream upstream_;
};

// ---- Fenced

TEST_F(Diagnose, FencedAgreesWithTheModel) {
  fenced<tracked<>> memory(&upstream_);
  run_model(memory, {.operations = 4000});
  run_containers(memory);
  fenced<> alone(&upstream_);
  run_model(alone, {.operations = 4000, .most_alignment = 4096, .seed = 2});
  expect_regions_add_up(alone);
}

TEST_F(Diagnose, FreshAndFreedMemoryStandOut) {
  std::array<std::byte, 1024> buffer;
  fenced<bump> memory(buffer, std::pmr::null_memory_resource());
  unsigned char* block = bytes_of(memory.try_allocate(100, 8));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(block[i], 0xcd);
  EXPECT_EQ(block[100], 0xfd);
  EXPECT_EQ(block[-1], 0xfd);
  std::memset(block, 0, 100);
  memory.deallocate(block, 100, 8);
  detail::unpoison(block, 100);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(block[i], 0xdd);
}

TEST_F(Diagnose, FencesOfEveryAlignmentHold) {
  fenced<> memory(&upstream_);
  for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2) {
    for (std::size_t bytes : {0u, 1u, 15u, 16u, 100u}) {
      void* block = memory.try_allocate(bytes, alignment);
      EXPECT_EQ(detail::address_of(block) % alignment, 0u);
      std::memset(block, 0xff, bytes);
      memory.verify();
      memory.deallocate(block, bytes, alignment);
    }
  }
  EXPECT_EQ(memory.try_allocate(SIZE_MAX, 1), nullptr);
  for (std::size_t less = 0; less < 200; less += 8) {
    EXPECT_EQ(memory.try_allocate(SIZE_MAX - less, 64), nullptr);
  }
  EXPECT_EQ(memory.statistics().live_blocks, 0u);
}

class FencedDeathTest : public Diagnose {
 protected:
  // The memory of a bump stays, and with it what freed blocks tell.
  fenced<bump> memory_{&upstream_};
  unsigned char* block_ = bytes_of(memory_.try_allocate(40, 8));
};

TEST_F(FencedDeathTest, NamesOverflowAndUnderflow) {
  void* older = memory_.try_allocate(40, 64);
  constexpr auto overflow =
      "strata: fenced: write past the end of a block: address 0x.*, block of 40 bytes";
  constexpr auto underflow =
      "strata: fenced: write before the start of a block: address 0x.*, block of 40 bytes";
  for (int at : {40, 41, 55}) {
    EXPECT_DEATH((block_[at] ^= 1, memory_.deallocate(block_, 40, 8)), overflow) << at;
  }
  for (int at : {-1, -16, -17, -24, -40}) {
    EXPECT_DEATH((std::memset(block_ + at, 0, std::size_t(-at)), memory_.deallocate(block_, 40, 8)),
                 underflow)
        << at;
  }
  EXPECT_DEATH((block_[40] = 0, memory_.verify()), overflow);
  EXPECT_DEATH((block_[-1] = 0, memory_.verify()), underflow);
  memory_.deallocate(older, 40, 64);
  memory_.deallocate(block_, 40, 8);
}

TEST_F(FencedDeathTest, LiveBlocksAreLookedAtInTheEnd) {
  EXPECT_DEATH(
      {
        fenced<bump> memory(&upstream_);
        bytes_of(memory.try_allocate(24, 8))[24] = 0;
      },
      "strata: fenced: write past the end of a block: address 0x.*, block of 24 bytes");
}

TEST_F(FencedDeathTest, NamesWrongFrees) {
  EXPECT_DEATH(memory_.deallocate(block_, 41, 8), "free with a size .* block of 40 bytes");
  EXPECT_DEATH(memory_.deallocate(block_, 40, 32), "free with a size or alignment");
  std::array<unsigned char, 256> foreign{};
  EXPECT_DEATH(memory_.deallocate(&foreign[128], 40, 8), "not a block of this resource");
}

#if !STRATA_UNDER_ASAN
TEST_F(FencedDeathTest, NamesADoubleFree) {
  memory_.deallocate(block_, 40, 8);
  EXPECT_DEATH(memory_.deallocate(block_, 40, 8), "strata: fenced: double free: address 0x");
}
#endif

// ---- Tracked

TEST_F(Diagnose, TrackedAgreesWithTheModel) {
  tracked<> memory(&upstream_);
  run_model(memory, {.operations = 5000, .most_live = 2000});
  run_containers(memory);
  tracked<bump> over_bump(&upstream_);
  run_model(over_bump, {.operations = 5000});
  EXPECT_EQ(over_bump.counts().live_blocks, 0u);
}

TEST_F(Diagnose, CountsAreExact) {
  tracked<failing<>> memory(failing_options{.at = 3}, &upstream_);
  void* one = memory.try_allocate(100, 8);
  void* two = memory.try_allocate(0, 1);
  EXPECT_EQ(memory.try_allocate(50, 8), nullptr);
  memory.deallocate(one, 100, 8);
  void* four = memory.try_allocate(7, 1);
  tracked_counts now = memory.counts();
  EXPECT_EQ(now.allocations, 3u);
  EXPECT_EQ(now.deallocations, 1u);
  EXPECT_EQ(now.refusals, 1u);
  EXPECT_EQ(now.total_bytes, 107u);
  EXPECT_EQ(now.live_blocks, 2u);
  EXPECT_EQ(now.live_bytes, 7u);
  EXPECT_EQ(now.peak_live_bytes, 100u);
  EXPECT_EQ(memory.histogram()[0], 1u);
  EXPECT_EQ(memory.histogram()[3], 1u);
  EXPECT_EQ(memory.histogram()[7], 1u);
  memory.deallocate(two, 0, 1);
  memory.deallocate(four, 7, 1);
}

TEST_F(Diagnose, LiveBlocksAreListedWithTheirTags) {
  tracked<> memory(&upstream_);
  void* plain = memory.try_allocate(10, 8);
  void* outer = nullptr;
  void* inner = nullptr;
  void* after = nullptr;
  {
    tracked<>::tag parsing(memory, "parsing");
    outer = memory.try_allocate(20, 32);
    {
      tracked<>::tag names(memory, "names");
      inner = memory.try_allocate(30, 8);
    }
    after = memory.try_allocate(40, 8);
  }
  std::map<const void*, tracked_block> live;
  memory.each_live([&](const tracked_block& one) { live[one.start] = one; });
  ASSERT_EQ(live.size(), 4u);
  EXPECT_EQ(live[plain].tag, nullptr);
  EXPECT_STREQ(live[outer].tag, "parsing");
  EXPECT_EQ(live[outer].alignment, 32u);
  EXPECT_STREQ(live[inner].tag, "names");
  EXPECT_EQ(live[inner].bytes, 30u);
  EXPECT_STREQ(live[after].tag, "parsing");
  EXPECT_EQ(live[after].number, 4u);
  EXPECT_TRUE(memory.owns(static_cast<char*>(inner) + 29));
  EXPECT_FALSE(memory.owns(&live));
  memory.deallocate(plain, 10, 8);
  memory.deallocate(outer, 20, 32);
  memory.deallocate(inner, 30, 8);
  memory.deallocate(after, 40, 8);
}

TEST_F(Diagnose, LeaksAreReported) {
  bump under(&upstream_);
  testing::internal::CaptureStderr();
  {
    tracked<by_reference<bump>> memory(tracked_options{.name = "orders"}, under);
    tracked<by_reference<bump>>::tag lines(memory, "order lines");
    for (int i = 0; i < 12; ++i) EXPECT_NE(memory.try_allocate(10, 8), nullptr);
  }
  std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("strata: orders: 12 blocks of 120 bytes in all are live, process "),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(", 10 bytes, allocation 1, order lines\n"), std::string::npos) << text;
  EXPECT_NE(text.find("allocation 8, "), std::string::npos) << text;
  EXPECT_NE(text.find("  and 4 more\n"), std::string::npos) << text;
  testing::internal::CaptureStderr();
  {
    tracked<by_reference<bump>> quiet(tracked_options{.at_end = leak_report::none}, under);
    EXPECT_NE(quiet.try_allocate(10, 8), nullptr);
    tracked<by_reference<bump>> clean(under);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

// Blocks come and go at many addresses: the table forgets the freed ones and stays small.
TEST_F(Diagnose, TheTableGrowsWithWhatIsLiveAlone) {
  test_upstream tables;
  tracked<bump> memory(tracked_options{.tables = &tables}, &upstream_);
  for (int round = 0; round < 20'000; ++round) {
    void* first = memory.try_allocate(16, 8);
    void* second = memory.try_allocate(16, 8);
    ASSERT_NE(second, nullptr);
    memory.deallocate(first, 16, 8);
    memory.deallocate(second, 16, 8);
  }
  EXPECT_LE(tables.live_bytes(), 64u * 32);
  std::vector<void*> live;
  for (int i = 0; i < 3000; ++i) live.push_back(memory.try_allocate(16, 8));
  memory.verify();
  EXPECT_LE(tables.live_bytes(), 8192u * 32);
  for (void* block : live) memory.deallocate(block, 16, 8);
  memory.verify();
}

TEST_F(Diagnose, WithoutATableThereIsNoBlock) {
  for (std::size_t left = 0; left < 6; ++left) {
    test_upstream tables;
    tables.left = left;
    tracked<> memory(tracked_options{.tables = &tables}, &upstream_);
    std::vector<void*> blocks;
    while (void* block = memory.try_allocate(16, 8)) blocks.push_back(block);
    EXPECT_EQ(blocks.empty(), left == 0);
    EXPECT_EQ(upstream_.live_blocks(), blocks.size());
    memory.verify();
    for (void* block : blocks) memory.deallocate(block, 16, 8);
  }
}

class TrackedDeathTest : public Diagnose {
 protected:
  tracked<> memory_{tracked_options{.name = "orders"}, &upstream_};
};

TEST_F(TrackedDeathTest, NamesWrongFrees) {
  void* block = memory_.try_allocate(40, 8);
  void* gone = memory_.try_allocate(24, 8);
  memory_.deallocate(gone, 24, 8);
  EXPECT_DEATH(memory_.deallocate(gone, 24, 8),
               "strata: orders: double free: address 0x.*, block of 24 bytes");
  EXPECT_DEATH(memory_.deallocate(block, 48, 8), "free with a size or .* block of 40 bytes");
  EXPECT_DEATH(memory_.deallocate(block, 40, 16), "free with a size or alignment");
  EXPECT_DEATH(memory_.deallocate(static_cast<char*>(block) + 8, 32, 8),
               "inside a block, not its start: .*, block of 40 bytes");
  EXPECT_DEATH(memory_.deallocate(detail::pointer_to(16), 40, 8), "not a block of this resource");
  EXPECT_DEATH(memory_.deallocate(nullptr, 40, 8), "not a block of this resource");
  memory_.deallocate(block, 40, 8);
}

TEST_F(TrackedDeathTest, MayStopAtLeaks) {
  bump under(&upstream_);
  EXPECT_DEATH(
      {
        tracked<by_reference<bump>> memory(tracked_options{.at_end = leak_report::stop}, under);
        (void)memory.try_allocate(40, 8);
      },
      "1 block of 40 bytes is live(.|\n)*tracked: destroyed while blocks are live: address 0x");
}

// ---- Failing

TEST_F(Diagnose, TheNthAllocationFails) {
  failing<> memory({.at = 3}, &upstream_);
  for (int call = 1; call <= 10; ++call) {
    void* block = memory.try_allocate(8, 8);
    EXPECT_EQ(block == nullptr, call == 3);
    if (block != nullptr) memory.deallocate(block, 8, 8);
  }
  EXPECT_EQ(memory.failures(), 1u);
  memory.restart({.every = 4});
  for (int call = 1; call <= 10; ++call) {
    void* block = memory.try_allocate(8, 8);
    EXPECT_EQ(block == nullptr, call % 4 == 0);
    if (block != nullptr) memory.deallocate(block, 8, 8);
  }
  EXPECT_EQ(memory.failures(), 2u);
  EXPECT_EQ(memory.calls(), 10u);
}

TEST_F(Diagnose, ASeedTellsWhichFail) {
  auto failures = [&](double probability, std::uint64_t seed) {
    failing<> memory({.probability = probability, .seed = seed}, &upstream_);
    std::vector<bool> failed;
    for (int call = 0; call < 2000; ++call) {
      void* block = memory.try_allocate(8, 8);
      failed.push_back(block == nullptr);
      if (block != nullptr) memory.deallocate(block, 8, 8);
    }
    EXPECT_EQ(memory.failures(),
              static_cast<std::size_t>(std::count(failed.begin(), failed.end(), true)));
    return failed;
  };
  std::vector<bool> once = failures(0.1, 5);
  EXPECT_EQ(once, failures(0.1, 5));
  EXPECT_NE(once, failures(0.1, 6));
  auto count = std::count(once.begin(), once.end(), true);
  EXPECT_GT(count, 120);
  EXPECT_LT(count, 280);
  EXPECT_EQ(failures(0, 1), std::vector<bool>(2000, false));
  EXPECT_EQ(failures(1, 1), std::vector<bool>(2000, true));
}

TEST_F(Diagnose, FailingAgreesWithTheModelAndContainers) {
  failing<tracked<>> memory({.probability = 0.2}, &upstream_);
  run_model(memory, {.operations = 3000});
  EXPECT_GT(memory.failures(), 0u);
  memory.restart({});
  run_containers(memory);
}

}  // namespace
}  // namespace strata
