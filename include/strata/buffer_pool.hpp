// Buffer pool: buffers of any size out of a bounded number of bytes; who finds none left waits in line.
//
//     total_bytes
//   | free ........... | ready | ready | ready | lent .......................... |
//     bytes to allow     poolable_bytes each,    in the program's hands
//     allocations from   kept for reuse
//
//   free + ready * poolable + lent == total, always
//
//     release(buffer) --> ready --> acquire(poolable_bytes)       the common size never meets upstream
//     release(other)  --> upstream; its bytes: free --> acquire(other): free, and ready ones dissolved
//
// For programs that hold data for a while on its way elsewhere, as a producer's batches, and that are to
// slow down rather than grow when it does not leave fast enough.
//
// Who doesn't fit waits, strictly first in, first out: nobody passes a waiter, neither a newcomer nor
// somebody with a smaller need. What comes back is the head's until its need fits, so that a large claim
// is served as surely as a small one. Or tenants with weights share what comes back (options.weights):
// each is a line of its own, and start-time fair queueing picks among their heads.
//
// Decisions are detail::fair_queue's, under one lock. Upstream is called outside of it, by many threads
// at once. A waiter is told outside of it too: a thread by a futex of its own, so that nobody wakes in
// vain; a coroutine by resumption on the thread that made room, or as options.resume does it.
//
//   time      a buffer of the poolable size O(1), some thirty instructions with the lock; others a call of
//             upstream each; a waiter O(tenants); close O(waiters + ready buffers)
//   overhead  none a buffer; ready ones are linked through their first words. A thread that is just
//             bringing ready ones to upstream may have less than poolable_bytes of them above the total
//   threads   any number
//   exhausted waiting, up to a limit; acquire_status says what came of it
//
// After Kafka's BufferPool (org.apache.kafka.clients.producer.internals).
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <optional>
#include <span>
#include <stop_token>
#include <utility>

#include <strata/detail/fair_queue.hpp>
#include <strata/detail/fork.hpp>
#include <strata/detail/support.hpp>
#include <strata/detail/word_lock.hpp>
#include <strata/resource.hpp>

namespace strata {

enum class acquire_status : std::uint8_t {
  granted,
  timeout,    // the limit passed, or there was none to be waited for
  closed,     // the pool was, or has been meanwhile
  too_large,  // more than the pool has in all
  no_memory,  // the pool had the bytes, and upstream had not
  cancelled,  // the stop token said so
};

// How long to wait. Nothing: for ever. A duration from now, or a time of the steady clock; 0 and the
// past are no waiting at all. It is one limit for the whole call.
class time_limit {
 public:
  time_limit() = default;
  template <class Rep, class Period>
  // NOLINTNEXTLINE(google-explicit-constructor): acquire(bytes, 10ms)
  time_limit(std::chrono::duration<Rep, Period> from_now)
      : ns_(nanoseconds_of(from_now)), from_now_(true) {}
  template <class Duration>
  // NOLINTNEXTLINE(google-explicit-constructor): acquire(bytes, deadline)
  time_limit(std::chrono::time_point<std::chrono::steady_clock, Duration> at)
      : ns_(nanoseconds_of(at.time_since_epoch())) {}

 private:
  friend class buffer_pool;
  static constexpr std::uint64_t never = UINT64_MAX;
  template <class Rep, class Period>
  static std::uint64_t nanoseconds_of(std::chrono::duration<Rep, Period> time) {
    // Some 150 years are for ever: so nothing overflows.
    double seconds = std::chrono::duration<double>(time).count();
    if (!(seconds > 0)) return 0;
    if (seconds > 4.6e9) return never;
    using std::chrono::nanoseconds;
    return static_cast<std::uint64_t>(std::chrono::duration_cast<nanoseconds>(time).count());
  }
  [[nodiscard]] bool is_zero() const { return ns_ == 0; }
  [[nodiscard]] std::uint64_t deadline_ns(std::uint64_t now_ns) const {
    return from_now_ && ns_ != never ? now_ns + ns_ : ns_;
  }

