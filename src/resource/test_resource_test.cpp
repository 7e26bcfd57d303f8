#include <strata/test_resource.hpp>

#include <array>
#include <memory>
#include <stdexcept>
#include <thread>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

static_assert(resource<test_resource>);
static_assert(!std::is_copy_constructible_v<test_resource> &&
              !std::is_move_constructible_v<test_resource>);

constexpr test_resource_options counting{.style = report_style::count};

class TestResource : public testing::Test {
 protected:
  static unsigned char* bytes_of(void* block) { return static_cast<unsigned char*>(block); }

  test_upstream upstream_;
  test_resource memory_{&upstream_, counting};
};

TEST_F(TestResource, AgreesWithTheModel) {
  run_model(memory_, {.operations = 4000});
  run_containers(memory_);
  expect_regions_add_up(memory_);
  EXPECT_EQ(memory_.faults(), 0u);
  EXPECT_EQ(upstream_.live_blocks(), 0u);
}

TEST_F(TestResource, FreshAndPaddingStandOut) {
  unsigned char* block = bytes_of(memory_.try_allocate(10, 4));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(block[i], 0xcd);
  for (int i = 1; i <= 16; ++i) {
    EXPECT_EQ(block[-i], 0xfd);
    EXPECT_EQ(block[9 + i], 0xfd);
  }
  EXPECT_TRUE(memory_.owns(block + 9));
  EXPECT_FALSE(memory_.owns(block + 10));
  memory_.deallocate(block, 10, 4);
  EXPECT_FALSE(memory_.owns(block));
}

TEST_F(TestResource, CountsWritesPastBothEnds) {
  for (std::size_t alignment : {1u, 8u, 64u}) {
    memory_.forget_faults();
    for (int at : {-16, -1, 40, 55}) {
      unsigned char* block = bytes_of(memory_.try_allocate(40, alignment));
      block[at] ^= 1;
      memory_.verify();
      EXPECT_EQ(memory_.faults(), 1u);
      memory_.deallocate(block, 40, alignment);
      EXPECT_EQ(memory_.faults(at < 0 ? test_fault::underflow : test_fault::overflow), 2u);
      EXPECT_EQ(memory_.faults(), 2u);
      memory_.forget_faults();
    }
  }
  unsigned char* empty = bytes_of(memory_.try_allocate(0, 1));
  *empty = 0;
  memory_.deallocate(empty, 0, 1);
  EXPECT_EQ(memory_.faults(test_fault::overflow), 1u);
}

TEST_F(TestResource, CountsWrongFreesAndDoesWhatIsRight) {
  unsigned char* block = bytes_of(memory_.try_allocate(40, 8));
  memory_.deallocate(block + 8, 32, 8);
  EXPECT_EQ(memory_.faults(test_fault::interior_free), 1u);
  memory_.deallocate(this, 40, 8);
  memory_.deallocate(nullptr, 1, 1);
  EXPECT_EQ(memory_.faults(test_fault::foreign_free), 2u);
  EXPECT_EQ(memory_.live_blocks(), 1u) << "nothing was freed";
  memory_.deallocate(block, 48, 8);
  EXPECT_EQ(memory_.faults(test_fault::wrong_size), 1u);
  EXPECT_EQ(memory_.live_blocks(), 0u) << "freed as it was allocated";
  memory_.deallocate(block, 40, 8);
  EXPECT_EQ(memory_.faults(test_fault::double_free), 1u);
  block = bytes_of(memory_.try_allocate(40, 8));
  memory_.deallocate(block, 40, 16);
  EXPECT_EQ(memory_.faults(test_fault::wrong_size), 2u);
  EXPECT_EQ(memory_.faults(), 6u);
  EXPECT_EQ(upstream_.live_blocks(), 0u);
}

TEST_F(TestResource, LeaksAreReportedAndGivenBack) {
  testing::internal::CaptureStderr();
  {
    test_resource leaky(&upstream_, {.style = report_style::count, .name = "orders"});
    EXPECT_NE(leaky.try_allocate(40, 64), nullptr);
    EXPECT_NE(leaky.try_allocate(0, 1), nullptr);
    EXPECT_EQ(leaky.live_bytes(), 40u);
  }
  std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("strata: orders: 2 blocks of 40 bytes in all are live"), std::string::npos);
  EXPECT_NE(text.find(", 40 bytes, allocation 1\n"), std::string::npos);
  EXPECT_EQ(upstream_.live_blocks(), 0u);
}

