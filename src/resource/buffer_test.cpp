#include <strata/buffer.hpp>

#include <string>
#include <string_view>
#include <thread>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

class Buffer : public testing::Test {
 protected:
  test_upstream upstream_;
  buffer_arena arena_{&upstream_, {.arenas = 1}};

  buffer filled(std::string_view text) {
    buffer made = arena_.make_buffer(text.size());
    std::memcpy(made.data(), text.data(), text.size());
    return made;
  }
  void expect_nothing_live() { EXPECT_EQ(arena_.statistics().live_blocks, 0u); }
};

std::string text_of(const buffer& one) {
  return {reinterpret_cast<const char*>(one.data()), one.size()};
}
std::string text_of(const composite& one) {
  std::string text(one.size(), '?');
  EXPECT_EQ(one.copy_to(std::as_writable_bytes(std::span(text))), one.size());
  return text;
}

TEST_F(Buffer, HandlesShareTheBytes) {
  buffer one = filled("hello");
  buffer other = one;
  EXPECT_EQ(one.owners(), 2u);
  other.data()[0] = std::byte{'j'};
  EXPECT_EQ(text_of(one), "jello");
  one = filled("else");
  EXPECT_EQ(other.owners(), 1u);
  EXPECT_EQ(text_of(other), "jello");
  other = std::move(one);
  EXPECT_FALSE(one);  // NOLINT(bugprone-use-after-move): empty, as promised
  EXPECT_EQ(text_of(other), "else");
  buffer& same = other;
  other = same;
  EXPECT_EQ(text_of(other), "else");
  other.reset();
  expect_nothing_live();
}

TEST_F(Buffer, EmptyHandlesAndEmptyBuffers) {
  buffer none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.size() + none.capacity() + none.owners(), 0u);
  EXPECT_FALSE(none.slice(0, 0));
  EXPECT_TRUE(none.resize(0));
  EXPECT_FALSE(none.resize(1));
  none.touch("nothing");
  EXPECT_EQ(none.leak(), nullptr);
  EXPECT_FALSE(buffer::adopt(nullptr));
  buffer empty = arena_.make_buffer(0);
  EXPECT_TRUE(empty);
  EXPECT_EQ(empty.size(), 0u);
  empty.reset();
  expect_nothing_live();
}

TEST_F(Buffer, SlicesOutliveWhatTheyWereCutFrom) {
  buffer tail;
  {
    buffer whole = filled("0123456789");
    buffer middle = whole.slice(2, 6);
    tail = middle.slice(4, 2);
    EXPECT_EQ(text_of(middle), "234567");
    EXPECT_EQ(whole.owners(), 3u);
  }
  EXPECT_EQ(tail.owners(), 1u);
  EXPECT_EQ(text_of(tail), "67");
  EXPECT_EQ(tail.capacity(), 4u);
  tail.reset();
  expect_nothing_live();
}

TEST_F(Buffer, SplitTakesTheFrontAway) {
  buffer rest = filled("GET /index HTTP");
  buffer verb = rest.split(3);
  EXPECT_EQ(text_of(verb), "GET");
  EXPECT_EQ(text_of(rest), " /index HTTP");
  buffer all = rest.split(rest.size());
  EXPECT_EQ(rest.size(), 0u);
  EXPECT_EQ(text_of(all), " /index HTTP");
}

TEST_F(Buffer, CopiesAsMuchAsFits) {
  buffer one = filled("abcdef");
  std::array<std::byte, 4> target{};
  EXPECT_EQ(one.copy_to(target), 4u);
  EXPECT_EQ(target[3], std::byte{'d'});
  EXPECT_EQ(one.slice(4, 2).copy_to(target), 2u);
  EXPECT_EQ(target[0], std::byte{'e'});
}

