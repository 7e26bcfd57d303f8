// The thread cache: per size class a magazine of free blocks, from which malloc pops and to which
// free pushes, without a lock, an atomic operation or a call.
//
//   magazine of 64 words, aligned to its 512 bytes:
//
//   word   0                head                     end      63
//        | stale | stale  | block | block | block | 0  | ...    |
//
//   malloc   *head is 0: empty, go the slow way; else take it, head + 1
//   free     head is aligned to 512 bytes: full, go the slow way; else head - 1, store there
//
// A head that must always go the slow way points to `parked`, an aligned magazine of zeros: empty
// and full at once. Heads start parked in every thread; they stay so for marks that are no class, on
// sparse ground, while operations are counted, under paranoid hardening, and where every block is to be
// guarded. Then the slow way uses heads of its own.
//
// Invariants, seen by the owner between operations:
//   words head .. end-1 hold blocks until the first 0; words from there to end are 0; *end == 0
//
// Order of stores: every operation first makes the new state reachable by one store to the head.
// So an operation that is cut off at any instruction (a handler that leaves by longjmp, a fork)
// loses at most the blocks in its hands and never hands one out twice.
//
// A class is *unopened*, its head parked, until its first refill: a thread that frees blocks of a class
// before it has asked for any frees what another thread has allocated, out of that one's cache lines. A
// first few go back to their spans one by one. Whoever frees more is a consumer, and its magazine opens.
//
// Idle threads: another thread may *lift* a magazine: move the page under it away (os::lift_pages), so
// that the owner at once sees zeros and goes the slow way when it wakes. The block at the head is the
// only one that the owner may hold in a register at that moment; it is left out of the loot and
// remembered (`doubtful`); the owner finds out at its next slow operation whether it took it.
//
// Behind the magazine of each class the thread has a stash of batches (stash.hpp). Only slow operations
// and lifts touch it.
//
// The gate keeps slow operations of the owner and lifts apart; see class gate.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "alloc/depot.hpp"
#include "alloc/large_cache.hpp"
#include "alloc/stash.hpp"
#include "base/list.hpp"
#include "ground/address_map.hpp"
#include "os/process.hpp"
#include "sync/mutex.hpp"

namespace strata::alloc {

inline constexpr std::size_t magazine_words = 64;
inline constexpr std::size_t magazine_bytes = magazine_words * sizeof(std::uintptr_t);

// Blocks that a magazine of the class holds at most.
constexpr std::size_t magazine_capacity(std::size_t number) {
  if (number == 0) return 1;
  std::size_t by_bytes = 128 * base::KiB / ground::class_bytes(number);
  return base::larger(4, base::smaller(magazine_words - 1, by_bytes));
}

struct alignas(magazine_bytes) magazine {
  std::uintptr_t words[magazine_words];
};

extern magazine parked;

// ---- Exact counts, kept when STRATA_COUNT is on

inline constexpr std::size_t histogram_size = 48;

// What is counted: each size class, its plain twin with it, and all large blocks together.
inline constexpr std::size_t large_kind = 0;
inline constexpr std::size_t kind_count = ground::class_count;

struct counters {
  std::uint64_t allocations[kind_count];
  std::uint64_t frees[kind_count];
  std::uint64_t requested[kind_count];
  std::uint64_t histogram[histogram_size];
  std::uint64_t large_allocated_bytes;
  std::uint64_t large_freed_bytes;
  std::int64_t unpublished;  // change of live bytes that the shared total does not have yet

  void add(const counters& other);
};

// ---- The cache

// Keeps the owner's slow operations and lifts by other threads apart. The owner may find it held by
// itself: a handler has left a slow operation by longjmp. Every slow operation can be cut off at any
// point, so the owner simply goes on.
class gate {
 public:
  void enter() {
    std::uint32_t seen = open;
    // acquire: sees what a lift has done.
    while (!word_.compare_exchange_strong(seen, by_owner, std::memory_order_acquire) &&
           seen != by_owner) {
      os::relax();
      seen = open;
    }
  }
  void leave() { word_.store(open, std::memory_order_release); }
  // False while the owner is inside.
  bool enter_to_lift() {
    std::uint32_t seen = open;
    return word_.compare_exchange_strong(seen, by_lifter, std::memory_order_acquire);
  }

 private:
  static constexpr std::uint32_t open = 0;
  static constexpr std::uint32_t by_owner = 1;
  static constexpr std::uint32_t by_lifter = 2;
  std::atomic<std::uint32_t> word_{open};
};

class thread_cache : public base::list_node<thread_cache> {
 public:
  // The calling thread's cache; null when it has none (any more), or there is no memory for one.
  static thread_cache* current();

  // A block of the class by the slow way; null when there is no memory.
  void* allocate(std::size_t number);
  // Takes a block, whose mark the caller has cleared, by the slow way.
  void deallocate(void* block, std::size_t number);

