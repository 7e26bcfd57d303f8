// The registry: which thread has caches of which front, and how both end. See the header.
#include <strata/thread_front.hpp>

#include <new>
#include <utility>

namespace strata::detail {
namespace {

// Guards all lists of caches, and who is ending. Held for a few steps along a list, never while a
// part is called: the part may stand on a front itself.
constinit fork_safe_global<std::mutex> registry;
// Counts threads that have given back: for fronts that wait for them. Outlives every front.
constinit std::atomic<std::uint32_t> ended_threads{0};
// The thread is destroying its thread_local variables. Trivial itself, so it can be asked to the
// end.
constinit thread_local bool is_ending = false;
// What find_cache made for this thread: for a child of fork, which must not make it.
constinit thread_local front_thread* own_thread = nullptr;
constinit std::atomic<std::uint64_t> last_number{0};

void link(front_cache*& newest, front_cache::links front_cache::*list, front_cache* one) {
  (one->*list).older = newest;
  (one->*list).newer = nullptr;
  if (newest != nullptr) (newest->*list).newer = one;
  newest = one;
}

void unlink(front_cache*& newest, front_cache::links front_cache::*list, front_cache* one) {
  auto [older, newer] = one->*list;
  if (older != nullptr) (older->*list).newer = newer;
  (newer != nullptr ? (newer->*list).older : newest) = older;
}

}  // namespace

constinit thread_local front::seat front::seats_[seats]{};

// A thread's caches. Its destructor is the thread's end.
struct front_thread {
  front_thread() noexcept { own_thread = this; }
  front_thread(const front_thread&) = delete;
  front_thread& operator=(const front_thread&) = delete;
  ~front_thread() {
    is_ending = true;
    for (front::seat& each : front::seats_) each = {};
    while (front_cache* one = take()) {
      front* owner = one->owner;
      owner->empty(*one);
      delete one;
      std::lock_guard hold(registry);
      --owner->ending_threads_;
      // relaxed: who waits for it looks again under the lock
      ended_threads.fetch_add(1, std::memory_order_relaxed);
      ended_threads.notify_all();
    }
  }

  // A cache that its front now leaves to this thread; the front waits. Null when there is no more.
  front_cache* take() {
    std::lock_guard hold(registry);
    front_cache* one = caches;
    if (one == nullptr) return nullptr;
    unlink(caches, &front_cache::in_thread, one);
    unlink(one->owner->caches_, &front_cache::in_owner, one);
    ++one->owner->ending_threads_;
    return one;
  }

  front_cache* caches = nullptr;  // guarded by the registry's lock: fronts take theirs out
};

// relaxed: all that matters is that no two are equal
front::front() noexcept
    : number_(last_number.fetch_add(1, std::memory_order_relaxed) + 1), seat_(at_fork, this) {
  registry.enter();
}

front_cache* front::find_cache(when_missing then) noexcept {
  if (is_ending) return nullptr;
  thread_local front_thread mine;
  auto find = [&] {
    std::lock_guard hold(registry);
    front_cache* one = mine.caches;
    while (one != nullptr && one->owner != this) one = one->in_thread.older;
    return one;
  };
  front_cache* found = find();
  if (found == nullptr) {
    if (then == when_missing::leave) return nullptr;
    found = new (std::nothrow) front_cache;
    if (found == nullptr) return nullptr;
    found->owner = this;
    found->thread = &mine;
    std::lock_guard hold(registry);
    link(mine.caches, &front_cache::in_thread, found);
    link(caches_, &front_cache::in_owner, found);
  }
  seats_[number_ % seats] = {number_, found};
  return found;
}

void front::retire() noexcept {
  std::unique_lock hold(registry);
  while (ending_threads_ != 0) {
    std::uint32_t seen = ended_threads.load(std::memory_order_relaxed);
    hold.unlock();
    ended_threads.wait(seen, std::memory_order_relaxed);
    hold.lock();
  }
  // All at once: from here on no thread that ends finds a cache of this front.
  front_cache* left = std::exchange(caches_, nullptr);
  for (front_cache* one = left; one != nullptr; one = one->in_owner.older) {
    if (one->thread == nullptr) continue;
    unlink(one->thread->caches, &front_cache::in_thread, one);
  }
  hold.unlock();
  while (left != nullptr) {
    front_cache* one = std::exchange(left, left->in_owner.older);
    empty(*one);
    delete one;
  }
}

// ---- In a child of fork

constinit const fork_ways front::at_fork = {nullptr, nullptr, in_child};

void front::in_child(void* self) noexcept {
  auto& here = *static_cast<front*>(self);
  here.ending_threads_ = 0;
  for (front_cache* one = here.caches_; one != nullptr; one = one->in_owner.older) {
    if (one->thread == own_thread) continue;
    one->thread = nullptr;
    here.has_strays_.store(true, std::memory_order_relaxed);
  }
}

void front::retire_strays() noexcept {
  front_cache* strays = nullptr;
  {
    std::lock_guard hold(registry);
    has_strays_.store(false, std::memory_order_relaxed);
    front_cache* older = nullptr;
    for (front_cache* one = caches_; one != nullptr; one = older) {
      older = one->in_owner.older;
      if (one->thread != nullptr) continue;
      unlink(caches_, &front_cache::in_owner, one);
      one->in_owner.older = std::exchange(strays, one);
    }
  }
  while (strays != nullptr) {
    front_cache* one = std::exchange(strays, strays->in_owner.older);
    empty(*one);
    delete one;
  }
}

void front::empty(front_cache& one) noexcept {
  for (std::size_t i = 0; i < front_cache::classes; ++i) {
    give_back(one.magazines[i], magazine::capacity, front_cache::bytes_of(i));
  }
}

front::cached front::count_cached() const noexcept {
  cached all;
  std::lock_guard hold(registry);
  for (const front_cache* one = caches_; one != nullptr; one = one->in_owner.older) {
    for (std::size_t i = 0; i < front_cache::classes; ++i) {
      std::size_t blocks = one->magazines[i].count();
      all.blocks += blocks;
      all.bytes += blocks * front_cache::bytes_of(i);
    }
  }
  return all;
}

}  // namespace strata::detail
