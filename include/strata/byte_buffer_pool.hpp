// Byte buffer pool: an object pool of buffers that grow, which learns how long they should be.
//
//   step   0     1     2    ...  19         a buffer of up to 64 << step bytes when it comes back
//   puts   ###   ####  #                    of each step, since the last calibration
//                ^ default_bytes: what new buffers get
//                      ^ most_bytes: 95 % of the puts are not above it; longer buffers are dropped
//
//   time      put and get those of object_pool, and a count; each 42,000 puts of a step a calibration
//   overhead  40 bytes a buffer, and the node of object_pool
//   threads   the pool: all. A buffer: one at a time
//   exhausted std::bad_alloc; what was in the buffer stays
//
// The sizes are found as valyala's bytebufferpool does, which Hertz has, too.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory_resource>
#include <span>
#include <string_view>

#include <strata/object_pool.hpp>

namespace strata {

// Bytes that grow. What is new in it is not set to anything.
class STRATA_RESOURCES_API byte_buffer {
 public:
  explicit byte_buffer(std::size_t capacity = 0,
                       std::pmr::memory_resource* upstream = std::pmr::get_default_resource())
      : upstream_(upstream) {
    reserve(capacity);
  }
  byte_buffer(const byte_buffer&) = delete;
  byte_buffer& operator=(const byte_buffer&) = delete;
  ~byte_buffer();

  [[nodiscard]] std::byte* data() noexcept { return start_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {start_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(start_), size_};
  }
  void clear() noexcept { size_ = 0; }
  // These throw std::bad_alloc, and the buffer is as it was.
  void reserve(std::size_t bytes) {
    if (bytes > capacity_) grow(bytes);
  }
  void resize(std::size_t bytes) {
    reserve(bytes);
    size_ = bytes;
  }
  void append(const void* from, std::size_t bytes) {
    if (bytes > capacity_ - size_) return append_slow(from, bytes);
    if (bytes != 0) std::memcpy(start_ + size_, from, bytes);
    size_ += bytes;
  }
  void append(std::string_view text) { append(text.data(), text.size()); }

 private:
  friend class byte_buffer_hooks;
  void grow(std::size_t bytes);
  void append_slow(const void* from, std::size_t bytes);

  std::byte* start_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::pmr::memory_resource* upstream_;
  // Puts that the pool hasn't counted yet, all of one step.
  std::uint32_t step_ = 0;
  std::uint32_t puts_ = 0;
};

// Counts how long the buffers are that come back, and finds from it how long new ones should be.
class STRATA_RESOURCES_API byte_buffer_hooks {
 public:
  static constexpr std::size_t steps = 20;
  static constexpr std::size_t puts_until_calibration = 42'000;
  // Step i is of buffers up to this long; the last also of all that are longer.
  static constexpr std::size_t step_bytes(std::size_t step) { return std::size_t{64} << step; }
  static constexpr std::size_t step_of(std::size_t bytes) {
    std::size_t above = bytes == 0 ? 0 : (bytes - 1) / step_bytes(0);
    return std::min(static_cast<std::size_t>(std::bit_width(above)), steps - 1);
  }

  explicit byte_buffer_hooks(std::pmr::memory_resource* upstream) noexcept : upstream_(upstream) {}
  // Before the pool is used.
  byte_buffer_hooks(byte_buffer_hooks&& other) noexcept : upstream_(other.upstream_) {}

  byte_buffer make() { return byte_buffer(default_bytes(), upstream_); }
  bool reset(byte_buffer& one) noexcept {
    count(one);
    one.clear();
    return one.capacity() <= most_bytes();
  }
  // relaxed: advice.
  [[nodiscard]] std::size_t default_bytes() const noexcept {
    return default_bytes_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t most_bytes() const noexcept {
    return most_bytes_.load(std::memory_order_relaxed);
  }

 private:
  // A buffer tells the pool of 16 puts at a time, so that threads seldom write the same line.
  static constexpr std::uint32_t puts_a_report = 16;
  void count(byte_buffer& one) noexcept {
    auto step = static_cast<std::uint32_t>(step_of(one.size()));
    if (step != one.step_) [[unlikely]]
      report(one), one.step_ = step;
    if (++one.puts_ == puts_a_report) [[unlikely]]
      report(one);
  }
  void report(byte_buffer& one) noexcept;
  void calibrate() noexcept;

  std::pmr::memory_resource* upstream_;
  std::atomic<std::size_t> default_bytes_{0};
  std::atomic<std::size_t> most_bytes_{std::numeric_limits<std::size_t>::max()};
  std::atomic_flag calibrating_;
  std::array<std::atomic<std::size_t>, steps> puts_{};
};

using pooled_byte_buffer = pooled<byte_buffer, byte_buffer_hooks>;

// Byte buffers. 42,000 puts of one step make it look at what came back since it last did: new
// buffers get the commonest step's length, and a buffer is dropped if its capacity is above the
// length that the commonest steps, which make up 95 % of the puts, stay within.
class byte_buffer_pool {
 public:
  using options = object_pool_options;
  // strata/watch.hpp
  static constexpr bool statistics_from_any_thread = true;

  explicit byte_buffer_pool(options chosen = {},
                            std::pmr::memory_resource* upstream = std::pmr::get_default_resource())
      : pool_(chosen, byte_buffer_hooks(upstream), upstream) {}

  // Empty, with what capacity it happens to have. Throws std::bad_alloc.
  pooled_byte_buffer get() { return pool_.get(); }
  void put(byte_buffer* one) noexcept { pool_.put(one); }
  void cycle() noexcept { pool_.cycle(); }

  // What a new buffer's capacity is; 0 until the first 42,000 puts.
  [[nodiscard]] std::size_t default_bytes() noexcept { return pool_.hooks().default_bytes(); }
  [[nodiscard]] std::size_t most_bytes() noexcept { return pool_.hooks().most_bytes(); }
  [[nodiscard]] object_pool_statistics statistics() noexcept { return pool_.statistics(); }
  void verify() { pool_.verify(); }

 private:
  object_pool<byte_buffer, byte_buffer_hooks> pool_;
};

}  // namespace strata
