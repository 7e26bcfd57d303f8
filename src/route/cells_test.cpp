#include "route/cells.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "route/seat.hpp"

namespace strata::route {
namespace {

std::uintptr_t at(void* block) { return base::address_of(block); }

class Cells : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(region::where.bytes != 0 || region::set_up()); }
  void* make(std::size_t bytes) { return own_.pools.allocate(bytes, &own_); }
  void go(void* cell) { own_.pools.go(region::chunk_of_block(cell), at(cell)); }
  seat own_;
};

TEST_F(Cells, AreAsLongAsTheirClass) {
  void* small = make(16);
  void* longer = make(4096);
  EXPECT_EQ(region::size_of(region::chunk_of_block(small), at(small)), 16u);
  EXPECT_EQ(region::size_of(region::chunk_of_block(longer), at(longer)), 4096u);
  EXPECT_EQ(at(make(16)), at(small) + 16);
  EXPECT_EQ(make(4112), nullptr);
}

TEST_F(Cells, AreUsedAgain) {
  std::set<void*> first;
  for (int i = 0; i < 3 * 4096; ++i) first.insert(make(16));  // three chunks
  EXPECT_EQ(first.size(), 3u * 4096);
  for (void* one : first) go(one);
  const std::size_t charged = region::charged_bytes();
  for (int i = 0; i < 3 * 4096; ++i) EXPECT_EQ(first.count(make(16)), 1u);
  EXPECT_EQ(region::charged_bytes(), charged);
}

TEST_F(Cells, ChunksWithoutAnyGiveTheirPagesBack) {
  std::vector<void*> all;
  const std::size_t before = region::taken_bytes();
  for (int i = 0; i < 4 * 1024; ++i) all.push_back(make(64));  // four chunks
  EXPECT_EQ(region::taken_bytes() - before, 4 * unit_bytes);
  for (void* one : all) go(one);
  EXPECT_LE(region::taken_bytes() - before, unit_bytes);
  // And serve another class.
  const std::size_t charged = region::charged_bytes();
  for (int i = 0; i < 3 * 16; ++i) ASSERT_NE(make(4096), nullptr);
  EXPECT_EQ(region::charged_bytes(), charged);
}

TEST_F(Cells, TheLastClassHasWhateverLength) {
  constexpr std::size_t bytes = 3 * unit_bytes + 160;
  void* first = own_.pools.allocate_of_last(bytes, &own_);
  void* second = own_.pools.allocate_of_last(bytes, &own_);
  std::memset(first, 1, bytes);
  std::memset(second, 2, bytes);
  EXPECT_EQ(region::size_of(region::chunk_of_block(first), at(first)), bytes);
  go(first);
  EXPECT_EQ(own_.pools.allocate_of_last(bytes, &own_), first);
  EXPECT_EQ(static_cast<char*>(second)[bytes - 1], 2);
}

TEST_F(Cells, ComeBackFromOtherThreads) {
  std::set<void*> known;
  std::vector<void*> now;
  for (int i = 0; i < 4096; ++i) now.push_back(make(32));
  known.insert(now.begin(), now.end());
  for (int round = 0; round < 20; ++round) {
    std::thread other([&] {
      for (void* one : now) own_.pools.go_elsewhere(region::chunk_of_block(one), at(one));
    });
    other.join();
    for (void*& one : now) {
      one = make(32);
      ASSERT_EQ(known.count(one), 1u) << "a new one, though " << known.size() << " were free";
    }
    ASSERT_EQ(std::set<void*>(now.begin(), now.end()).size(), now.size());
  }
}

TEST_F(Cells, AWriteAfterTheFreeIsNoticed) {
  auto* first = static_cast<std::uintptr_t*>(make(48));
  go(first);
  *first = 1;
  EXPECT_DEATH(make(48), "write to freed memory.*48 bytes");
}

}  // namespace
}  // namespace strata::route
