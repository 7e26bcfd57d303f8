// The slow ways of object pools, and cycles.
#include <strata/detail/pool_core.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

#include "os/memory.hpp"
#include "os/process.hpp"
#include "resource/pool_sections.hpp"

namespace strata::detail {

// ---- Stopping all

// Shuts the gate, under lock_, and waits until nobody is behind it.
void pool_core::stop_all() noexcept {
  if (open_gate_ == 0) {
    // seq_cst: before the barrier.
    gate_.store(1, std::memory_order_seq_cst);
    if (!os::order_all_threads()) keep_shut();
  }
  // Whoever is busy needs some ten instructions more, but may have been sent to sleep at one of
  // them.
  auto wait = [](int turns) {
    if (turns < 100)
      os::relax();
    else if (turns < 200)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(std::chrono::microseconds(50));
  };
  each_shard([&](pool_shard& each) {
    // acquire: pairs with leave().
    for (int turns = 0; each.busy.load(std::memory_order_acquire) != 0; ++turns) wait(turns);
  });
}

// The kernel has forbidden the barrier since the pool was made. A store does not stay in a
// processor's buffer for a millisecond.
void pool_core::keep_shut() noexcept {
  open_gate_ = 1;
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// ---- Finding

// Shards that have something, under their locks, from one of them on, until found() is true.
template <class Visit>
void pool_core::search(pool_shard* start, Visit found) noexcept {
  auto try_one = [&](pool_shard& one) {
    // relaxed: what comes this moment may be missed.
    if (one.shelved.load(std::memory_order_relaxed) == 0) return false;
    shelf_section inside(*this, one);
    return found(one);
  };
  if (start == nullptr) start = &common_;
  for (pool_shard* each = start; each != nullptr; each = each->next) {
    if (try_one(*each)) return;
  }
  // acquire: as in each_shard.
  for (pool_shard* each = shards_.load(std::memory_order_acquire); each != start;
       each = each->next) {
    if (try_one(*each)) return;
  }
}

// As much of it as the bound allows. relaxed: a number that orders nothing.
std::size_t pool_core::take_room(std::size_t wanted) noexcept {
  std::size_t now = promised_.load(std::memory_order_relaxed);
  std::size_t got = 0;
  do {
    got = std::min(wanted, chosen_.most_idle - now);
  } while (!promised_.compare_exchange_weak(now, now + got, std::memory_order_relaxed));
  return got;
}

// ---- The slow ways

bool pool_core::cycle_is_due() noexcept {
  if (pool_shard* own = own_shard()) {
    // The quick way has counted already, where it was open; what goes the slow way may count twice.
    if (own->until_clock > 1) {
      --own->until_clock;
      return false;
    }
    own->until_clock = gets_until_clock;
  }
  if (chosen_.period_ms == 0) return false;
  std::uint64_t now = os::coarse_ms();
  std::uint64_t last = last_cycle_ms_.load(std::memory_order_relaxed);
  // relaxed: one thread wins, and that is all.
  return now - last >= chosen_.period_ms &&
         last_cycle_ms_.compare_exchange_strong(last, now, std::memory_order_relaxed);
}

pool_node* pool_core::take_slow() noexcept {
  pool_shard* own = own_shard();
  pool_node* one = nullptr;
  if (own != nullptr) {
    own_section inside(*this, *own);
    if (own->own != nullptr) one = own->pop();
  }
  if (one == nullptr) one = take_shared(own);
  if (one == nullptr) one = take_victim(own);
  if (one != nullptr) one->link = mark();
  return one;
}

// One to use, and some for the thread's own, which is empty: of its shared ones; when there are none,
// all that another has become its.
pool_node* pool_core::take_shared(pool_shard* own) noexcept {
  std::size_t most = own != nullptr ? 1 + static_cast<std::size_t>(own->capacity) / 2 : 1;
  pool_list found;
  pool_list stolen;
  search(own, [&](pool_shard& each) {
    if (&each == own || own == nullptr) {
      found = each.shared.take(most);
    } else {
      stolen = each.shared.take(each.shared.count);
      each.places -= stolen.count;
    }
    return found.count != 0 || stolen.count != 0;
  });
  if (stolen.count != 0) {
    shelf_section inside(*this, *own);
    own->places += stolen.count;
    found = stolen.take(most);
    own->shared.take_all(stolen);
  }
  pool_node* one = found.pop();
  if (found.count != 0) {
    own_section inside(*this, *own);
    own->fill(found);
  }
  return one;
}

// One only: what isn't used is to stay a victim.
pool_node* pool_core::take_victim(pool_shard* own) noexcept {
  pool_node* one = nullptr;
  search(own, [&](pool_shard& each) { return (one = each.victims.pop()) != nullptr; });
  return one;
}

pool_list pool_core::put_slow(pool_node* one) noexcept {
  pool_list spilled;
  pool_shard* own = own_shard();
  if (own == nullptr) {
    spilled.push(one);
  } else {
    own_section inside(*this, *own);
    if (own->room == 0) {
      pool_list all = own->take_own();
      spilled = all.take(all.count / 2);
      own->fill(all);
    }
    if (!own->push(one)) spilled.push(one);
  }
  if (spilled.count != 0) {
    pool_shard& into = own != nullptr ? *own : common_;
    shelf_section(*this, into).put(into.shared, spilled);
  }
  return spilled;
}

pool_list pool_core::cycle() noexcept {
  pool_list dropped;
  all_stopped here(*this);
  cycles_.fetch_add(1, std::memory_order_relaxed);
  each_shard([&](pool_shard& each) {
    shelf_section inside(*this, each);
    dropped.take_all(each.victims);
    each.victims.take_all(each.shared);
    pool_list own = each.take_own();
    inside.put(each.victims, own);
    dropped.take_all(own);
    inside.give_back_places(0);
  });
  return dropped;
}

pool_list pool_core::drain() noexcept {
  pool_list all;
  all_stopped here(*this);
  each_shard([&](pool_shard& each) {
    shelf_section inside(*this, each);
    all.take_all(each.shared);
    all.take_all(each.victims);
    pool_list own = each.take_own();
    all.take_all(own);
    inside.give_back_places(0);
  });
  return all;
}

// ---- Looking at it

void pool_core::stop_at_put(const pool_node* one) const {
  // Idle nodes have even links.
  bool another = (one->link & 1) != 0;
  stop(another ? misuse::foreign_free : misuse::double_free, "object_pool", one + 1);
}

object_pool_statistics pool_core::statistics() noexcept {
  object_pool_statistics figures;
  all_stopped here(*this);
  each_shard([&](pool_shard& each) {
    shelf_section inside(*this, each);
    figures.idle += each.count();
    figures.idle += static_cast<std::size_t>(each.capacity - each.room);
  });
  figures.made = made_.load(std::memory_order_relaxed);
  figures.destroyed = destroyed_.load(std::memory_order_relaxed);
  figures.cycles = cycles_.load(std::memory_order_relaxed);
  return figures;
}

void pool_core::verify() {
  all_stopped here(*this);
  std::size_t idle = 0;
  auto count = [&](const pool_node* first) {
    std::size_t found = 0;
    for (; first != nullptr; first = first->next()) {
      check((first->link & 1) == 0 && ++found <= chosen_.most_idle, "object_pool", first);
    }
    idle += found;
    return found;
  };
  each_shard([&](pool_shard& each) {
    shelf_section inside(*this, each);
    check(count(each.own) == static_cast<std::size_t>(each.capacity - each.room), "object_pool",
          &each);
    check(count(each.shared.first) == each.shared.count, "object_pool", &each.shared);
    check(count(each.victims.first) == each.victims.count, "object_pool", &each.victims);
    check(each.count() <= each.places, "object_pool", &each.places);
  });
  check(idle <= chosen_.most_idle, "object_pool", this);
}

}  // namespace strata::detail
