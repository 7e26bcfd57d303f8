// Locks are taken in this order: registry, a pool's, a shard's.
#include <strata/object_pool.hpp>

#include <chrono>
#include <thread>

#include "os/memory.hpp"
#include "os/process.hpp"

namespace strata {
namespace detail {

constinit thread_local pool_slot pool_slots[pool_slot_count] = {};

namespace {

constexpr std::uint32_t gets_until_clock = 256;
constexpr std::size_t most_of_its_own = 16;

// Which thread has which shard. One lock for all pools: threads and pools end in either order.
constinit fork_safe_global<std::mutex> registry;
std::uint64_t pools_made = 0;  // under it

// Destructors of other thread_local objects may still use pools, without a shard.
constinit thread_local bool thread_has_ended = false;
// This thread's, once it has any: for a child of fork, which must not make it.
constinit thread_local pool_shard** own_list = nullptr;

}  // namespace

struct pool_thread {
  pool_shard* shards = nullptr;

  pool_thread() = default;
  pool_thread(const pool_thread&) = delete;
  pool_thread& operator=(const pool_thread&) = delete;
  ~pool_thread() {
    thread_has_ended = true;
    for (pool_slot& each : pool_slots) each = {};
    std::lock_guard inside(registry);
    while (pool_shard* one = shards) {
      shards = one->next_of_thread;
      one->pool->leave_thread(*one);
    }
  }
};
namespace {
thread_local pool_thread this_thread;
}  // namespace

// ---- Owners and those who stop them

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

// ---- Pools and threads

pool_core::pool_core(object_pool_options chosen) noexcept
    : gate_(os::order_all_threads() ? 0 : 1),
      open_gate_(gate_.load(std::memory_order_relaxed)),
      chosen_(chosen),
      most_idle_places_(chosen.most_idle / 64),
      shards_(&common_),
      last_cycle_ms_(os::coarse_ms()),
      seat_(at_fork, this) {
  registry.enter();
  std::lock_guard inside(registry);
  number_ = 2 * ++pools_made + 1;
  slot_offset_ = pools_made % pool_slot_count * sizeof(pool_slot);
}

pool_core::~pool_core() {
  std::lock_guard inside(registry);
  pool_shard* next = nullptr;
  for (pool_shard* each = shards_; each != &common_; each = next) {
    next = each->next;
    if (each->list_of_thread != nullptr) {
      pool_shard** link = each->list_of_thread;
      while (*link != each) link = &(*link)->next_of_thread;
      *link = each->next_of_thread;
    }
    delete each;
  }
}

// The calling thread's, or null: it is ending, or there is no memory.
pool_shard* pool_core::own_shard() noexcept {
  pool_slot& slot = own_slot();
  if (slot.pool == number_) return slot.shard;
  if (thread_has_ended) return nullptr;
  pool_shard** list = own_list = &this_thread.shards;
  std::lock_guard inside(registry);
  pool_shard* own = *list;
  while (own != nullptr && own->pool != this) own = own->next_of_thread;
  if (own == nullptr) {
    own = shards_.load(std::memory_order_relaxed);
    while (own != &common_ && own->list_of_thread != nullptr) own = own->next;
    if (own == &common_) {
      own = new (std::nothrow) pool_shard;
      if (own == nullptr) return nullptr;
      own->pool = this;
      own->next = shards_.load(std::memory_order_relaxed);
      // release: whoever finds it finds it made.
      shards_.store(own, std::memory_order_release);
    }
    attach(*own, list);
  }
  slot = {number_, own};
  return own;
}

void pool_core::attach(pool_shard& one, pool_shard** list) noexcept {
  one.list_of_thread = list;
  one.next_of_thread = *list;
  *list = &one;
  std::size_t capacity = take_room(most_of_its_own);
  own_section inside(*this, one);
  one.capacity = one.room = static_cast<std::int32_t>(capacity);
  one.until_clock = gets_until_clock;
}

// The thread ends: its own objects are for others now.
void pool_core::leave_thread(pool_shard& one) noexcept {
  one.list_of_thread = nullptr;
  pool_list left;
  auto capacity = static_cast<std::size_t>(one.capacity);
  {
    own_section inside(*this, one);
    left = one.take_own();
    one.capacity = one.room = 0;
  }
  shelf_section inside(*this, one);
  one.places += capacity;
  one.shared.take_all(left);
  inside.give_back_places(0);
}

template <class Visit>
void pool_core::each_shard(Visit visit) noexcept {
  // acquire: pairs with own_shard's release.
  for (pool_shard* each = shards_.load(std::memory_order_acquire); each != nullptr;
       each = each->next) {
    visit(*each);
  }
}

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

// ---- Forks

constinit const fork_ways pool_core::at_fork = {
    [](void* pool) noexcept { return static_cast<pool_core*>(pool)->try_hold(); },
    [](void* pool) noexcept { static_cast<pool_core*>(pool)->let_go(); },
    [](void* pool) noexcept { static_cast<pool_core*>(pool)->put_right_in_child(); }};

bool pool_core::try_hold() noexcept {
  if (!lock_.try_lock()) return false;
  held_from_ = shards_.load(std::memory_order_acquire);
  pool_shard* each = held_from_;
  while (each != nullptr && each->lock.try_lock()) each = each->next;
  if (each == nullptr) {
    stop_all();
    return true;
  }
  for (pool_shard* one = held_from_; one != each; one = one->next) one->lock.unlock();
  lock_.unlock();
  return false;
}

void pool_core::let_go() noexcept {
  for (pool_shard* one = held_from_; one != nullptr; one = one->next) one->lock.unlock();
  gate_.store(open_gate_, std::memory_order_release);
  lock_.unlock();
}

// What belonged to threads that are gone is for others, and the sums are what is there.
void pool_core::put_right_in_child() noexcept {
  std::size_t promised = 0;
  each_shard([&](pool_shard& each) {
    if (each.list_of_thread != nullptr && each.list_of_thread != own_list) leave_thread(each);
    promised += static_cast<std::size_t>(each.capacity) + each.places;
  });
  promised_.store(promised, std::memory_order_relaxed);
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

}  // namespace detail

// ---- Byte buffers

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
