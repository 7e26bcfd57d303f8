#include "ground/address_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "ground/options.hpp"
#include "ground/page_heap.hpp"

namespace strata::ground {
namespace {

int a_global = 0;
constexpr std::size_t a_small = 7;
constexpr std::size_t a_medium = small_classes + 9;

class AddressMap : public testing::Test {
 protected:
  void SetUp() override {
    if (kind() != ground_kind::none) return;
    read_options();
    ASSERT_TRUE(set_up());
  }

  // A run of the test's own, entered in the map.
  struct entered : run {
    explicit entered(std::size_t count) {
      start = page_heap::take(count).start;
      pages = static_cast<std::uint32_t>(count);
      kind = run_kind::block;
      set_run(start, count, this);
    }
    ~entered() {
      clear_run(start, pages, bytes());
      page_heap::give(start, pages);
    }
    entered(const entered&) = delete;
    entered& operator=(const entered&) = delete;

    [[nodiscard]] void* at(std::size_t offset) const { return base::pointer_to(start + offset); }
  };
};

TEST_F(AddressMap, GroundIsTheOneAskedFor) {
  EXPECT_NE(kind(), ground_kind::none);
  if (option().ground == ground_sparse) {
    EXPECT_EQ(kind(), ground_kind::sparse);
  }
  EXPECT_EQ(contiguous_region() != nullptr, kind() == ground_kind::contiguous);
  EXPECT_EQ(flat.limit == 0, kind() == ground_kind::sparse);
  EXPECT_GE(page_bytes(), 8 * base::KiB);
  EXPECT_EQ(page_bytes(), std::size_t{1} << page_shift());
}

TEST_F(AddressMap, EveryAddressOfARunLeadsToIt) {
  for (std::size_t pages : {1, 2, 17, 128}) {
    entered one(pages);
    for (std::size_t offset = 0; offset < one.bytes(); offset += 4096) {
      ASSERT_EQ(run_of(one.at(offset)), &one) << offset;
    }
    EXPECT_EQ(run_of(one.at(one.bytes() - 1)), &one);
    EXPECT_NE(run_of(one.at(one.bytes())), &one);
  }
}

TEST_F(AddressMap, EveryAddressOfALongRunLeadsToIt) {
  if (kind() != ground_kind::contiguous) GTEST_SKIP() << "sparse ground has no such runs";
  std::size_t a_chunk = chunk_bytes >> page_shift();
  for (std::size_t pages : {a_chunk, a_chunk + 1, 3 * a_chunk, 5 * a_chunk - 1}) {
    entered one(pages);
    entered neighbour(1);
    for (std::size_t offset = 0; offset < one.bytes(); offset += 4096) {
      ASSERT_EQ(run_of(one.at(offset)), &one) << offset;
    }
    EXPECT_NE(run_of(one.at(one.bytes())), &one);
    EXPECT_EQ(run_of(neighbour.at(0)), &neighbour);
  }
}

TEST_F(AddressMap, ARunTakenOutIsGone) {
  std::uintptr_t start = 0;
  {
    entered one(3);
    start = one.start;
  }
  EXPECT_EQ(run_of(base::pointer_to(start)), nullptr);
  EXPECT_EQ(mark_of(base::pointer_to(start)), mark_none);
}

TEST_F(AddressMap, ANoteStaysOfARunTakenOut) {
  for (std::size_t pages : {1, 3, 200}) {
    std::uintptr_t start = 0;
    {
      entered one(pages);
      start = one.start;
      EXPECT_EQ(former_run_of(one.at(0)).start, 0u) << "it is there still";
    }
    std::uintptr_t last = start + (pages - 1) * page_bytes();
    for (std::uintptr_t at : {start, start + 4097, last}) {
      former_run former = former_run_of(base::pointer_to(at));
      EXPECT_EQ(former.start, start);
      EXPECT_EQ(former.block_bytes, pages * page_bytes());
    }
  }
}

TEST_F(AddressMap, ForeignAddressesAreNobodys) {
  int local = 0;
  auto of_libc = std::make_unique<int>();
  entered one(1);  // so that the ground has something at all
  for (const void* address :
       {static_cast<const void*>(nullptr), static_cast<const void*>(&local),
        static_cast<const void*>(of_libc.get()), static_cast<const void*>(&a_global),
        reinterpret_cast<const void*>(&std::malloc), static_cast<const void*>(base::pointer_to(16)),
        static_cast<const void*>(base::pointer_to(UINTPTR_MAX)),
        static_cast<const void*>(base::pointer_to(std::uintptr_t{1} << 63)),
        static_cast<const void*>(base::pointer_to((std::uintptr_t{1} << 47) - 16))}) {
    EXPECT_EQ(run_of(address), nullptr) << address;
    EXPECT_EQ(mark_of(address), mark_none) << address;
    EXPECT_EQ(region_of(base::address_of(address)), nullptr) << address;
  }
}

TEST_F(AddressMap, MarksAreOfOneGranule) {
  entered one(2);
  set_mark(one.at(32), a_small, a_small);
  EXPECT_EQ(mark_of(one.at(32)), a_small);
  for (std::size_t offset : {0, 16, 33, 40, 47, 48}) EXPECT_EQ(mark_of(one.at(offset)), mark_none);
  set_mark(one.at(32), a_small, mark_none);
  EXPECT_EQ(mark_of(one.at(32)), mark_none);
}

TEST_F(AddressMap, StartsAreOfOneGranule) {
  entered one(2);
  for (std::size_t start : {0, 16, 1008, 1024, 5008}) {
    set_mark(one.at(start), a_medium, mark_heap);
    for (std::size_t offset = 0; offset < one.bytes(); offset += 8) {
      ASSERT_EQ(mark_of(one.at(offset)), offset == start ? mark_heap : mark_none) << offset;
    }
    set_mark(one.at(start), a_medium, mark_none);
    EXPECT_EQ(mark_of(one.at(start)), mark_none);
  }
}

TEST_F(AddressMap, ClearedMarksAreGone) {
  entered one(4);
  for (std::size_t number : {a_small, a_medium}) {
    for (std::size_t offset = 0; offset < one.bytes(); offset += 2048) {
      set_mark(one.at(offset), number, static_cast<mark>(number));
    }
    std::size_t kept = page_bytes();
    clear_marks(one.start + kept, one.bytes() - kept, number);
    for (std::size_t offset = 0; offset < one.bytes(); offset += 2048) {
      ASSERT_EQ(mark_of(one.at(offset)), offset < kept ? number : mark_none) << offset;
    }
    clear_marks(one.start, one.bytes(), number);
  }
}

TEST(StartWord, TellsWhereItsBlockStarts) {
  for (std::size_t offset = 0; offset < start_bytes; offset += granule_bytes) {
    start_word word = start_word_of(0x7000'0000'0000 + offset, a_medium);
    EXPECT_EQ(offset_in(word), offset);
    for (std::size_t other = 0; other < start_bytes; other += granule_bytes) {
      ASSERT_EQ(mark_in(word, 4096 + other), other == offset ? a_medium : mark_none);
    }
  }
}

// The fast path's index: rotr(address, 4) is beyond the limit for all but aligned user addresses.
TEST_F(AddressMap, TheFlatMapCoversUserSpaceOnly) {
  if (kind() != ground_kind::contiguous) GTEST_SKIP() << "sparse ground has no flat map";
  entered one(1);
  EXPECT_LE(std::rotr(one.start, 4), flat.limit);
  EXPECT_LE(std::rotr(base::address_of(&one), 4), flat.limit);
  for (std::uintptr_t low = 1; low < 16; ++low)
    EXPECT_GT(std::rotr(one.start + low, 4), flat.limit);
  set_mark(one.at(0), a_small, a_small);
  EXPECT_EQ(flat.marks[one.start / granule_bytes], a_small);
  set_mark(one.at(0), a_small, mark_none);
}

TEST_F(AddressMap, WalkMeetsEveryRegionOnce) {
  // Enough to need more than one region of sparse ground.
  std::vector<std::unique_ptr<entered>> runs;
  for (int i = 0; i < 40; ++i) runs.push_back(std::make_unique<entered>(100));
  std::vector<region*> seen;
  for (region* in = next_region(0); in != nullptr; in = next_region(in->start + in->bytes)) {
    if (!seen.empty()) {
      ASSERT_GE(in->start, seen.back()->start + seen.back()->bytes);
    }
    seen.push_back(in);
  }
  for (const auto& one : runs) {
    EXPECT_EQ(std::count(seen.begin(), seen.end(), region_of(one->start)), 1);
  }
}

}  // namespace
}  // namespace strata::ground