  // Moves half of what every magazine holds to the shared levels.
  void trim();
  // Moves everything there: the thread ends.
  void hand_in();
  // Moves everything to the bins.
  void drain();
  // Stops the process when something was written past the end of a block that it holds, or over its stamp.
  void check_canaries();
  // What drain does, from another thread, while the owner sleeps (or even runs). scratch: address space
  // for the pages lifted, magazines_bytes() long.
  void lift(magazine* scratch);
  // The owner is back after a lift.
  void wake();
  static std::size_t magazines_bytes();

  [[nodiscard]] std::size_t cached(std::size_t number);
  [[nodiscard]] counters* counts() { return counted_ ? counters_ : nullptr; }
  // False while heads are parked.
  [[nodiscard]] bool fast() const { return heads_ != own_heads_; }

  large_cache larges;

  std::uint64_t last_tick_ms = 0;
  std::uint64_t last_trim_ms = 0;
  // Written by the owner at slow operations, read by whoever looks for idle threads.
  std::atomic<std::uint64_t> last_active_ms{0};
  std::atomic<bool> lifted{false};

 private:
  friend class thread_registry;

  struct doubt {
    std::uintptr_t held;
    std::uintptr_t* at;
  };

  std::uintptr_t* end_of(std::size_t number) {
    return magazines_[number].words + magazine_capacity(number);
  }
  void start(bool fast);
  [[nodiscard]] bool is_unopened(std::size_t number) const;
  void refill(std::size_t number);
  void visit_bin(std::size_t number);
  void stash_or_flush(std::size_t number, const std::uintptr_t* blocks, std::size_t count);
  void put_or_flush(std::size_t number, const std::uintptr_t* blocks, std::size_t count);
  void return_to_bin(std::size_t number, std::uintptr_t* blocks, std::size_t count);
  void empty_stash(std::size_t number, std::size_t batches);
  batch* take_empty();
  void keep_empty(batch* empty);
  enum class level { own, shared };
  void flush(std::size_t number, std::size_t count, level to);
  void hand_on(std::size_t number, std::uintptr_t* blocks, std::size_t count, level to);
  void settle(std::size_t number);
  std::size_t filled(std::size_t number);
  void loot_of_sleeper(const magazine& lifted_one, std::uintptr_t* head, std::size_t number);
  void loot_of_runner(const magazine& lifted_one, std::uintptr_t* head, std::size_t number);
  static void give_from(const magazine& lifted_one, std::size_t first, std::size_t number);
  void give_all(std::size_t number);

  std::uintptr_t** heads_ = nullptr;  // the thread's fast heads, or own_heads_
  std::uintptr_t* own_heads_[ground::mark_count] = {};
  std::uint8_t strays_[ground::number_count] = {};   // blocks freed while unopened
  std::uint16_t wanted_[ground::number_count] = {};  // how much the next visit to the bin asks for
  batch* empties_ = nullptr;                         // batches at hand, linked by `under`
  std::uint32_t empty_count_ = 0;
  stash stashes_[ground::number_count];
  doubt doubtful_[ground::number_count] = {};
  bool counted_ = false;
  counters* counters_ = nullptr;  // memory of zeros, not touched unless operations are counted
  gate gate_;
  magazine* magazines_ = nullptr;  // number_count of them, on pages of their own
};

// ---- What the fast path reads of the calling thread

struct thread_state {
  std::uintptr_t* heads[ground::mark_count];
  std::int32_t tick;   // allocations until the clock is looked at
  std::uint8_t phase;  // thread_phase
  bool guard_next;     // a guarded block is due when tick is down (guard.hpp)
  thread_cache* cache;
};
enum thread_phase : std::uint8_t { phase_new, phase_running, phase_exited };

extern thread_local constinit thread_state this_thread
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

// ---- All caches

class thread_registry {
 public:
  // Gives the calling thread a cache. Null when there is no memory, or the thread is exiting.
  static thread_cache* enter();
  // The calling thread exits: drains its cache and keeps it for another thread.
  static void leave();
  // Empties caches whose owners did no slow operation since before_ms.
  static void lift_idle(std::uint64_t before_ms);
  // In a forked child: takes over what the threads that are not here any more had cached.
  static void adopt_in_child();

  // Calls visit for each cache, with the registry locked.
  template <typename Visit>
  static void each(Visit visit);
  // The same for a caller that holds the lock.
  template <typename Visit>
  static void each_locked(Visit visit);
  // Counts of threads that have exited; whoever reads them holds the lock.
  static const counters& departed();
  // In a forked child: its counts start at 0.
  static void forget_counts();
  static std::size_t size();

  static sync::mutex& lock();

 private:
  static base::list<thread_cache>& active();
  static base::list<thread_cache>& spares();
  static thread_cache* take_spare();
  static thread_cache* make();
  static void unlist(thread_cache* old);
  static void retire(thread_cache* old);
};

template <typename Visit>
void thread_registry::each(Visit visit) {
  sync::locked section(lock());
  each_locked(visit);
}
template <typename Visit>
void thread_registry::each_locked(Visit visit) {
  for (thread_cache* one = active().front(); one != nullptr; one = active().after(one)) visit(*one);
}

}  // namespace strata::alloc