  std::uint64_t ns_ = never;
  bool from_now_ = false;
};

struct buffer_pool_options {
  std::uint64_t total_bytes = std::uint64_t{32} << 20;
  // The size that is kept ready, at least a pointer's; 0: none is.
  std::size_t poolable_bytes = std::size_t{16} << 10;
  // Of every buffer.
  std::size_t alignment = alignof(std::max_align_t);
  // One for each tenant, not 0: the share of what comes back that it gets while others wait too. None:
  // one tenant. Read by the constructor only.
  std::span<const std::uint32_t> weights = {};
  // Resumes coroutines that waited. None: the thread that made room does, at the end of its call. Called
  // outside of the lock, by any thread; throws nothing.
  std::function<void(std::coroutine_handle<>)> resume = {};
};

struct buffer_pool_metrics {
  // All bytes are free, pooled or lent. While somebody waits, reserved ones, of the free and the pooled,
  // are the head's.
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t pooled_bytes = 0;
  std::uint64_t lent_bytes = 0;
  std::uint64_t reserved_bytes = 0;
  std::uint64_t waiters = 0;          // now
  std::uint64_t wait_count = 0;       // waits that have ended, in whatever way
  std::uint64_t wait_ns = 0;          // their time
  std::uint64_t exhausted_count = 0;  // calls that ended with timeout, tries among them
  // waits[i]: those of less than 2^i ns, and not less than half of it. The last holds all longer ones.
  std::array<std::uint64_t, 48> waits = {};
};

// A block of its own, or why there is none.
struct raw_buffer {
  void* start = nullptr;
  acquire_status status = acquire_status::timeout;
};

class pooled_buffer;

class STRATA_RESOURCES_API buffer_pool {
  struct waiter : detail::claim {
    void (*on_end)(buffer_pool& pool, waiter& self) noexcept = nullptr;
  };
  struct sleeper;

 public:
  using options = buffer_pool_options;
  class acquisition;
  // strata/watch.hpp
  static constexpr bool statistics_from_any_thread = true;

  explicit buffer_pool(options chosen = {},
                       std::pmr::memory_resource* upstream = std::pmr::get_default_resource());
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;
  // Nobody waits, and all buffers are back: otherwise it stops the process.
  ~buffer_pool();

  // A buffer, after waiting up to the limit. Empty when there is none: its status() says why.
  [[nodiscard]] pooled_buffer acquire(std::size_t bytes, time_limit limit = {},
                                      std::size_t tenant = 0) noexcept;
  [[nodiscard]] pooled_buffer try_acquire(std::size_t bytes, std::size_t tenant = 0) noexcept;
  // Several at once: all of them, or none. into has a place for each size; what the places held goes
  // back first.
  [[nodiscard]] acquire_status acquire_all(std::span<const std::size_t> sizes,
                                           std::span<pooled_buffer> into, time_limit limit = {},
                                           std::size_t tenant = 0) noexcept;
  // co_await pool.async_acquire(bytes): the buffer, as from acquire. The coroutine is suspended while it
  // waits; a stop that is requested then takes it out of the line.
  [[nodiscard]] acquisition async_acquire(std::size_t bytes, std::stop_token stop = {},
                                          std::size_t tenant = 0) noexcept;

  // The same without a handle.
  [[nodiscard]] raw_buffer acquire_raw(std::size_t bytes, time_limit limit = {},
                                       std::size_t tenant = 0) noexcept {
    if (bytes == queue_.poolable_bytes()) {
      if (void* ready = take_ready()) return {ready, acquire_status::granted};
    }
    return acquire_slow(bytes, limit, tenant);
  }
  void release(void* block, std::size_t bytes) noexcept {
    if (bytes != queue_.poolable_bytes()) return release_odd(block, bytes);
    lock_.lock();
    queue_.put(block);
    if (!queue_.settled()) [[unlikely]]
      return settle_and_unlock();
    lock_.unlock();
  }

  // Ends all waits with acquire_status::closed, and all that would come. Buffers may still be released.
  void close() noexcept;

  // As a resource: without waiting, as the first tenant. Null too for an alignment above the options'.
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    if (alignment > alignment_) return nullptr;
    return acquire_raw(bytes, std::chrono::nanoseconds(0)).start;
  }
  void deallocate(void* block, std::size_t bytes, std::size_t /*alignment*/) noexcept {
    release(block, bytes);
  }
  [[nodiscard]] resource_statistics statistics() const noexcept;
  [[nodiscard]] buffer_pool_metrics metrics() const noexcept;
  void verify() const;
  // The pool keeps no list of what it has lent: that is one region, which has no address. Holds the
  // lock: visit may not use the pool.
  template <class Visit>
  void each_region(Visit visit) const {
    lock_.lock();
    detail::undo unlock([this] { lock_.unlock(); });
    visit(region{nullptr, static_cast<std::size_t>(queue_.lent_bytes()), region_kind::live});
    for (const auto* each = queue_.ready(); each != nullptr; each = each->next) {
      visit(region{each, static_cast<std::size_t>(queue_.poolable_bytes()), region_kind::free});
    }
  }

 private:
  void* take_ready() noexcept {
    lock_.lock();
    void* ready = queue_.take_ready();
    lock_.unlock();
    return ready;
  }
  raw_buffer acquire_slow(std::size_t bytes, time_limit limit, std::size_t tenant) noexcept;
  void release_odd(void* block, std::size_t bytes) noexcept;

