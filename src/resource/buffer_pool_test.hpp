// What the tests of buffer pools share.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory_resource>
#include <thread>

#include <strata/buffer_pool.hpp>

namespace strata {

// Counts under a lock, and fails where it is told to.
class shared_upstream final : public std::pmr::memory_resource {
 public:
  ~shared_upstream() override { EXPECT_EQ(live_bytes(), 0u); }
  std::atomic<std::uint64_t> left = UINT64_MAX;
  std::atomic<std::uint64_t> taken = 0;
  [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }
  [[nodiscard]] std::uint64_t most_live_bytes() const { return most_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (left.load() == 0) throw std::bad_alloc();
    --left;
    ++taken;
    std::uint64_t now = live_bytes_ += bytes;
    std::uint64_t most = most_;
    while (now > most && !most_.compare_exchange_weak(most, now)) {
    }
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    live_bytes_ -= bytes;
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
  std::atomic<std::uint64_t> live_bytes_ = 0;
  std::atomic<std::uint64_t> most_ = 0;
};

class BufferPool : public testing::Test {
 protected:
  static constexpr std::size_t size = 1024;

  static std::uint64_t available(const buffer_pool& pool) {
    return pool.metrics().free_bytes + pool.metrics().pooled_bytes;
  }
  static void await_waiters(const buffer_pool& pool, std::uint64_t count) {
    while (pool.metrics().waiters != count) std::this_thread::yield();
  }

  shared_upstream upstream_;
};

}  // namespace strata
