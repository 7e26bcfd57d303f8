#include <strata/watch.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include <strata/account.hpp>
#include <strata/buffer_arena.hpp>
#include <strata/buffer_pool.hpp>
#include <strata/bump.hpp>
#include <strata/byte_buffer_pool.hpp>
#include <strata/compose.hpp>
#include <strata/direct_buffer.hpp>
#include <strata/frame_pool.hpp>
#include <strata/object_pool.hpp>
#include <strata/pools.hpp>
#include <strata/slab.hpp>
#include <strata/stack_pool.hpp>
#include <strata/thread_front.hpp>
#include <strata/tlsf.hpp>

extern "C" strata_watch_table strata_watch_root;

namespace strata {
namespace {

using testing::HasSubstr;

std::vector<watched_figures> all_watched() {
  std::vector<watched_figures> found;
  each_watched([&](const watched_figures& each) { found.push_back(each); });
  return found;
}

const strata_watch_row& row_of(const char* name) {
  for (std::uint32_t i = 0; i < strata_watch_root.count; ++i) {
    if (std::strcmp(strata_watch_root.rows[i].name, name) == 0) return strata_watch_root.rows[i];
  }
  ADD_FAILURE() << "no row " << name;
  static const strata_watch_row none = {};
  return none;
}

std::string as_json() {
  std::string text(strata_watch_json(nullptr, 0), '\0');
  EXPECT_EQ(strata_watch_json(text.data(), text.size() + 1), text.size());
  return text;
}

TEST(Watch, FiguresAreThoseThatWerePublished) {
  bump arena;
  watched shown{arena, "of one thread"};
  ASSERT_NE(arena.try_allocate(100, 8), nullptr);
  std::vector<watched_figures> found = all_watched();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_STREQ(found[0].name, "of one thread");
  EXPECT_STREQ(found[0].kind, "bump");
  EXPECT_EQ(found[0].resource, &arena);
  EXPECT_EQ(found[0].live_bytes, 0u) << "nobody but its thread asks it";
  shown.publish();
  found = all_watched();
  EXPECT_EQ(found[0].live_bytes, arena.statistics().used_bytes);
  EXPECT_EQ(found[0].held_bytes, arena.statistics().held_bytes);
  EXPECT_EQ(found[0].live_blocks, STRATA_WATCH_NONE);
  arena.reset();
  shown.publish();
  EXPECT_EQ(all_watched()[0].live_bytes, 0u);
  EXPECT_EQ(all_watched()[0].peak_live_bytes, arena.statistics().peak_used_bytes);
}

TEST(Watch, WhatAnyThreadMayAskIsAsked) {
  synchronized<tlsf> one;
  watched shown{one, "of any thread"};
  ASSERT_NE(one.try_allocate(100, 8), nullptr);
  EXPECT_EQ(all_watched()[0].live_blocks, 1u);
  EXPECT_THAT(all_watched()[0].kind, HasSubstr("synchronized<"));
}

struct thing {
  std::array<char, 100> bytes{};
};

TEST(Watch, EveryKindShowsItself) {
  slab slabs{64};
  pools some_pools;
  synchronized_pools threads_pools;
  thread_front<tlsf> front;
  buffer_pool buffers;
  buffer_arena arena;
  stack_pool stacks;
  direct_budget budget(1 << 20);
  object_pool<thing> objects;
  byte_buffer_pool bytes;
  account owner("the owner");
  frame_pool frames(stacks);
  watched a{slabs, "a"};
  watched b{some_pools, "b"};
  watched c{threads_pools, "c"};
  watched d{front, "d"};
  watched e{buffers, "e"};
  watched f{arena, "f"};
  watched g{stacks, "g"};
  watched h{budget, "h"};
  watched i{objects, "i"};
  watched j{bytes, "j"};
  watched k{owner};
  watched l{frames, "l"};
  pooled_buffer buffer = buffers.acquire(1000);
  object_pool<thing>::handle object = objects.get();
  ASSERT_TRUE(owner.charge(77));
  std::vector<watched_figures> found = all_watched();
  ASSERT_EQ(found.size(), 12u);
  std::vector<std::string> kinds;
  for (const watched_figures& each : found) kinds.emplace_back(each.kind);
  EXPECT_EQ(kinds[2], "synchronized_pools");
  EXPECT_THAT(kinds[3], HasSubstr("thread_front<"));
  EXPECT_EQ(found[4].live_bytes, 1000u);
  EXPECT_THAT(kinds[8], HasSubstr("object_pool<"));
  EXPECT_GE(found[8].live_bytes, sizeof(thing));
  EXPECT_EQ(found[8].live_blocks, 1u);
  EXPECT_EQ(found[9].live_bytes, STRATA_WATCH_NONE) << "its buffers differ";
  EXPECT_STREQ(found[10].name, "the owner");
  EXPECT_EQ(found[10].live_bytes, 77u);
  owner.relieve(77);
}

TEST(Watch, AResourceOfOnesOwn) {
  struct own {
    resource_statistics statistics() { return {50, 40, 45, 3}; }
  } mine;
  watched shown{mine, "mine"};
  EXPECT_EQ(all_watched()[0].peak_live_bytes, 45u);
  EXPECT_EQ(row_of("mine").live_blocks, 3u);
}

TEST(Watch, ARowIsForAllOfItsName) {
  std::optional<bump> first(std::in_place);
  bump second;
  std::optional<watched<bump>> one(std::in_place, *first, "requests");
  std::optional<watched<bump>> two(std::in_place, second, "requests");
  ASSERT_NE(first->try_allocate(100, 8), nullptr);
  ASSERT_NE(second.try_allocate(3000, 8), nullptr);
  one->publish();
  two->publish();
  const strata_watch_row& row = row_of("requests");
  EXPECT_EQ(row.instances, 2u);
  EXPECT_EQ(row.live_bytes, 3100u);
  EXPECT_EQ(row.peak_live_bytes, 3000u) << "of one";
  one.reset();
  EXPECT_EQ(row.live_bytes, 3000u);
  ASSERT_NE(second.try_allocate(1000, 8), nullptr);
  two.reset();  // publishes
  EXPECT_EQ(row.instances, 0u);
  EXPECT_EQ(row.made, 2u);
  EXPECT_EQ(row.live_bytes, 4000u) << "what the last had at its end";
  {
    bump third;
    watched three{third, "requests"};
    EXPECT_EQ(row.live_bytes, 0u);
    slab other{16};
    watched of_another_kind{other, "requests"};
    EXPECT_EQ(row.instances, 1u);
  }
  EXPECT_EQ(row.made, 3u);
}

TEST(Watch, AVisitorMayDoAnything) {
  bump arena;
  std::vector<std::unique_ptr<watched<bump>>> some;
  for (int i = 0; i < 10; ++i)
    some.push_back(std::make_unique<watched<bump>>(arena, "n" + std::to_string(i)));
  std::string seen;
  each_watched([&](const watched_figures& each) {
    seen += each.name;
    if (seen == "n0") some[0].reset();      // the one that is seen
    if (seen == "n0n1") some[2].reset();    // the next
    if (seen == "n0n1n3") some[1].reset();  // the one before
  });
  EXPECT_EQ(seen, "n0n1n3n4n5n6n7n8n9");
  EXPECT_THROW(each_watched([](const watched_figures&) { throw 7; }), int);
}

TEST(Watch, Json) {
  bump arena;
  watched shown{arena, "a \"name\"\n"};
  ASSERT_NE(arena.try_allocate(24, 8), nullptr);
  shown.publish();
  std::string text = as_json();
  EXPECT_THAT(text, HasSubstr(R"({"name":"a \"name\"\u000a","kind":"bump","instances":1,"made":1,)"
                              R"("live_bytes":24,"live_blocks":null,)"));
  char little[10];
  EXPECT_EQ(strata_watch_json(little, sizeof little), text.size());
  EXPECT_STREQ(little, "{\"resourc");
}

// For ThreadSanitizer.
TEST(Watch, ThreadsComeAndGoWhileOthersLook) {
  thread_front<tlsf> common;
  watched of_all{common, "common"};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      do {
        bump arena;
        watched shown{arena, "coming and going"};
        for (int j = 0; j < 10; ++j) {
          if (arena.try_allocate(100, 8) == nullptr) std::abort();
          common.deallocate(common.try_allocate(50, 8), 50, 8);
          shown.publish();
        }
      } while (!stop.load());
    });
  }
  std::size_t most = 0;
  std::string text(20'000, '\0');
  for (int i = 0; i < 300; ++i) {
    std::size_t now = 0;
    each_watched([&](const watched_figures& each) {
      ++now;
      EXPECT_LE(each.live_bytes, std::max<std::uint64_t>(each.held_bytes, 1000));
    });
    most = std::max(most, now);
    EXPECT_LE(strata_watch_json(text.data(), text.size()), text.size());
    of_all.publish();
  }
  EXPECT_GE(most, 1u);
  stop = true;
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(row_of("coming and going").instances, 0u);
  EXPECT_GE(row_of("coming and going").made, 3u);
}

// The last: it leaves no row for others.
TEST(Watch, LongNamesAreCutAndManyAreCounted) {
  bump arena;
  std::string longest(200, 'x');
  {
    watched shown{arena, longest};
    EXPECT_EQ(std::strlen(all_watched()[0].name), 47u);
  }
  std::uint32_t unlisted = strata_watch_root.unlisted;
  std::vector<std::unique_ptr<watched<bump>>> many;
  for (int i = 0; i < STRATA_WATCH_ROWS + 5; ++i)
    many.push_back(std::make_unique<watched<bump>>(arena, "many " + std::to_string(i)));
  EXPECT_EQ(all_watched().size(), many.size());
  EXPECT_EQ(strata_watch_root.count, static_cast<std::uint32_t>(STRATA_WATCH_ROWS));
  EXPECT_GE(strata_watch_root.unlisted, unlisted + 5);
  many.back()->publish();
}

}  // namespace
}  // namespace strata