  void describe(waiter& one, std::span<const std::size_t> sizes, std::size_t tenant) const noexcept;
  acquire_status reserve(sleeper& one, time_limit limit) noexcept;
  bool give_up(waiter& one) noexcept;
  void* next_block(waiter& one, std::size_t bytes) noexcept;
  void refund(waiter& one) noexcept;
  void settle_and_unlock() noexcept;
  void note_wait(std::uint64_t since_ns) noexcept;
  void forget_sleepers() noexcept;
  static const detail::fork_ways at_fork;
  void* from_upstream(std::size_t bytes) noexcept;
  void to_upstream(void* block, std::size_t bytes) noexcept;

  detail::fair_queue queue_;     // under lock_
  std::uint64_t exhausted_ = 0;  // under lock_
  mutable detail::word_lock lock_;
  std::size_t alignment_;
  std::pmr::memory_resource* upstream_;
  std::function<void(std::coroutine_handle<>)> resume_;
  // Each for itself: they tell about the past, and order nothing.
  std::atomic<std::uint64_t> wait_count_{0};
  std::atomic<std::uint64_t> wait_ns_{0};
  std::array<std::atomic<std::uint64_t>, 48> waits_{};
  detail::fork_member seat_;
};

// A buffer of a pool, which outlives it. Goes back when this dies.
class [[nodiscard]] pooled_buffer {
 public:
  // Empty.
  pooled_buffer() noexcept = default;
  pooled_buffer(pooled_buffer&& other) noexcept
      : pool_(other.pool_),
        start_(std::exchange(other.start_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)),
        status_(other.status_) {}
  pooled_buffer& operator=(pooled_buffer&& other) noexcept {
    if (this == &other) return *this;
    reset();
    pool_ = other.pool_;
    start_ = std::exchange(other.start_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    status_ = other.status_;
    return *this;
  }
  ~pooled_buffer() { reset(); }

  explicit operator bool() const noexcept { return start_ != nullptr; }
  // What came of acquiring it.
  [[nodiscard]] acquire_status status() const noexcept { return status_; }
  [[nodiscard]] std::byte* data() const noexcept { return start_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
  [[nodiscard]] std::span<std::byte> span() const noexcept { return {start_, bytes_}; }

  // Gives it back; this is empty then.
  void reset() noexcept {
    if (start_ == nullptr) return;
    pool_->release(std::exchange(start_, nullptr), std::exchange(bytes_, 0));
  }
  // The buffer, which from now on is the caller's to release().
  [[nodiscard]] std::byte* detach() noexcept {
    bytes_ = 0;
    return std::exchange(start_, nullptr);
  }

 private:
  friend class buffer_pool;
  pooled_buffer(buffer_pool& pool, raw_buffer raw, std::size_t bytes) noexcept
      : pool_(&pool),
        start_(static_cast<std::byte*>(raw.start)),
        bytes_(raw.start != nullptr ? bytes : 0),
        status_(raw.status) {}

  buffer_pool* pool_ = nullptr;
  std::byte* start_ = nullptr;
  std::size_t bytes_ = 0;
  acquire_status status_ = acquire_status::timeout;
};

// What co_await works on. Awaited once, where it was made. A coroutine that is suspended here may be
// destroyed, and leaves the line; but not while another thread may end its wait.
class STRATA_RESOURCES_API buffer_pool::acquisition : private waiter {
 public:
  acquisition(const acquisition&) = delete;
  acquisition& operator=(const acquisition&) = delete;
  ~acquisition() {
    if (pending_) [[unlikely]]
      abandon();
  }

  bool await_ready() noexcept;
  bool await_suspend(std::coroutine_handle<> suspended) noexcept;
  pooled_buffer await_resume() noexcept;

 private:
  friend class buffer_pool;
  struct canceller {
    acquisition* target;
    void operator()() const noexcept { target->cancel(); }
  };
  struct resumptions;

  acquisition(buffer_pool& pool, std::size_t bytes, std::stop_token stop,
              std::size_t of_tenant) noexcept;
  void cancel() noexcept;
  void abandon() noexcept;
  static void on_resume(buffer_pool& pool, waiter& self) noexcept;

  buffer_pool* pool_;
  std::size_t bytes_;
  std::uint64_t since_ns_ = 0;  // when it began to wait; 0: it did not
  bool pending_ = false;        // in the line, or granted and not yet handed over
  std::stop_token stop_;
  std::coroutine_handle<> suspended_;
  std::optional<std::stop_callback<canceller>> callback_;
};

inline pooled_buffer buffer_pool::acquire(std::size_t bytes, time_limit limit,
                                          std::size_t tenant) noexcept {
  bytes += bytes == 0 ? 1 : 0;
  return {*this, acquire_raw(bytes, limit, tenant), bytes};
}
inline pooled_buffer buffer_pool::try_acquire(std::size_t bytes, std::size_t tenant) noexcept {
  return acquire(bytes, std::chrono::nanoseconds(0), tenant);
}
inline buffer_pool::acquisition buffer_pool::async_acquire(std::size_t bytes, std::stop_token stop,
                                                           std::size_t tenant) noexcept {
  return {*this, bytes, std::move(stop), tenant};
}

}  // namespace strata