TEST_F(TestResource, ALimitRefusesWhatComesAfterIt) {
  memory_.limit_allocations(2);
  void* one = memory_.try_allocate(10, 8);
  EXPECT_EQ(memory_.allocations_left(), 1u);
  void* two = memory_.try_allocate(10, 8);
  EXPECT_EQ(memory_.try_allocate(10, 8), nullptr);
  EXPECT_EQ(memory_.try_allocate(10, 8), nullptr);
  EXPECT_EQ(memory_.refused(), 2u);
  memory_.deallocate(one, 10, 8);
  memory_.limit_allocations(test_resource::no_limit);
  EXPECT_EQ(memory_.refused(), 0u);
  one = memory_.try_allocate(10, 8);
  EXPECT_NE(one, nullptr);
  memory_.deallocate(one, 10, 8);
  memory_.deallocate(two, 10, 8);
  EXPECT_EQ(memory_.allocations(), 3u);
  for (std::size_t less : {0u, 8u, 15u, 16u, 17u, 31u}) {
    EXPECT_EQ(memory_.try_allocate(SIZE_MAX - less, 8), nullptr);
    EXPECT_EQ(memory_.try_allocate(PTRDIFF_MAX - less, 16), nullptr);
  }
  EXPECT_EQ(upstream_.live_blocks(), 0u);
}

TEST_F(TestResource, UpstreamFailsAtEachOfItsCallsInTurn) {
  for (std::size_t left = 0; left < 5; ++left) {
    upstream_.left = left;
    test_resource memory(&upstream_);
    std::vector<void*> blocks;
    while (void* block = memory.try_allocate(16, 8)) blocks.push_back(block);
    EXPECT_EQ(blocks.size(), left);
    memory.verify();
    for (void* block : blocks) memory.deallocate(block, 16, 8);
  }
  upstream_.left = SIZE_MAX;
}

TEST_F(TestResource, ServesThreads) {
  std::vector<std::thread> threads;
  for (std::size_t bytes = 1; bytes <= 4; ++bytes) {
    threads.emplace_back([&, bytes] {
      for (int i = 0; i < 1000; ++i) memory_.deallocate(memory_.try_allocate(bytes, 8), bytes, 8);
    });
  }
  for (std::thread& one : threads) one.join();
  EXPECT_EQ(memory_.allocations(), 4000u);
  EXPECT_EQ(memory_.faults(), 0u);
}

// ---- The exception loop

// A vector as it is written for the first time. Losing: the constructor leaves its buffer behind
// when an element throws, as its destructor does not run then.
class naive_texts {
 public:
  enum class when_copying { loses, frees };
  naive_texts(std::pmr::memory_resource* from, std::size_t count, when_copying then)
      : from_(from), count_(count) {
    texts_ = static_cast<std::pmr::string*>(from_->allocate(count * sizeof(std::pmr::string)));
    std::size_t made = 0;
    try {
      for (; made < count; ++made) {
        ::new (texts_ + made) std::pmr::string("longer than what fits in place, surely", from_);
      }
    } catch (...) {
      std::destroy_n(texts_, made);
      if (then == when_copying::frees) give_back();
      throw;
    }
  }
  naive_texts(const naive_texts&) = delete;
  naive_texts& operator=(const naive_texts&) = delete;
  ~naive_texts() {
    std::destroy_n(texts_, count_);
    give_back();
  }

 private:
  void give_back() { from_->deallocate(texts_, count_ * sizeof(std::pmr::string)); }

  std::pmr::memory_resource* from_;
  std::size_t count_;
  std::pmr::string* texts_ = nullptr;
};

class ExceptionLoop : public TestResource {
 protected:
  as_pmr<test_resource> checked_{&upstream_, counting};
};

TEST_F(ExceptionLoop, FindsALeakAndTheAllocationItIsFrom) {
  exception_loop_result result = exception_loop(checked_, [&] {
    std::pmr::string before("a string that is too long to stand in place", &checked_);
    naive_texts texts(&checked_, 5, naive_texts::when_copying::loses);
  });
  EXPECT_FALSE(result.passed());
  EXPECT_EQ(result.failed_allocation, 3u) << "string, buffer, first element";
  EXPECT_EQ(result.leaked.blocks, 1u);
  EXPECT_EQ(result.leaked.bytes, 5 * sizeof(std::pmr::string));
  EXPECT_EQ(result.leaked.first_allocation, 2u) << "the buffer";
  EXPECT_TRUE(checked_->owns(result.leaked.first));
  EXPECT_EQ(checked_->faults(test_fault::still_in_use), 1u);
}

