// What may be done to an object pool's shards, as scopes: whoever is in one has the right to
//
//   own_section     the calling thread's own objects
//   shelf_section   a shard's shared ones and victims
//   all_stopped     every thread's own objects; nobody else is at them
//
// Locks are taken in this order: registry, a pool's, a shard's.
#pragma once

#include <strata/detail/pool_core.hpp>

namespace strata::detail {

inline constexpr std::uint32_t gets_until_clock = 256;

// Work on the thread's own objects. Nothing in it waits, unless the gate is shut.
class pool_core::own_section {
 public:
  own_section(pool_core& pool, pool_shard& own) : pool_(pool), own_(own) {
    if (own.enter(pool.gate_)) return;
    pool.lock_.lock();
    locked_ = true;
  }
  ~own_section() {
    if (locked_)
      pool_.lock_.unlock();
    else
      own_.leave();
  }
  own_section(const own_section&) = delete;
  own_section& operator=(const own_section&) = delete;

 private:
  pool_core& pool_;
  pool_shard& own_;
  bool locked_ = false;
};

// Work on a shard's shared and victims.
class pool_core::shelf_section {
 public:
  shelf_section(pool_core& pool, pool_shard& one) : pool_(pool), one_(one) { one_.lock.lock(); }
  ~shelf_section() {
    give_back_places(pool_.most_idle_places_);
    // relaxed: a hint. Who misses what comes this moment does without it.
    one_.shelved.store(static_cast<std::uint32_t>(one_.count()), std::memory_order_relaxed);
    one_.lock.unlock();
  }
  shelf_section(const shelf_section&) = delete;
  shelf_section& operator=(const shelf_section&) = delete;

  // As many as the pool's bound allows; the others stay where they are.
  void put(pool_list& into, pool_list& from) {
    std::size_t needed = one_.count() + from.count;
    if (needed > one_.places) {
      one_.places += pool_.take_room(needed - one_.places + pool_.most_idle_places_ / 2);
    }
    pool_list kept = from.take(one_.places - one_.count());
    into.take_all(kept);
  }
  // Places that nothing is in, where there are more than so many; then half as many are kept.
  void give_back_places(std::size_t most) {
    std::size_t empty = one_.places - one_.count();
    if (empty <= most) return;
    one_.places -= empty - most / 2;
    pool_.promised_.fetch_sub(empty - most / 2, std::memory_order_relaxed);
  }

 private:
  pool_core& pool_;
  pool_shard& one_;
};

// No thread is at its own objects while one of these lives.
class pool_core::all_stopped {
 public:
  explicit all_stopped(pool_core& pool) : pool_(pool), inside_(pool.lock_) { pool.stop_all(); }
  // release: pairs with enter()'s acquire.
  ~all_stopped() { pool_.gate_.store(pool_.open_gate_, std::memory_order_release); }
  all_stopped(const all_stopped&) = delete;
  all_stopped& operator=(const all_stopped&) = delete;

 private:
  pool_core& pool_;
  std::lock_guard<std::mutex> inside_;
};

template <class Visit>
void pool_core::each_shard(Visit visit) noexcept {
  // acquire: pairs with own_shard's release.
  for (pool_shard* each = shards_.load(std::memory_order_acquire); each != nullptr;
       each = each->next) {
    visit(*each);
  }
}

}  // namespace strata::detail
