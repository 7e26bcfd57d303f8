#include <strata/byte_buffer_pool.hpp>

#include <new>

namespace strata {

byte_buffer::~byte_buffer() {
  if (start_ != nullptr) upstream_->deallocate(start_, capacity_, 1);
}

// Capacities are those of the steps, so that what a pool's bound lets through is what it meant;
// above the longest step they double.
void byte_buffer::grow(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) throw std::bad_alloc();
  std::size_t wanted =
      std::max<std::size_t>(std::bit_ceil(bytes), byte_buffer_hooks::step_bytes(0));
  auto* moved = static_cast<std::byte*>(upstream_->allocate(wanted, 1));
  if (size_ != 0) std::memcpy(moved, start_, size_);
  if (start_ != nullptr) upstream_->deallocate(start_, capacity_, 1);
  start_ = moved;
  capacity_ = wanted;
}

// `from` may lie in this very buffer.
void byte_buffer::append_slow(const void* from, std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() - size_) throw std::bad_alloc();
  std::uintptr_t offset = detail::address_of(from) - detail::address_of(start_);
  bool inside = start_ != nullptr && offset < size_;
  reserve(size_ + bytes);
  std::memcpy(start_ + size_, inside ? start_ + offset : from, bytes);
  size_ += bytes;
}

void byte_buffer_hooks::report(byte_buffer& one) noexcept {
  std::atomic<std::size_t>& puts = puts_[one.step_];
  // relaxed: counts.
  std::size_t now = puts.fetch_add(one.puts_, std::memory_order_relaxed) + one.puts_;
  one.puts_ = 0;
  if (now >= puts_until_calibration) calibrate();
}

void byte_buffer_hooks::calibrate() noexcept {
  // acquire, release: one after the other. Who comes while one is at work has nothing to add.
  if (calibrating_.test_and_set(std::memory_order_acquire)) return;
  struct of_step {
    std::size_t puts, bytes;
  };
  std::array<of_step, steps> all;
  std::size_t total = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    all[step] = {puts_[step].exchange(0, std::memory_order_relaxed), step_bytes(step)};
    total += all[step].puts;
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const of_step& one, const of_step& other) { return one.puts > other.puts; });
  std::size_t most = 0;
  std::size_t covered = 0;
  for (const of_step& each : all) {
    if (covered >= total - total / 20) break;
    covered += each.puts;
    most = std::max(most, each.bytes);
  }
  default_bytes_.store(all[0].bytes, std::memory_order_relaxed);
  most_bytes_.store(most, std::memory_order_relaxed);
  calibrating_.clear(std::memory_order_release);
}

}  // namespace strata
