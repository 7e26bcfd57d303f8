#include "alloc/guard.hpp"

#include <atomic>
#include <cstring>

#include "alloc/canary.hpp"
#include "alloc/guard_pool.hpp"
#include "alloc/live.hpp"
#include "alloc/paranoid.hpp"
#include "alloc/thread_cache.hpp"
#include "ground/account.hpp"
#include "ground/metadata.hpp"
#include "ground/options.hpp"
#include "os/fault_watch.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"
#include "sync/mutex.hpp"

namespace strata::alloc::guard {

constinit bool every_one = false;
constinit pool the_pool = {};

namespace {

constexpr std::uint64_t never = UINT64_MAX;
constexpr std::size_t most_ms = 24 * 60 * 60 * 1000;
constexpr std::size_t live_blocks_a_doubling = 16;
constexpr std::size_t most_doublings = 20;
// Some programs keep flags in the lower three bits of addresses, also of short blocks.
constexpr std::size_t least_alignment = 8;

// Once the process is being stopped it may be held for good: then nothing is done any more.
constinit sync::mutex lock(sync::rank::guard);
constinit bool refused = false;
// the_pool.bytes, for whoever does not hold the lock. release, acquire: then the_pool is as it stays.
constinit std::atomic<std::size_t> pool_bytes{0};
// Slots that are not live, the one that waits longest first.
constinit std::uint16_t waiting[slot_count] = {};
constinit std::size_t first = 0;
constinit std::atomic<std::size_t> live_count{0};
constinit std::atomic<std::size_t> held{0};
// relaxed: it only elects who is next.
constinit std::atomic<std::uint64_t> next_ms{never};

constinit std::uint64_t secret = 0;
constinit std::atomic<std::uint64_t> turn{0};
std::uint64_t random() {
  return base::mixed(secret ^ base::mixed(turn.fetch_add(1, std::memory_order_relaxed)));
}

// ---- The pool. The caller holds the lock.

bool reserve() {
  pool made;
  made.page = os::page_bytes();
  std::size_t bytes = slot_count * made.stride() + made.page;
  // Zeroed memory is unused slots.
  made.slots = static_cast<slot*>(ground::metadata::allocate(slot_count * sizeof(slot)));
  if (made.slots == nullptr) return false;
  void* range = os::reserve(bytes, made.page, os::reserved_as::inaccessible);
  if (range == nullptr) {
    ground::metadata::free(made.slots, slot_count * sizeof(slot));
    return false;
  }
  made.start = base::address_of(range);
  made.bytes = bytes;
  for (std::size_t i = 0; i < slot_count; ++i) waiting[i] = static_cast<std::uint16_t>(i);
  the_pool = made;
  pool_bytes.store(bytes, std::memory_order_release);
  os::watch_faults(judge_fault);
  return true;
}

bool has_pool() {
  if (the_pool.bytes != 0) return true;
  if (!refused) refused = !reserve();
  if (refused) next_ms.store(never, std::memory_order_relaxed);
  return !refused;
}

std::size_t live() { return live_count.load(std::memory_order_relaxed); }

// ---- Where a block lies in its slot

struct placement {
  std::uintptr_t start;  // of the block
  std::uintptr_t from;   // of its OS pages
  std::size_t bytes;     // of these
};

placement pages_around(std::uintptr_t start, std::size_t size) {
  std::uintptr_t from = base::align_down(start, the_pool.page);
  return {start, from, base::align_up(start + base::larger(size, 1), the_pool.page) - from};
}

placement choose_place(std::size_t index, std::size_t size, std::size_t alignment) {
  std::uintptr_t start = the_pool.slot_start(index);
  if (random() % 2 != 0) {
    std::size_t natural = size < ground::granule_bytes ? least_alignment : ground::granule_bytes;
    start = base::align_down(start + the_pool.slot_bytes() - base::larger(size, 1),
                             base::larger(alignment, natural));
  }
  return pages_around(start, size);
}

unsigned char pattern_of(std::uintptr_t start) {
  // Never 0: a string that is one byte too long writes that.
  return static_cast<unsigned char>(base::mixed(start ^ secret) >> 56 | 1);
}

void fill_slack(const placement& place, std::size_t size) {
  unsigned char pattern = pattern_of(place.start);
  std::uintptr_t end = place.start + size;
  std::memset(base::pointer_to(place.from), pattern, place.start - place.from);
  std::memset(base::pointer_to(end), pattern, place.from + place.bytes - end);
}

// The first byte of [from, end) that is not the pattern's; end when all are.
std::uintptr_t first_written(std::uintptr_t from, std::uintptr_t end, unsigned char pattern) {
  while (from < end && *base::pointer_to<const unsigned char>(from) == pattern) ++from;
  return from;
}

void check_slack(const slot& one, const placement& place) {
  unsigned char pattern = pattern_of(place.start);
  std::uintptr_t before = first_written(place.from, place.start, pattern);
  if (before != place.start) stop(misuse::underflow, one, before);
  std::uintptr_t end = place.from + place.bytes;
  std::uintptr_t behind = first_written(place.start + one.size, end, pattern);
  if (behind != end) stop(misuse::overflow, one, behind);
}

// Memory for it; false when refused.
bool fill(const placement& place) {
  if (!ground::account::charge(place.bytes)) return false;
  if (!os::commit(base::pointer_to(place.from), place.bytes)) {
    ground::account::refund(place.bytes);
    return false;
  }
  held.fetch_add(place.bytes, std::memory_order_relaxed);
  return true;
}

// Inaccessible, and without memory. Refused, the slot can be used again all the same.
void empty(const placement& place) {
  os::guard(base::pointer_to(place.from), place.bytes);
  os::purge(base::pointer_to(place.from), place.bytes);
  held.fetch_sub(place.bytes, std::memory_order_relaxed);
  ground::account::refund(place.bytes);
}

// ---- Misuse

bool is_inside(const slot& one, std::uintptr_t address) {
  return address >= one.start && address - one.start < one.size;
}

// No live block starts at the address.
[[noreturn]] void stop_for(std::uintptr_t address) {
  slot* found = the_pool.slot_at(address);
  if (found == nullptr) fatal(misuse::invalid_free, base::pointer_to(address));
  bool twice = found->is(slot_state::freed) && found->start == address;
  if (twice) stop(misuse::double_free, *found, address);
  bool interior = is_inside(*found, address) && found->start != address;
  stop(interior ? misuse::interior_free : misuse::invalid_free, *found, address);
}

slot& live_at(const void* block) {
  std::uintptr_t address = base::address_of(block);
  slot* found = the_pool.slot_at(address);
  bool starts_here = found != nullptr && found->start == address;
  if (!starts_here || !found->is(slot_state::live)) stop_for(address);
  return *found;
}

}  // namespace

// ---- Which block

void set_up() {
  secret = os::random_word();
  every_one = ground::option().guard_all && !paranoid::on();
  bool sampled = ground::option().guard_ms != 0 && !paranoid::on();
  next_ms.store(sampled ? 0 : never, std::memory_order_relaxed);
}

bool is_due(std::uint64_t now_ms) {
  std::uint64_t due = next_ms.load(std::memory_order_relaxed);
  if (STRATA_LIKELY(now_ms < due)) return false;
  std::size_t mean = base::smaller(ground::option().guard_ms, most_ms);
  std::uint64_t pause = mean / 2 + random() % (mean + 1);
  pause <<= base::smaller(live() / live_blocks_a_doubling, most_doublings);
  return next_ms.compare_exchange_strong(due, now_ms + pause, std::memory_order_relaxed) &&
         due != 0;  // a program starts with a pause
}

std::int32_t some_of(std::int32_t most) {
  return static_cast<std::int32_t>(random() % (static_cast<std::uint32_t>(most) + 1));
}

// ---- Blocks

void* allocate(std::size_t size, std::size_t alignment, std::size_t number) {
  if (is_stopping() || live() == slot_count) return nullptr;
  os::stack_trace stack;
  os::take_stack(stack);
  sync::locked section(lock);
  if (!has_pool() || live() == slot_count) return nullptr;
  std::size_t index = waiting[first];
  placement place = choose_place(index, size, alignment);
  if (!fill(place)) return nullptr;
  fill_slack(place, size);
  first = (first + 1) % slot_count;
  live_count.fetch_add(1, std::memory_order_relaxed);

  slot& one = the_pool.slots[index];
  one.start = place.start;
  one.size = size;
  one.number = static_cast<std::uint8_t>(number);
  one.allocated = stack;
  one.state.store(slot_state::live, std::memory_order_relaxed);
  live::count_allocation(this_thread.cache, number, size, ground::class_bytes(number));
  return base::pointer_to(place.start);
}

bool owns(const void* address) {
  std::size_t bytes = pool_bytes.load(std::memory_order_acquire);
  return bytes != 0 && base::address_of(address) - the_pool.start < bytes;
}

void deallocate(void* block) {
  if (is_stopping()) return;
  os::stack_trace stack;
  os::take_stack(stack);
  sync::locked section(lock);
  slot& one = live_at(block);
  placement place = pages_around(one.start, one.size);
  check_slack(one, place);
  one.freed = stack;
  one.state.store(slot_state::freed, std::memory_order_relaxed);
  empty(place);
  std::size_t last = (first + slot_count - live()) % slot_count;
  waiting[last] = static_cast<std::uint16_t>(&one - the_pool.slots);
  live_count.fetch_sub(1, std::memory_order_relaxed);
  live::count_free(this_thread.cache, one.number, ground::class_bytes(one.number));
}

std::size_t size_of(const void* block) { return live_at(block).size; }
std::size_t room_of(const void* block) {
  const slot& one = live_at(block);
  std::size_t room = ground::class_bytes(one.number);
  return canary::is_filled(room, one.size) ? room : room - canary::bytes;
}

void stop_for_size(const void* block) {
  stop(misuse::wrong_size, live_at(block), base::address_of(block));
}

bool next_live(std::size_t& index, block_info& found) {
  if (is_stopping()) return false;
  sync::locked section(lock);
  if (the_pool.bytes == 0) return false;
  for (; index < slot_count; ++index) {
    const slot& one = the_pool.slots[index];
    if (!one.is(slot_state::live)) continue;
    found = {base::pointer_to(one.start), one.size, one.number};
    return true;
  }
  return false;
}

// ---- Fork

std::size_t held_bytes() { return held.load(std::memory_order_relaxed); }
void lock_for_fork() { lock.lock(); }
void unlock_after_fork() { lock.unlock(); }
void reset_in_child() {
  lock.reset();
  // Children of one parent are to guard different blocks.
  turn.store(os::random_word(), std::memory_order_relaxed);
}

}  // namespace strata::alloc::guard
