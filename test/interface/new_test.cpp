// Each form of operator new and delete, as the C++ standard describes them.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {

volatile size_t impossible = static_cast<size_t>(PTRDIFF_MAX) - 100;

bool aligned(const void* block, size_t alignment) {
  return reinterpret_cast<uintptr_t>(block) % alignment == 0;
}

TEST(New, EachFormPairsWithEachDelete) {
  for (size_t size : {0, 1, 16, 100, 5000, 100000, 5000000}) {
    void* blocks[] = {operator new(size),
                      operator new(size, std::nothrow),
                      operator new(size),
                      operator new[](size),
                      operator new[](size, std::nothrow),
                      operator new[](size)};
    for (void* block : blocks) {
      ASSERT_NE(block, nullptr);
      EXPECT_TRUE(aligned(block, size >= 16 ? 16 : 8));
      EXPECT_GE(malloc_usable_size(block), size);
    }
    operator delete(blocks[0]);
    operator delete(blocks[1], std::nothrow);
    operator delete(blocks[2], size);
    operator delete[](blocks[3]);
    operator delete[](blocks[4], std::nothrow);
    operator delete[](blocks[5], size);
  }
}

TEST(New, EachAlignedFormPairsWithEachDelete) {
  for (size_t shift = 3; shift <= 26; ++shift) {
    const std::align_val_t alignment{size_t{1} << shift};
    const size_t size = 1 + (size_t{100} << (shift % 8));
    void* blocks[] = {operator new(size, alignment),
                      operator new(size, alignment, std::nothrow),
                      operator new(size, alignment),
                      operator new[](size, alignment),
                      operator new[](size, alignment, std::nothrow),
                      operator new[](size, alignment)};
    for (void* block : blocks) {
      ASSERT_NE(block, nullptr);
      EXPECT_TRUE(aligned(block, size_t{1} << shift)) << shift;
      EXPECT_GE(malloc_usable_size(block), size);
    }
    operator delete(blocks[0], alignment);
    operator delete(blocks[1], alignment, std::nothrow);
    operator delete(blocks[2], size, alignment);
    operator delete[](blocks[3], alignment);
    operator delete[](blocks[4], alignment, std::nothrow);
    operator delete[](blocks[5], size, alignment);
  }
}

TEST(New, DeleteOfNullDoesNothing) {
  operator delete(nullptr);
  operator delete[](nullptr);
  operator delete (nullptr, size_t{8});
  operator delete (nullptr, std::align_val_t{64});
  operator delete(nullptr, std::nothrow);
}

TEST(New, ImpossibleSizeThrows) {
  EXPECT_THROW((void)operator new(impossible), std::bad_alloc);
  EXPECT_THROW((void)operator new[](impossible), std::bad_alloc);
  EXPECT_THROW((void)operator new (impossible, std::align_val_t{64}), std::bad_alloc);
  EXPECT_THROW((void)operator new[](impossible, std::align_val_t{64}), std::bad_alloc);
}

TEST(New, NothrowReturnsNull) {
  EXPECT_EQ(operator new(impossible, std::nothrow), nullptr);
  EXPECT_EQ(operator new[](impossible, std::nothrow), nullptr);
  EXPECT_EQ(operator new (impossible, std::align_val_t{64}, std::nothrow), nullptr);
  EXPECT_EQ(operator new[](impossible, std::align_val_t{64}, std::nothrow), nullptr);
}

int handler_calls;

// Hopes three times, then gives up.
void hopeful_handler() {
  if (++handler_calls == 3) {
    std::set_new_handler(nullptr);
  }
}

struct handler_gave_up : std::bad_alloc {};
void throwing_handler() {
  if (++handler_calls == 3) {
    throw handler_gave_up();
  }
}

template <typename Allocate>
int calls_of(std::new_handler handler, Allocate allocate) {
  handler_calls = 0;
  std::set_new_handler(handler);
  allocate();
  std::set_new_handler(nullptr);
  return handler_calls;
}

TEST(NewHandler, IsCalledUntilItIsGone) {
  const std::align_val_t alignment{128};
  EXPECT_EQ(3, calls_of(hopeful_handler,
                        [] { EXPECT_THROW((void)operator new(impossible), std::bad_alloc); }));
  EXPECT_EQ(3, calls_of(hopeful_handler,
                        [] { EXPECT_EQ(operator new(impossible, std::nothrow), nullptr); }));
  EXPECT_EQ(3, calls_of(hopeful_handler, [&] {
              EXPECT_THROW((void)operator new(impossible, alignment), std::bad_alloc);
            }));
  EXPECT_EQ(3, calls_of(hopeful_handler, [&] {
              EXPECT_EQ(operator new(impossible, alignment, std::nothrow), nullptr);
            }));
}

TEST(NewHandler, WhatItThrowsIsPassedOn) {
  EXPECT_EQ(3, calls_of(throwing_handler,
                        [] { EXPECT_THROW((void)operator new(impossible), handler_gave_up); }));
  EXPECT_EQ(3, calls_of(throwing_handler,
                        [] { EXPECT_THROW((void)operator new[](impossible), handler_gave_up); }));
}

TEST(NewHandler, NothrowFormsSwallowWhatItThrows) {
  EXPECT_EQ(3, calls_of(throwing_handler,
                        [] { EXPECT_EQ(operator new(impossible, std::nothrow), nullptr); }));
  EXPECT_EQ(3, calls_of(throwing_handler,
                        [] { EXPECT_EQ(operator new[](impossible, std::nothrow), nullptr); }));
}

// A handler that makes room, so that the next try succeeds, needs a limit: limit_test.cpp has it.

struct alignas(256) wide {
  char bytes[300];
};

TEST(New, ExpressionsOfEveryKind) {
  std::unique_ptr<wide> one(new wide);
  std::unique_ptr<wide[]> many(new wide[7]);
  EXPECT_TRUE(aligned(one.get(), 256));
  EXPECT_TRUE(aligned(many.get(), 256));
  std::vector<std::string> texts;
  for (int i = 0; i < 10000; ++i) {
    texts.emplace_back(static_cast<size_t>(i % 200), 'x');
  }
  for (int i = 0; i < 10000; ++i) {
    ASSERT_EQ(texts[static_cast<size_t>(i)].size(), static_cast<size_t>(i % 200));
  }
}

}  // namespace
