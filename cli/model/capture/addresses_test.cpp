#include "cli/model/capture/addresses.hpp"

#include <gtest/gtest.h>

#include <random>

#include "cli/model/capture/recording_test.hpp"

namespace strata::cli::capture {
namespace {

// Blocks of a few sizes and of any, at neighbouring addresses and at any, and what is no block between them.
std::vector<event> some_events(int count) {
  std::mt19937_64 dice(7);
  std::vector<event> all;
  std::uint64_t next = std::uint64_t{1} << 46;
  for (int i = 0; i < count; ++i) {
    event one = made(0, dice() % 4 == 0 ? dice() : 16 * (dice() % 50), 1, dice() % 3);
    one.address = dice() % 8 == 0 ? dice() : next += one.size % 4096;
    if (dice() % 5 == 0) one = gone(0);
    all.push_back(one);
  }
  return all;
}

TEST(Addresses, ComeBack) {
  address_column column;
  address_reader reader;
  std::vector<event> part;
  for (const event& one : some_events(20'000)) {
    if (one.makes()) column.add(one);
    part.push_back(one);
    if (part.size() < 1000) continue;
    byte_writer to;
    column.put(to);
    EXPECT_TRUE(column.empty());
    byte_reader from(to.bytes());
    reader.take(from);
    for (event read : part) {
      const std::uint64_t address = std::exchange(read.address, 0);
      reader.place(read);
      EXPECT_EQ(read.address, address);
    }
    EXPECT_TRUE(reader.ends());
    part.clear();
  }
}

TEST(Addresses, NeighboursNeedLittle) {
  address_column column;
  constexpr std::uint64_t blocks = 1000;
  for (std::uint64_t i = 0; i < blocks; ++i) {
    for (std::uint64_t size : {32U, 48U, 64U}) {
      column.add(at(size << 32 | (i * size), made(0, size)));
    }
  }
  EXPECT_LT(column.size(), 2 * 3 * blocks + 100);
}

TEST(Addresses, AsManyAsBlocks) {
  const auto ends_with = [](int addresses, int blocks) {
    address_column column;
    for (int i = 0; i < addresses; ++i) column.add(at(4096, made(0, 8)));
    byte_writer to;
    column.put(to);
    byte_reader from(to.bytes());
    address_reader reader;
    reader.take(from);
    for (int i = 0; i < blocks; ++i) {
      event one = made(0, 8);
      reader.place(one);
    }
    return reader.ends();
  };
  EXPECT_TRUE(ends_with(3, 3));
  EXPECT_FALSE(ends_with(3, 2));
  EXPECT_FALSE(ends_with(3, 4));
}

// Events that have no addresses in front of them have none.
TEST(Addresses, NotWhereThereAreNone) {
  address_reader reader;
  event one = made(0, 8);
  reader.place(one);
  EXPECT_EQ(one.address, 0u);
  EXPECT_TRUE(reader.ends());
}

}  // namespace
}  // namespace strata::cli::capture