TEST_F(ExceptionLoop, PassesWhatIsRight) {
  exception_loop_result result = exception_loop(
      checked_, [&] { naive_texts texts(&checked_, 5, naive_texts::when_copying::frees); });
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(result.runs, 7u) << "refused: the buffer, five elements; then nothing";
  EXPECT_EQ(checked_->faults(), 0u);
  EXPECT_EQ(checked_->live_blocks(), 0u);
  EXPECT_EQ(checked_->allocations_left(), test_resource::no_limit);
  std::pmr::vector<std::pmr::string> kept(&checked_);
  result = exception_loop(checked_, [&] {
    std::pmr::vector<std::pmr::string> texts(&checked_);
    for (int i = 0; i < 20; ++i) texts.emplace_back("a string that is too long to stand in place");
    kept.swap(texts);
  });
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(kept.size(), 20u) << "what the successful run keeps is no leak";
}

TEST_F(ExceptionLoop, PassesCodeThatAllocatesNothing) {
  EXPECT_EQ(exception_loop(memory_, [] {}).runs, 1u);
}

// Refusals that the code deals with itself, and other exceptions that it makes of them.
TEST_F(ExceptionLoop, GoesOnUntilNothingIsRefused) {
  int tries = 0;
  exception_loop_result result = exception_loop(memory_, [&] {
    ++tries;
    void* one = memory_.try_allocate(10, 8);
    void* other = memory_.try_allocate(10, 8);
    if (one != nullptr) memory_.deallocate(one, 10, 8);
    if (other != nullptr) memory_.deallocate(other, 10, 8);
    if (other == nullptr) throw std::runtime_error("no second block");
  });
  EXPECT_TRUE(result.passed());
  EXPECT_EQ(tries, 3);
}

TEST_F(ExceptionLoop, WhatTheCodeThrowsByItselfGoesOn) {
  EXPECT_THROW(exception_loop(memory_, [] { throw std::bad_alloc(); }), std::bad_alloc);
  EXPECT_THROW(exception_loop(checked_,
                              [&] {
                                std::pmr::vector<int> numbers(100, &checked_);
                                throw 7;
                              }),
               int);
  EXPECT_EQ(memory_.allocations_left(), test_resource::no_limit);
}

TEST_F(ExceptionLoop, SeesWritesPastTheEndOnPathsThatFail) {
  exception_loop(checked_, [&] {
    std::pmr::string text("a string that is too long to stand in place", &checked_);
    try {
      std::pmr::vector<char> more(100, &checked_);
    } catch (...) {
      text.data()[text.capacity() + 1] = 'x';
      throw;
    }
  });
  EXPECT_EQ(checked_->faults(test_fault::overflow), 1u);
}

using TestResourceDeathTest = TestResource;

TEST_F(TestResourceDeathTest, StopsAtEachFaultUnlessItCounts) {
  test_resource strict(&upstream_);
  unsigned char* block = bytes_of(strict.try_allocate(40, 8));
  unsigned char* gone = bytes_of(strict.try_allocate(24, 8));
  strict.deallocate(gone, 24, 8);
  EXPECT_DEATH((block[40] = 0, strict.deallocate(block, 40, 8)),
               "strata: test_resource: write past the end of a block: address 0x.* 40 bytes");
  EXPECT_DEATH((block[-1] = 0, strict.verify()), "write before the start of a block: .* 40 bytes");
  EXPECT_DEATH(strict.deallocate(gone, 24, 8), "double free: .*block of 24 bytes");
  EXPECT_DEATH(strict.deallocate(block, 41, 8), "free with a size or alignment .* 40 bytes");
  EXPECT_DEATH(strict.deallocate(block + 1, 39, 1), "inside a block, not its start");
  EXPECT_DEATH(strict.deallocate(this, 1, 1), "not a block of this resource");
  strict.deallocate(block, 40, 8);
}

TEST_F(TestResourceDeathTest, StopsAtLeaks) {
  EXPECT_DEATH(
      {
        test_resource strict(&upstream_);
        (void)strict.try_allocate(40, 8);
      },
      "1 block of 40 bytes is live(.|\n)*test_resource: destroyed while blocks are live");
  as_pmr<test_resource> strict;
  EXPECT_DEATH(
      exception_loop(strict,
                     [&] { naive_texts texts(&strict, 5, naive_texts::when_copying::loses); }),
      "strata: test_resource: leak when allocation 2 fails: 1 block of 200 bytes, the "
      "first from allocation 1: address 0x.*, block of 200 bytes, process");
}

}  // namespace
}  // namespace strata
