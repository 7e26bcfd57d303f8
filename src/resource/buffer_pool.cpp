#include <strata/buffer_pool.hpp>

#include <algorithm>
#include <bit>

#include "os/process.hpp"

namespace strata {
namespace {

constexpr std::uint32_t awake = 0;
constexpr std::uint32_t asleep = 1;
constexpr std::uint32_t ended = 2;

// A size that nobody asks for.
constexpr std::uint64_t nothing_is_poolable = UINT64_MAX;

constexpr std::size_t at_least_one(std::size_t bytes) { return bytes == 0 ? 1 : bytes; }

}  // namespace

// A thread that waits. Its word becomes `ended` when whoever ended the wait is done with it.
struct buffer_pool::sleeper : waiter {
  sleeper() noexcept { on_end = end; }

  // False when the time has come first. Who is first in the line may be served within a moment, and
  // looks for it so many times; behind it that would be in vain.
  bool sleep(std::uint64_t until_ns, int most_looks) noexcept {
    for (int looks = 0; looks < most_looks; ++looks) {
      if (word.load(std::memory_order_acquire) == ended) return true;
      os::relax();
    }
    std::uint32_t expected = awake;
    word.compare_exchange_strong(expected, asleep, std::memory_order_relaxed);
    // acquire: pairs with end's exchange, so that the grant is seen.
    while (word.load(std::memory_order_acquire) != ended) {
      if (until_ns == time_limit::never) {
        os::wait(&word, asleep);
      } else if (os::monotonic_ns() < until_ns) {
        os::wait_until(&word, asleep, until_ns);
      } else {
        return false;
      }
    }
    return true;
  }
  static void end(buffer_pool& /*pool*/, waiter& self) noexcept {
    auto* word = &static_cast<sleeper&>(self).word;
    // Behind the exchange the sleeper may be gone: a wake of what stands there now does no harm.
    if (word->exchange(ended, std::memory_order_release) == asleep) os::wake_one(word);
  }

  std::atomic<std::uint32_t> word{awake};
};

// Coroutines that this thread is to resume, in order. One that makes room for others leaves them to the
// outermost call: a chain of any length takes no stack.
struct buffer_pool::acquisition::resumptions {
  void add(acquisition& one) noexcept {
    one.next = nullptr;
    (last != nullptr ? last->next : first) = &one;
    last = &one;
    if (running) return;
    running = true;
    while (first != nullptr) {
      auto* now = static_cast<acquisition*>(first);
      first = now->next;
      if (first == nullptr) last = nullptr;
      now->suspended_.resume();
    }
    running = false;
  }

  static thread_local resumptions mine;

