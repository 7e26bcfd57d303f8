#include "cli/model/capture/events.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

namespace strata::cli::capture {
namespace {

// Events of three threads that free each other's blocks, as a recorder names them.
std::vector<event> some_events(int count) {
  std::mt19937_64 dice(1);
  event_history names;
  names.meet_thread(2);
  std::vector<event> all;
  std::vector<std::uint64_t> live;
  std::uint64_t time_ms = 0;
  for (int i = 0; i < count; ++i) {
    event one;
    one.kind = static_cast<wire::entry_kind>(dice() % wire::entry_kinds);
    one.thread = static_cast<std::uint32_t>(dice() % 3);
    one.time_ms = time_ms += dice() % 20 == 0 ? dice() % 1000 : 0;
    if (one.makes()) {
      one.size = dice() >> (dice() % 64);
      one.node = static_cast<std::uint32_t>(dice() % 500);
      live.push_back(one.block = names.next_block(one.thread));
    } else if (one.ends() && !live.empty() && dice() % 10 != 0) {  // otherwise nobody saw it come
      std::swap(live[dice() % live.size()], live.back());
      one.block = live.back();
      live.pop_back();
    }
    if (one.kind == wire::entry_kind::resize_out) names.resized(one.thread) = one.block;
    if (one.kind == wire::entry_kind::resize_back) one.block = names.resized(one.thread);
    all.push_back(one);
  }
  return all;
}

TEST(Events, ComeBack) {
  const std::vector<event> all = some_events(10000);
  event_history writers;
  event_history readers;
  for (event_history* one : {&writers, &readers}) {
    one->meet_thread(2);
    one->meet_nodes(500);
  }
  event_columns columns;
  std::size_t read_count = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].makes()) {
      EXPECT_EQ(writers.next_block(all[i].thread), all[i].block);
    }
    columns.add(all[i], writers);
    if (i % 1000 != 999) continue;
    byte_writer to;
    columns.put(to);
    EXPECT_TRUE(columns.empty());
    byte_reader from(to.bytes());
    event_reader events(from, readers);
    event read;
    for (; events.next(read); ++read_count) {
      const event& one = all[read_count];
      EXPECT_EQ(read.kind, one.kind);
      EXPECT_EQ(read.thread, one.thread);
      EXPECT_EQ(read.block, one.block);
      EXPECT_EQ(read.size, one.size);
      EXPECT_EQ(read.node, one.node);
      EXPECT_EQ(read.time_ms, one.time_ms);
    }
    EXPECT_TRUE(events.good());
  }
  EXPECT_EQ(read_count, all.size());
}

// What repeats is expected: no sizes, no nodes, one byte for a block that goes.
TEST(Events, RepetitionNeedsLittle) {
  event_history history;
  history.meet_thread(1);
  history.meet_nodes(10);
  event_columns columns;
  std::vector<std::uint64_t> old;
  constexpr std::size_t rounds = 1000;
  for (std::size_t i = 0; i < rounds; ++i) {
    for (std::uint32_t node : {4U, 9U}) {
      event one{wire::entry_kind::allocate, 1, node, history.next_block(1), 100 * node, 0};
      columns.add(one, history);
      if (node == 9) old.push_back(one.block);
      if (node == 4) columns.add({wire::entry_kind::deallocate, 1, 0, one.block, 0, 0}, history);
    }
  }
  for (std::uint64_t one : old)
    columns.add({wire::entry_kind::deallocate, 1, 0, one, 0, 0}, history);
  // A byte an event, one more for those that go, and a little at the start.
  EXPECT_LT(columns.size(), 6 * rounds + 100);
}

// Whatever the columns have, what is read names blocks that were made.
TEST(Events, AnythingIsReadWithinBounds) {
  std::mt19937_64 dice(4);
  for (int i = 0; i < 2000; ++i) {
    byte_writer to;
    to.number(100);
    for (int column = 0; column < 4; ++column) {
      std::string bytes;
      for (int k = 0; k < 100; ++k)
        bytes += static_cast<char>(dice() % 8 == 0 ? dice() : dice() % 8);
      to.text(bytes);
    }
    event_history history;
    history.meet_thread(2);
    history.meet_nodes(3);
    byte_reader from(to.bytes());
    event_reader events(from, history);
    std::uint64_t made = 0;
    for (event one; events.next(one);) {
      if (one.makes()) ++made;
      EXPECT_LT(one.node, 3u);
      EXPECT_LE(one.thread, 2u);
      EXPECT_LE(event_history::maker_of(one.block), 2u);
      EXPECT_LE(one.block & 0xffffffffff, made);
    }
  }
}

}  // namespace
}  // namespace strata::cli::capture
