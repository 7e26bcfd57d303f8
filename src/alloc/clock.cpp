#include "alloc/clock.hpp"

#include <atomic>

#include "alloc/bin.hpp"
#include "alloc/canary.hpp"
#include "alloc/depot.hpp"
#include "alloc/guard.hpp"
#include "alloc/thread_cache.hpp"
#include "alloc/tiers.hpp"
#include "ground/account.hpp"
#include "ground/options.hpp"
#include "ground/page_heap.hpp"
#include "os/process.hpp"

namespace strata::alloc {

using callback = void (*)();
constinit callback publisher = nullptr;

__attribute__((weak)) void process_started() {}
__attribute__((weak)) void thread_started() {}

namespace {

constexpr std::uint64_t purge_step_ms = 50;
constexpr std::uint64_t trim_step_ms = 1000;
constexpr std::uint64_t publish_step_ms = 100;
constexpr std::uint64_t idle_ms = 2000;
constexpr std::int32_t tick_of_busy_thread = 64;
constexpr std::int32_t tick_of_quiet_thread = 4;

constinit std::atomic<std::uint64_t> last_purge_ms{0};
constinit std::atomic<std::uint64_t> last_sweep_ms{0};
constinit std::atomic<std::uint64_t> last_publish_ms{0};

// True for one caller when `step` has passed since *last; *since is then how much has.
bool is_due(std::atomic<std::uint64_t>& last, std::uint64_t now_ms, std::uint64_t step,
            std::uint64_t* since) {
  std::uint64_t before = last.load(std::memory_order_relaxed);
  if (now_ms < before + step) return false;
  *since = now_ms - before;
  // relaxed: it only elects who does the work.
  return last.compare_exchange_strong(before, now_ms, std::memory_order_relaxed);
}

std::uint64_t earlier(std::uint64_t now_ms, std::uint64_t age_ms) {
  return now_ms > age_ms ? now_ms - age_ms : 0;
}

void drain_depot(std::size_t number, std::size_t batches) {
  for (; batches > 0; --batches) {
    batch* one = depot_of(number).remove();
    if (one == nullptr) return;
    bin_of(number).flush(one->blocks, one->count);
    give_empty_batch(one);
  }
}

// Everything that holds free blocks lets go of some.
void sweep(std::uint64_t now_ms) {
  thread_registry::lift_idle(earlier(now_ms, idle_ms));
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    drain_depot(number, depot_of(number).trim());
    bin_of(number).trim(earlier(now_ms, trim_step_ms));
  }
}

// What time asks for, of this thread and of the process.
void keep_up(thread_cache* cache, std::uint64_t now_ms) {
  if (guard::is_due(now_ms)) {
    this_thread.guard_next = true;
    this_thread.tick = guard::some_of(this_thread.tick);
  }
  if (now_ms - cache->last_trim_ms >= trim_step_ms) {
    cache->last_trim_ms = now_ms;
    cache->trim();
  }
  std::uint64_t since = 0;
  if (is_due(last_sweep_ms, now_ms, trim_step_ms, &since)) sweep(now_ms);
  if (is_due(last_purge_ms, now_ms, purge_step_ms, &since)) {
    ground::page_heap::purge(now_ms, ground::option().purge_ms, 0, since * 1000000 / 8);
  }
}

}  // namespace

void poll_clock(thread_cache* cache) {
  std::uint64_t now_ms = os::coarse_ms();
  std::uint64_t since_tick = now_ms - cache->last_tick_ms;
  cache->last_tick_ms = now_ms;
  cache->last_active_ms.store(now_ms, std::memory_order_relaxed);
  if (cache->lifted.load(std::memory_order_relaxed)) cache->wake();
  this_thread.tick = since_tick > purge_step_ms ? tick_of_quiet_thread : tick_of_busy_thread;
  if (ground::option().clock) keep_up(cache, now_ms);
  std::uint64_t since = 0;
  if (publisher != nullptr && is_due(last_publish_ms, now_ms, publish_step_ms, &since)) publisher();
}

void reclaim() {
  empty_quarantine();
  if (thread_cache* cache = this_thread.cache) cache->drain();
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    drain_depot(number, SIZE_MAX);
    bin_of(number).trim(UINT64_MAX);
  }
  ground::page_heap::release_unused_regions();
}

void check_cached() {
  if (!canary::on() || is_stopping()) return;
  if (thread_cache* cache = this_thread.cache) cache->check_canaries();
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    drain_depot(number, SIZE_MAX);
  }
}

std::size_t trim_all(std::size_t keep_bytes) {
  std::size_t before = ground::account::returned_bytes();
  std::uint64_t now_ms = os::coarse_ms();
  reclaim();
  thread_registry::lift_idle(earlier(now_ms, idle_ms));
  // The clock anew: what was freed just now is to go back too.
  ground::page_heap::purge(os::coarse_ms(), 0, keep_bytes, UINT64_MAX);
  return ground::account::returned_bytes() - before;
}

}  // namespace strata::alloc