  detail::claim* first = nullptr;
  detail::claim* last = nullptr;
  bool running = false;
};
thread_local constinit buffer_pool::acquisition::resumptions
    buffer_pool::acquisition::resumptions::mine;

buffer_pool::buffer_pool(options chosen, std::pmr::memory_resource* upstream)
    : queue_(chosen.total_bytes,
             chosen.poolable_bytes != 0 ? chosen.poolable_bytes : nothing_is_poolable,
             chosen.weights),
      alignment_(std::max(chosen.alignment, alignof(detail::ready_buffer))),
      upstream_(upstream),
      resume_(std::move(chosen.resume)),
      seat_(at_fork, this) {
  if (!std::has_single_bit(chosen.alignment)) {
    detail::stop(detail::misuse::precondition, "buffer_pool", this);
  }
}

buffer_pool::~buffer_pool() {
  // Threads that a fork left behind give nothing back.
  bool lost = seat_.crossed_fork();
  if ((queue_.lent_buffers() != 0 || queue_.waiting() != 0) && !lost) {
    detail::stop(detail::misuse::still_in_use, "buffer_pool", this);
  }
  close();
}

void buffer_pool::close() noexcept {
  lock_.lock();
  queue_.close();
  settle_and_unlock();
}

// ---- The end of every section that may have made room: no way out of it leaves a waiter behind.

void buffer_pool::settle_and_unlock() noexcept {
  detail::claim* over = queue_.serve();
  detail::ready_buffer* trimmed = queue_.trimmed();
  lock_.unlock();
  // First the memory, then those who will allocate in its place.
  while (detail::ready_buffer* buffer = trimmed) {
    trimmed = buffer->next;
    to_upstream(buffer, queue_.poolable_bytes());
  }
  while (over != nullptr) {
    auto* one = static_cast<waiter*>(over);
    over = over->next;  // first: once told, it may be gone
    one->on_end(*this, *one);
  }
}

// ---- Acquiring

void buffer_pool::describe(waiter& one, std::span<const std::size_t> sizes,
                           std::size_t tenant) const noexcept {
  if (tenant >= queue_.tenants()) detail::stop(detail::misuse::precondition, "buffer_pool", this);
  one.tenant = tenant;
  one.buffers = sizes.size();
  for (std::size_t bytes : sizes) {
    bytes = at_least_one(bytes);
    if (bytes == queue_.poolable_bytes()) ++one.whole_buffers;
    // What doesn't fit a number doesn't fit the pool either.
    one.need_bytes = bytes > UINT64_MAX - one.need_bytes ? UINT64_MAX : one.need_bytes + bytes;
  }
}

acquire_status buffer_pool::reserve(sleeper& one, time_limit limit) noexcept {
  if (one.need_bytes > queue_.total_bytes()) return acquire_status::too_large;
  std::uint64_t now_ns = limit.is_zero() ? 0 : os::monotonic_ns();
  std::uint64_t until_ns = limit.deadline_ns(now_ns);
  lock_.lock();
  if (queue_.take(one)) {
    settle_and_unlock();
    return acquire_status::granted;
  }
  if (queue_.closed()) {
    lock_.unlock();
    return acquire_status::closed;
  }
  if (until_ns <= now_ns) {
    ++exhausted_;
    lock_.unlock();
    return acquire_status::timeout;
  }
  queue_.enqueue(one);
  int looks = queue_.head() == &one ? 100 : 1;
  lock_.unlock();
  bool left = !one.sleep(until_ns, looks) && give_up(one);
  // Ended in the same moment: whoever did it still looks at `one`.
  if (!left) one.sleep(time_limit::never, 100);
  note_wait(now_ns);
  if (left) return acquire_status::timeout;
  return one.state == detail::claim_state::granted ? acquire_status::granted
                                                   : acquire_status::closed;
}

// False when the wait has ended meanwhile.
bool buffer_pool::give_up(waiter& one) noexcept {
  lock_.lock();
  if (one.state != detail::claim_state::waiting) {
    lock_.unlock();
    return false;
  }
  queue_.withdraw(one);
  ++exhausted_;
  settle_and_unlock();
  return true;
}

raw_buffer buffer_pool::acquire_slow(std::size_t bytes, time_limit limit,
                                     std::size_t tenant) noexcept {
  sleeper one;
  describe(one, {&bytes, 1}, tenant);
  acquire_status status = reserve(one, limit);
  if (status != acquire_status::granted) return {nullptr, status};
  void* block = next_block(one, at_least_one(bytes));
  if (block != nullptr) return {block, status};
  refund(one);
  return {nullptr, acquire_status::no_memory};
}

acquire_status buffer_pool::acquire_all(std::span<const std::size_t> sizes,
                                        std::span<pooled_buffer> into, time_limit limit,
                                        std::size_t tenant) noexcept {
  if (sizes.size() != into.size()) {
    detail::stop(detail::misuse::precondition, "buffer_pool", this);
  }
  for (pooled_buffer& each : into) each.reset();
  if (sizes.empty()) return acquire_status::granted;
  sleeper one;
  describe(one, sizes, tenant);
  acquire_status status = reserve(one, limit);
  if (status != acquire_status::granted) return status;
  for (std::size_t made = 0; made < sizes.size(); ++made) {
    std::size_t bytes = at_least_one(sizes[made]);
    void* block = next_block(one, bytes);
    if (block == nullptr) {
      while (made-- > 0) to_upstream(into[made].detach(), at_least_one(sizes[made]));
      refund(one);
      return acquire_status::no_memory;
    }
    into[made] = pooled_buffer(*this, {block, status}, bytes);
  }
  return status;
}

// What was granted becomes a buffer, outside of the lock; null when upstream has none.
void* buffer_pool::next_block(waiter& one, std::size_t bytes) noexcept {
  if (bytes != queue_.poolable_bytes() || one.taken == nullptr) return from_upstream(bytes);
  --one.taken_count;
  detail::ready_buffer* ready = one.taken;
  one.taken = ready->next;
  return ready;
}

void buffer_pool::refund(waiter& one) noexcept {
  lock_.lock();
  queue_.refund(one);
  settle_and_unlock();
}

void buffer_pool::release_odd(void* block, std::size_t bytes) noexcept {
  bytes = at_least_one(bytes);
  to_upstream(block, bytes);
  lock_.lock();
  queue_.put_bytes(bytes, block);
  settle_and_unlock();
}

void* buffer_pool::from_upstream(std::size_t bytes) noexcept {
  try {
    return upstream_->allocate(bytes, alignment_);
  } catch (...) {
    return nullptr;
  }
}
void buffer_pool::to_upstream(void* block, std::size_t bytes) noexcept {
  upstream_->deallocate(block, bytes, alignment_);
}

// ---- Coroutines

buffer_pool::acquisition::acquisition(buffer_pool& pool, std::size_t bytes, std::stop_token stop,
                                      std::size_t of_tenant) noexcept
    : pool_(&pool), bytes_(at_least_one(bytes)), stop_(std::move(stop)) {
  on_end = on_resume;
  pool.describe(*this, {&bytes_, 1}, of_tenant);
}

bool buffer_pool::acquisition::await_ready() noexcept {
  if (need_bytes > pool_->queue_.total_bytes()) return true;
  if (stop_.stop_requested()) {
    state = detail::claim_state::withdrawn;
    return true;
  }
  pool_->lock_.lock();
  if (pool_->queue_.take(*this)) {
    pending_ = true;
  } else if (pool_->queue_.closed()) {
    state = detail::claim_state::closed;
  }
  bool ready = state != detail::claim_state::outside;
  pool_->settle_and_unlock();
  return ready;
}

bool buffer_pool::acquisition::await_suspend(std::coroutine_handle<> suspended) noexcept {
  buffer_pool& pool = *pool_;
  suspended_ = suspended;
  since_ns_ = os::monotonic_ns();
  // Before the line: once in it, another thread may resume and end this object.
  if (stop_.stop_possible()) callback_.emplace(stop_, canceller{this});
  pool.lock_.lock();
  bool waits = false;
  if (state == detail::claim_state::outside && !pool.queue_.take(*this)) {
    waits = !pool.queue_.closed();
    if (waits)
      pool.queue_.enqueue(*this);
    else
      state = detail::claim_state::closed;
  }
  pending_ = waits || state == detail::claim_state::granted;
  if (!waits) since_ns_ = 0;
  pool.settle_and_unlock();
  return waits;
}

pooled_buffer buffer_pool::acquisition::await_resume() noexcept {
  callback_.reset();  // waits for one that is under way on another thread
  pending_ = false;
  if (since_ns_ != 0) pool_->note_wait(since_ns_);
  raw_buffer raw;
  switch (state) {
    case detail::claim_state::granted:
      raw.start = pool_->next_block(*this, bytes_);
      raw.status = raw.start != nullptr ? acquire_status::granted : acquire_status::no_memory;
      if (raw.start == nullptr) pool_->refund(*this);
      break;
    case detail::claim_state::closed:
      raw.status = acquire_status::closed;
      break;
    case detail::claim_state::withdrawn:
      raw.status = acquire_status::cancelled;
      break;
    default:
      raw.status = acquire_status::too_large;
  }
  return {*pool_, raw, bytes_};
}

// A stop was requested.
void buffer_pool::acquisition::cancel() noexcept {
  buffer_pool& pool = *pool_;
  pool.lock_.lock();
  bool waited = state == detail::claim_state::waiting;
  if (waited)
    pool.queue_.withdraw(*this);
  else if (state == detail::claim_state::outside)
    state = detail::claim_state::withdrawn;  // await_suspend will see it
  pool.settle_and_unlock();
  if (waited) on_resume(pool, *this);
}

// The coroutine was destroyed before it got what it waited for.
void buffer_pool::acquisition::abandon() noexcept {
  callback_.reset();
  pool_->lock_.lock();
  if (state == detail::claim_state::waiting) pool_->queue_.withdraw(*this);
  if (state == detail::claim_state::granted) pool_->queue_.refund(*this);
  pool_->settle_and_unlock();
}

void buffer_pool::acquisition::on_resume(buffer_pool& pool, waiter& self) noexcept {
  auto& one = static_cast<acquisition&>(self);
  if (pool.resume_)
    pool.resume_(one.suspended_);
  else
    resumptions::mine.add(one);
}

// ---- Forks

constinit const detail::fork_ways buffer_pool::at_fork = {
    [](void* self) noexcept { return static_cast<buffer_pool*>(self)->lock_.try_lock(); },
    [](void* self) noexcept { static_cast<buffer_pool*>(self)->lock_.unlock(); },
    [](void* self) noexcept { static_cast<buffer_pool*>(self)->forget_sleepers(); }};

// No thread of those that slept is there; coroutines are. What fits one of them now is told with the
// next release.
void buffer_pool::forget_sleepers() noexcept {
  queue_.withdraw_if(
      [](detail::claim& one) { return static_cast<waiter&>(one).on_end == sleeper::end; });
}

// ---- Looking at it

void buffer_pool::note_wait(std::uint64_t since_ns) noexcept {
  std::uint64_t ns = os::monotonic_ns() - since_ns;
  std::size_t bucket = std::min<std::size_t>(std::bit_width(ns), waits_.size() - 1);
  waits_[bucket].fetch_add(1, std::memory_order_relaxed);
  wait_ns_.fetch_add(ns, std::memory_order_relaxed);
  wait_count_.fetch_add(1, std::memory_order_relaxed);
}

resource_statistics buffer_pool::statistics() const noexcept {
  lock_.lock();
  resource_statistics now = {queue_.lent_bytes() + queue_.ready_bytes(), queue_.lent_bytes(),
                             queue_.peak_lent_bytes(), queue_.lent_buffers()};
  lock_.unlock();
  return now;
}

buffer_pool_metrics buffer_pool::metrics() const noexcept {
  buffer_pool_metrics now;
  lock_.lock();
  now.total_bytes = queue_.total_bytes();
  now.free_bytes = queue_.free_bytes();
  now.pooled_bytes = queue_.ready_bytes();
  now.lent_bytes = queue_.lent_bytes();
  // After every section the head's need is more than what is there: all of that is reserved.
  now.reserved_bytes = queue_.waiting() != 0 ? queue_.available_bytes() : 0;
  now.waiters = queue_.waiting();
  now.exhausted_count = exhausted_;
  lock_.unlock();
  now.wait_count = wait_count_.load(std::memory_order_relaxed);
  now.wait_ns = wait_ns_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < waits_.size(); ++i) {
    now.waits[i] = waits_[i].load(std::memory_order_relaxed);
  }
  return now;
}

void buffer_pool::verify() const {
  lock_.lock();
  queue_.verify();
  lock_.unlock();
}

}  // namespace strata
