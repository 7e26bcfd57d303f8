// What object pools of all types share: idle nodes, and which thread has them. The story and the search
// are in strata/object_pool.hpp; here is how a thread comes to its own without a lock.
//
// A thread's way to its own objects has neither a lock nor an atomic read-modify-write:
//
//   thread   busy = 1, then gate open?, then work, then busy = 0
//   cycle    gate = shut, then membarrier(2), then waits until no thread is busy, then work
//
// The barrier makes each thread either show its busy or see the gate. Where the kernel has no such
// call, the gate stays shut, and a thread's own objects are under the pool's lock.
//
//   idle objects <= sum of capacity (of own) + places (of shared and victims) == promised <= most_idle
//
// A shard keeps some places that are empty, so that few spills and refills touch what all threads share.
//
// The barrier in place of a fence: Dice, Huang, Yang: Asymmetric Dekker Synchronization (2001).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include <strata/detail/fork.hpp>
#include <strata/detail/support.hpp>
#include <strata/detail/word_lock.hpp>

namespace strata {

struct object_pool_options {
  // Idle objects, in all threads and of both ages.
  std::size_t most_idle = 4096;
  // Between two cycles; 0: only when cycle() is called.
  std::uint32_t period_ms = 100;
};

struct object_pool_statistics {
  std::size_t made = 0;
  std::size_t destroyed = 0;
  std::size_t idle = 0;
  std::size_t cycles = 0;
  [[nodiscard]] std::size_t in_use() const { return made - destroyed - idle; }
};

namespace detail {

struct pool_node {
  std::uintptr_t link;  // idle: the next one; in use: its pool's number
  [[nodiscard]] pool_node* next() const { return pointer_to<pool_node>(link); }
};

struct pool_list {
  pool_node* first = nullptr;
  pool_node* last = nullptr;
  std::size_t count = 0;

  void push(pool_node* one) noexcept {
    one->link = address_of(first);
    if (first == nullptr) last = one;
    first = one;
    ++count;
  }
  pool_node* pop() noexcept {
    pool_node* one = first;
    if (one == nullptr) return nullptr;
    first = one->next();
    --count;
    return one;
  }
  // Its first ones, up to so many.
  pool_list take(std::size_t most) noexcept {
    if (most == 0) return {};
    if (most >= count) return std::exchange(*this, {});
    pool_list front{first, first, most};
    for (std::size_t i = 1; i < most; ++i) front.last = front.last->next();
    first = front.last->next();
    front.last->link = 0;
    count -= most;
    return front;
  }
  void take_all(pool_list& other) noexcept {
    if (other.count == 0) return;
    other.last->link = address_of(first);
    if (first == nullptr) last = other.last;
    first = other.first;
    count += other.count;
    other = {};
  }
};

class pool_core;

struct alignas(64) pool_shard {
  // The thread's own. Others only while the gate is shut and busy is 0.
  std::atomic<std::uint32_t> busy{0};
  std::uint32_t until_clock = 0;
  std::int32_t room = 0;  // of own; capacity = room + objects in own
  std::int32_t capacity = 0;
  pool_node* own = nullptr;

  // False, and out again, when the gate is shut.
  bool enter(const std::atomic<std::uint32_t>& gate) noexcept {
    busy.store(1, std::memory_order_relaxed);
    // For the compiler; the processor is ordered by the other side.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    // acquire: sees what was done behind the gate before it was opened.
    if (gate.load(std::memory_order_acquire) == 0) [[likely]]
      return true;
    leave();
    return false;
  }
  // release: whoever shuts the gate sees what was done here.
  void leave() noexcept { busy.store(0, std::memory_order_release); }

  // False, and as it was, when there is no room.
  bool push(pool_node* one) noexcept {
    if (--room < 0) [[unlikely]] {
      room = 0;
      return false;
    }
    one->link = address_of(own);
    own = one;
    return true;
  }
  pool_node* pop() noexcept {
    pool_node* one = own;
    own = one->next();
    ++room;
    return one;
  }
  // All that is in own.
  pool_list take_own() noexcept {
    pool_list all{own, nullptr, static_cast<std::size_t>(capacity - room)};
    for (pool_node* each = own; each != nullptr; each = each->next()) all.last = each;
    own = nullptr;
    room = capacity;
    return all;
  }
  // What own gets while it is empty; has room for it.
  void fill(pool_list& from) noexcept {
    room -= static_cast<std::int32_t>(from.count);
    own = from.first;
    from = {};
  }

  alignas(64) word_lock lock;
  std::atomic<std::uint32_t> shelved{0};  // count(), which others look at before they lock
  pool_list shared;
  pool_list victims;
  std::size_t places = 0;  // for both
  [[nodiscard]] std::size_t count() const noexcept { return shared.count + victims.count; }

