// Which thread has which shard of which object pool, and how threads, pools and processes end.
#include <new>

#include <strata/detail/fork.hpp>

#include "os/memory.hpp"
#include "os/process.hpp"
#include "resource/pool_sections.hpp"

namespace strata::detail {

constinit thread_local pool_slot pool_slots[pool_slot_count] = {};

namespace {

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

}  // namespace strata::detail
