#include <strata/frame_pool.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

static_assert(resource<frame_pool>);

class FramePool : public testing::Test {
 protected:
  stack_pool stacks_{{.most_stacks = 2000}};
  frame_pool pool_{stacks_};
};

TEST_F(FramePool, AgreesWithTheModel) {
  run_model(pool_, {.operations = 20'000, .most_bytes = 3000});
  run_model(pool_, {.operations = 2000, .most_live = 100, .most_bytes = 60'000, .seed = 3});
  run_containers(pool_);
  expect_regions_add_up(pool_);
}

TEST_F(FramePool, FramesLieSideBySideFromTheTop) {
  void* first = pool_.try_allocate(200, 16);
  void* second = pool_.try_allocate(256, 16);
  EXPECT_EQ(static_cast<char*>(first) - static_cast<char*>(second), 256);
  pool_.deallocate(first, 200, 16);
  EXPECT_EQ(pool_.try_allocate(230, 16), first) << "of the same class, and the last given back";
  pool_.deallocate(first, 230, 16);
  pool_.deallocate(second, 256, 16);
  EXPECT_EQ(stacks_.figures().live, 1u);
  EXPECT_EQ(stacks_.watermark(stacks_.stack_of(first)), 4096u) << "one page is touched";
}

TEST_F(FramePool, AChunksRestServesShortFrames) {
  std::size_t before = 0;
  std::vector<void*> frames;
  while (stacks_.figures().live < 2) frames.push_back(pool_.try_allocate(2048, 16));
  before = pool_.statistics().held_bytes;
  std::size_t rest = (stacks_.usable_bytes() - 64) % 2048 / 64;
  ASSERT_GT(rest, 0u);
  void* end = stacks_.stack_of(frames[0]).bottom();
  std::size_t room = static_cast<std::size_t>(static_cast<char*>(frames[frames.size() - 2]) -
                                              static_cast<char*>(end));
  EXPECT_EQ(pool_.try_allocate(room, 16), end);
  EXPECT_EQ(pool_.statistics().held_bytes, before);
  pool_.deallocate(end, room, 16);
  for (void* each : frames) pool_.deallocate(each, 2048, 16);
}

TEST_F(FramePool, ALongFrameHasAStackOfItsOwn) {
  void* frame = pool_.try_allocate(20'000, 64);
  ASSERT_NE(frame, nullptr);
  EXPECT_TRUE(pool_.owns(frame));
  EXPECT_FALSE(pool_.owns(this));
  EXPECT_EQ(stacks_.figures().live, 1u);
  pool_.deallocate(frame, 20'000, 64);
  EXPECT_EQ(stacks_.figures().live, 0u);
  EXPECT_EQ(pool_.try_allocate(70'000, 8), nullptr);
  EXPECT_EQ(pool_.try_allocate(SIZE_MAX, 8), nullptr);
  EXPECT_EQ(pool_.try_allocate(10'000, std::size_t{1} << 40), nullptr);
  EXPECT_EQ(stacks_.figures().live, 0u);
}

TEST_F(FramePool, ExhaustionIsNullAndHarmless) {
  for (std::size_t most = 0; most < 4; ++most) {
    stack_pool few({.most_stacks = most});
    frame_pool pool(few);
    std::vector<void*> frames;
    while (void* one = pool.try_allocate(1000, 16)) frames.push_back(one);
    EXPECT_EQ(frames.size() / 50, most);
    EXPECT_EQ(pool.try_allocate(10'000, 16), nullptr);
    pool.verify();
    for (void* each : frames) pool.deallocate(each, 1000, 16);
  }
}

using FramePoolDeathTest = FramePool;

TEST_F(FramePoolDeathTest, LeavingFramesStops) {
  EXPECT_DEATH(
      {
        frame_pool left(stacks_);
        (void)left.try_allocate(10, 8);
      },
      "strata: frame_pool: destroyed while blocks are live");
  void* whole = pool_.try_allocate(5000, 8);
  EXPECT_DEATH(pool_.deallocate(static_cast<char*>(whole) + 64, 5000, 8),
               "strata: frame_pool: free with");
  pool_.deallocate(whole, 5000, 8);
}

#if STRATA_COROUTINES
class numbers {
 public:
  struct promise_type : pooled_frame {
    numbers get_return_object() {
      return numbers(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(int value) {
      current = value;
      return {};
    }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
    int current = 0;
  };

  explicit numbers(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  numbers(numbers&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  numbers& operator=(const numbers&) = delete;
  ~numbers() {
    if (frame_) frame_.destroy();
  }
  std::optional<int> next() {
    frame_.resume();
    if (frame_.done()) return std::nullopt;
    return frame_.promise().current;
  }
  [[nodiscard]] void* address() const { return frame_.address(); }

 private:
  std::coroutine_handle<promise_type> frame_;
};

numbers count_to(frame_pool& /*pool*/, int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}
struct counter {
  int last;
  numbers run(frame_pool& /*pool*/) const {
    for (int i = last; i > 0; --i) co_yield i;
  }
};

TEST_F(FramePool, CoroutinesLiveInIt) {
  {
    std::vector<std::unique_ptr<numbers>> all;
    for (int i = 0; i < 1000; ++i) {
      all.emplace_back(new numbers(count_to(pool_, i)));
      EXPECT_TRUE(pool_.owns(all.back()->address()));
    }
    EXPECT_EQ(pool_.statistics().live_blocks, 1000u);
    int sum = 0;
    for (auto& each : all) {
      while (auto value = each->next()) sum += *value;
    }
    EXPECT_EQ(sum, 166'666'500);
    counter down{3};
    numbers member = down.run(pool_);
    EXPECT_TRUE(pool_.owns(member.address()));
    EXPECT_EQ(member.next(), 3);
  }
  EXPECT_EQ(pool_.statistics().live_blocks, 0u);
  pool_.verify();
  stack_pool none({.most_stacks = 0});
  frame_pool empty(none);
  EXPECT_THROW(count_to(empty, 1), std::bad_alloc);
}
#endif

}  // namespace
}  // namespace strata
