#include <strata/buffer_pool.hpp>

#include <functional>
#include <thread>
#include <utility>

#include "resource/resource_test.hpp"

namespace strata {
namespace {

// While it gives or takes a block, another thread uses the pool.
class slow_upstream final : public std::pmr::memory_resource {
 public:
  std::function<void()> meanwhile;
  int calls = 0;
  bool fails = false;

 private:
  void let_another_go_on() {
    // The calls that the other makes come here too.
    std::function<void()> once = std::exchange(meanwhile, nullptr);
    if (once == nullptr) return;
    ++calls;
    std::thread(once).join();
    meanwhile = once;
  }
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    bool failing = std::exchange(fails, false);
    let_another_go_on();
    if (failing) throw std::bad_alloc();
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    let_another_go_on();
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

// The room is taken under the lock, the block fetched outside of it: a slow malloc stops nobody. If it
// did, this would not end.
TEST(BufferPoolUpstream, IsCalledOutsideOfTheLock) {
  slow_upstream upstream;
  buffer_pool pool({.total_bytes = 10'000, .poolable_bytes = 1000}, &upstream);
  std::uint64_t lent_bytes = 0;
  upstream.meanwhile = [&] {
    EXPECT_TRUE(pool.acquire(50));
    lent_bytes = pool.metrics().lent_bytes;
  };
  {
    pooled_buffer odd = pool.acquire(5000);
    ASSERT_TRUE(odd);
    EXPECT_EQ(upstream.calls, 1);
    EXPECT_EQ(lent_bytes, 5000u) << "before the block was there";
    pooled_buffer ready = pool.acquire(1000);
    EXPECT_EQ(upstream.calls, 2);
  }
  EXPECT_EQ(upstream.calls, 3) << "the odd one went back; the other is kept ready";
  upstream.fails = true;
  EXPECT_EQ(pool.acquire(3000).status(), acquire_status::no_memory);
  upstream.meanwhile = nullptr;
  EXPECT_EQ(pool.metrics().lent_bytes, 0u) << "a failure refunds what was taken";
  EXPECT_TRUE(pool.acquire(10'000));
}

}  // namespace
}  // namespace strata