TEST_F(Buffer, GrowsInPlaceWhenAlone) {
  buffer one = arena_.make_buffer(16'384);
  std::memset(one.data(), 7, one.size());
  std::byte* at = one.data();
  {
    buffer other = one;
    EXPECT_FALSE(one.resize(20'000)) << "another looks at it";
    EXPECT_TRUE(one.resize(100)) << "less to look at is no harm";
  }
  EXPECT_TRUE(one.resize(100'000));
  EXPECT_EQ(one.data(), at);
  EXPECT_EQ(one.data()[16'383], std::byte{7});
  EXPECT_EQ(one.capacity(), 100'000u);
  std::memset(one.data(), 8, one.size());
  buffer part = one.slice(90'000, 10);
  one.reset();
  EXPECT_TRUE(part.resize(20'000));
  EXPECT_FALSE(part.resize(SIZE_MAX - 5));
  part.reset();
  expect_nothing_live();
  arena_.verify();
}

TEST_F(Buffer, ExhaustionIsAnEmptyHandle) {
  buffer_arena small(&upstream_, {.chunk_bytes = 65'536, .arenas = 1, .most_bytes = 100'000});
  std::vector<buffer> held;
  while (buffer one = small.try_buffer(1000)) held.push_back(std::move(one));
  EXPECT_GT(held.size(), 20u);
  EXPECT_THROW(static_cast<void>(small.make_buffer(1000)), std::bad_alloc);
  std::size_t blocks = small.statistics().live_blocks;
  EXPECT_EQ(blocks, 2 * held.size()) << "half of a buffer goes back";
  held.clear();
  EXPECT_TRUE(small.try_buffer(1000));
}

TEST_F(Buffer, CompositeLooksAtSeveralAsOne) {
  composite message(arena_);
  message.append(filled("Hello, "));
  message.append(filled(""));
  message.append(filled("wide "));
  message.append(filled("world"));
  EXPECT_EQ(message.parts().size(), 3u) << "empty ones are left out";
  EXPECT_EQ(text_of(message), "Hello, wide world");
  EXPECT_EQ(message[0], std::byte{'H'});
  EXPECT_EQ(message[7], std::byte{'w'});
  EXPECT_EQ(message[16], std::byte{'d'});
  const std::string whole = "Hello, wide world";
  for (std::size_t from = 0; from <= whole.size(); ++from) {
    for (std::size_t length = 0; from + length <= whole.size(); ++length) {
      EXPECT_EQ(text_of(message.slice(from, length)), whole.substr(from, length));
    }
  }
  composite head = message.split(9);
  EXPECT_EQ(text_of(head), "Hello, wi");
  EXPECT_EQ(text_of(message), "de world");
  head.append(message);
  EXPECT_EQ(text_of(head), whole);
  EXPECT_EQ(text_of(head.flatten()), whole);
  EXPECT_EQ(head.slice(0, 3).flatten().data(), head.parts()[0].data()) << "one part is not copied";
  composite moved = std::move(head);
  EXPECT_EQ(head.size(), 0u);  // NOLINT(bugprone-use-after-move): empty, as promised
  EXPECT_EQ(moved.size(), whole.size());
  std::array<std::byte, 4> some{};
  EXPECT_EQ(moved.copy_to(some, 5), 4u);
  EXPECT_EQ(some[2], std::byte{'w'});
}

TEST_F(Buffer, HandlesOfOneBufferInManyThreads) {
  buffer shared = filled("together");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([own = shared] {
      for (std::size_t turn = 0; turn < 2000; ++turn) {
        buffer part = own.slice(turn % 8, 1);
        buffer again = part;
        ASSERT_EQ(again.data()[0], std::byte(static_cast<unsigned char>("together"[turn % 8])));
      }
    });
  }
  shared.reset();
  for (std::thread& each : threads) each.join();
  threads.clear();
  arena_.verify();
  expect_nothing_live();
}

// ---- Leaks

// What was reported last, for a handler that is a plain function.
std::vector<buffer_leak> reports;
std::vector<std::vector<std::string>> hints;

void collect(const buffer_leak& leak, void*) {
  reports.push_back(leak);
  hints.emplace_back();
  for (const buffer_access& each : leak.accesses) hints.back().emplace_back(each.hint);
}
void collect_at_end(const buffer_leak& leak) { collect(leak, nullptr); }

class BufferLeaks : public testing::Test {
 protected:
  void SetUp() override {
    reports.clear();
    hints.clear();
  }
  buffer_arena_options options(leak_level level) {
    return {.arenas = 1, .leaks = level, .on_leak = &collect_at_end};
  }
  test_upstream upstream_;
};

TEST_F(BufferLeaks, ParanoidFollowsEach) {
  buffer_arena arena(&upstream_, options(leak_level::paranoid));
  std::vector<buffer> held;
  const std::uint32_t line = __LINE__ + 1;
  for (int i = 0; i < 50; ++i) held.push_back(arena.make_buffer(100));
  arena.each_leak(&collect, nullptr);
  EXPECT_EQ(reports.size(), 50u);
  EXPECT_EQ(reports[0].bytes, 100u);
  EXPECT_FALSE(reports[0].given_up);
  EXPECT_NE(std::string(reports[0].accesses[0].file).find("buffer_test"), std::string::npos);
  EXPECT_EQ(reports[0].accesses[0].line, line);
  held.clear();
  SetUp();
  arena.each_leak(&collect, nullptr);
  EXPECT_TRUE(reports.empty()) << "released ones are not followed";
  EXPECT_EQ(arena.statistics().live_blocks, 0u);
}

TEST_F(BufferLeaks, SimpleAndAdvancedFollowASample) {
  for (leak_level level : {leak_level::simple, leak_level::advanced}) {
    SetUp();
    buffer_arena arena(&upstream_, options(level));
    std::vector<buffer> held;
    for (int i = 0; i < 12'800; ++i) {
      held.push_back(arena.make_buffer(16));
      held.back().touch("read");
    }
    arena.each_leak(&collect, nullptr);
    EXPECT_GT(reports.size(), 50u);
    EXPECT_LT(reports.size(), 200u) << "about 100";
    EXPECT_EQ(hints[0].size(), level == leak_level::simple ? 1u : 2u);
  }
}

TEST_F(BufferLeaks, DisabledFollowsNone) {
  buffer_arena arena(&upstream_, options(leak_level::disabled));
  std::vector<buffer> held;
  for (int i = 0; i < 1000; ++i) held.push_back(arena.make_buffer(16));
  arena.each_leak(&collect, nullptr);
  EXPECT_TRUE(reports.empty());
}

TEST_F(BufferLeaks, WhatIsNeverReleasedIsReportedAtTheEnd) {
  {
    buffer_arena arena(&upstream_, options(leak_level::paranoid));
    buffer good = arena.make_buffer(10);
    buffer lost = arena.make_buffer(2000);
    lost.touch("parsed");
    buffer part = lost.slice(5, 10);
    EXPECT_NE(lost.leak(), nullptr);
  }
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].bytes, 2000u);
  EXPECT_TRUE(reports[0].given_up);
  EXPECT_EQ(hints[0], (std::vector<std::string>{"allocated", "parsed"}));
}

TEST_F(BufferLeaks, AdoptingTakesALeakBack) {
  buffer_arena arena(&upstream_, options(leak_level::paranoid));
  buffer one = arena.make_buffer(10);
  buffer::token given = one.leak();
  EXPECT_FALSE(one);
  arena.each_leak(&collect, nullptr);
  EXPECT_TRUE(reports.at(0).given_up);
  {
    buffer back = buffer::adopt(given);
    EXPECT_EQ(back.size(), 10u);
    EXPECT_EQ(back.owners(), 1u);
    SetUp();
    arena.each_leak(&collect, nullptr);
    EXPECT_FALSE(reports.at(0).given_up);
  }
  EXPECT_EQ(arena.statistics().live_blocks, 0u);
}

TEST_F(BufferLeaks, RecordsGetRarerAndTheLastIsKept) {
  static const std::vector<std::string> numbers = [] {
    std::vector<std::string> made;
    for (int i = 0; i <= 3000; ++i) made.push_back(std::to_string(i));
    return made;
  }();
  buffer_arena arena(&upstream_, options(leak_level::advanced));
  buffer one = arena.make_buffer(10);  // the first of a thread is always followed
  auto after = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i <= to; ++i) one.touch(numbers[i].c_str());
    SetUp();
    arena.each_leak(&collect, nullptr);
    EXPECT_EQ(reports.at(0).touches, to);
    return hints.at(0);
  };
  using list = std::vector<std::string>;
  EXPECT_EQ(after(1, 3), (list{"allocated", "1", "2", "3"}));
  EXPECT_EQ(after(4, 6), (list{"allocated", "1", "2", "3", "4", "6"}));
  EXPECT_EQ(after(7, 8), (list{"allocated", "1", "2", "3", "4", "8"}));
  EXPECT_EQ(after(9, 100), (list{"allocated", "1", "2", "3", "4", "8", "16", "32", "64", "100"}));
  list many = after(101, 3000);
  EXPECT_EQ(many.size(), 14u);
  EXPECT_EQ(many.back(), "3000");
}

using BufferDeathTest = Buffer;

TEST_F(BufferDeathTest, DoubleReleaseStops) {
  buffer one = arena_.make_buffer(100);
  buffer::token given = one.leak();
  buffer first = buffer::adopt(given);
  buffer second = buffer::adopt(given);
  first.reset();
  // AddressSanitizer sees the freed memory first.
  const char* expected =
      STRATA_UNDER_ASAN != 0 ? "use-after-poison" : "strata: buffer: double free: address 0x";
  EXPECT_DEATH(second.reset(), expected);
  EXPECT_DEATH(static_cast<void>(buffer(second)), expected);
  EXPECT_DEATH(static_cast<void>(buffer::adopt(given)), expected);
  alignas(buffer) static std::byte grave[sizeof(buffer)];
  ::new (grave) buffer(std::move(second));  // its destructor would stop
}

TEST_F(BufferDeathTest, SlicesOutOfRangeStop) {
  buffer one = arena_.make_buffer(100);
  EXPECT_DEATH(static_cast<void>(one.slice(50, 51)), "strata: buffer: call that is not allowed");
  EXPECT_DEATH(static_cast<void>(one.slice(101, 0)), "strata: buffer: call that is not allowed");
  EXPECT_DEATH(static_cast<void>(one.slice(1, SIZE_MAX)),
               "strata: buffer: call that is not allowed");
  composite many(arena_);
  many.append(one);
  EXPECT_DEATH(static_cast<void>(many.slice(50, 51)),
               "strata: composite: call that is not allowed");
  EXPECT_DEATH(static_cast<void>(many[100]), "strata: composite: call that is not allowed");
}

TEST_F(BufferDeathTest, LeaksAreNamedOnStderr) {
  EXPECT_DEATH(
      {
        {
          buffer_arena arena(&upstream_, {.arenas = 1, .leaks = leak_level::paranoid});
          static_cast<void>(arena.make_buffer(123).leak());
        }
        std::abort();
      },
      "leaked buffer: address 0x.*, 123 bytes, process .*allocated at .*buffer_test.cpp:");
}

}  // namespace
}  // namespace strata