  // Under the registry's lock, but for `next`, which never changes once it is in the pool's list.
  pool_core* pool = nullptr;
  pool_shard* next = nullptr;
  pool_shard* next_of_thread = nullptr;
  pool_shard** list_of_thread = nullptr;  // null: no thread has it
};
static_assert(sizeof(pool_shard) == 192);

// Where a thread finds its shard of a pool. Pools have odd numbers that are never used again, so
// that what is left of a pool that is gone fits no other.
struct pool_slot {
  std::uint64_t pool;
  pool_shard* shard;
};
inline constexpr std::size_t pool_slot_count = 32;
STRATA_RESOURCES_API extern constinit thread_local pool_slot pool_slots[pool_slot_count];

// What pools of all types share: nodes, and who has them.
class STRATA_RESOURCES_API pool_core {
 public:
  explicit pool_core(object_pool_options chosen) noexcept;
  pool_core(const pool_core&) = delete;
  pool_core& operator=(const pool_core&) = delete;
  ~pool_core();

  // An idle node, or null where this needs the slow way.
  pool_node* take() noexcept {
    const pool_slot& slot = own_slot();
    std::uint64_t number = number_;
    if (slot.pool != number) [[unlikely]]
      return nullptr;
    pool_shard& own = *slot.shard;
    if (!own.enter(gate_)) [[unlikely]]
      return nullptr;
    if (--own.until_clock == 0 || own.own == nullptr) [[unlikely]] {
      own.leave();
      return nullptr;
    }
    pool_node* one = own.pop();
    own.leave();
    one->link = number;
    return one;
  }
  // False where this needs the slow way.
  bool put(pool_node* one) noexcept {
    const pool_slot& slot = own_slot();
    if (slot.pool != number_) [[unlikely]]
      return false;
    pool_shard& own = *slot.shard;
    if (!own.enter(gate_)) [[unlikely]]
      return false;
    bool kept = own.push(one);
    own.leave();
    return kept;
  }

  // Says whether it is time for a cycle; to one thread a period.
  bool cycle_is_due() noexcept;
  pool_node* take_slow() noexcept;
  // What comes back is to be destroyed, as it is with cycle() and drain().
  pool_list put_slow(pool_node* one) noexcept;
  pool_list cycle() noexcept;
  // All that is idle.
  pool_list drain() noexcept;

  // The link of a node in use. Odd, as no node's address is.
  [[nodiscard]] std::uintptr_t mark() const noexcept { return number_; }
  [[noreturn]] void stop_at_put(const pool_node* one) const;
  [[nodiscard]] object_pool_statistics statistics() noexcept;
  void verify();

  // relaxed: figures.
  void note_made() noexcept { made_.fetch_add(1, std::memory_order_relaxed); }
  void note_destroyed() noexcept { destroyed_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] bool crossed_fork() const noexcept { return seat_.crossed_fork(); }

 private:
  class own_section;
  class shelf_section;
  class all_stopped;
  friend struct pool_thread;

  [[nodiscard]] pool_slot& own_slot() const noexcept {
    return *pointer_to<pool_slot>(address_of(pool_slots) + slot_offset_);
  }
  pool_shard* own_shard() noexcept;
  void attach(pool_shard& one, pool_shard** list) noexcept;
  void leave_thread(pool_shard& one) noexcept;
  pool_node* take_shared(pool_shard* own) noexcept;
  pool_node* take_victim(pool_shard* own) noexcept;
  template <class Visit>
  void search(pool_shard* start, Visit found) noexcept;
  template <class Visit>
  void each_shard(Visit visit) noexcept;
  std::size_t take_room(std::size_t wanted) noexcept;
  void stop_all() noexcept;
  void keep_shut() noexcept;
  bool try_hold() noexcept;
  void let_go() noexcept;
  void put_right_in_child() noexcept;
  static const fork_ways at_fork;

  std::atomic<std::uint32_t> gate_;
  std::uint32_t open_gate_;  // 1 where there is no barrier: then it is never open
  std::uint64_t number_ = 0;
  std::size_t slot_offset_ = 0;
  object_pool_options chosen_;
  std::size_t most_idle_places_;     // that a shard keeps
  std::atomic<pool_shard*> shards_;  // grows only; the common one is the last

  alignas(64) std::mutex lock_;  // of whoever shuts the gate
  // Of all shards, capacity + places: at most most_idle.
  std::atomic<std::size_t> promised_{0};
  std::atomic<std::uint64_t> last_cycle_ms_;
  std::atomic<std::size_t> cycles_{0};
  std::atomic<std::size_t> made_{0};
  std::atomic<std::size_t> destroyed_{0};
  pool_shard common_;
  pool_shard* held_from_ = nullptr;  // during a fork: the first whose lock is held
  fork_member seat_;
};

}  // namespace detail
}  // namespace strata
