#include "alloc/tiers.hpp"

#include <cstring>

#include "alloc/bin.hpp"
#include "alloc/block_state.hpp"
#include "alloc/canary.hpp"
#include "alloc/large.hpp"
#include "alloc/live.hpp"
#include "alloc/paranoid.hpp"
#include "alloc/thread_cache.hpp"
#include "ground/address_map.hpp"

namespace strata::alloc {
namespace {

// ---- Small and medium blocks

// Straight from and to the bins: also for a thread that has handed in its cache.
void* allocate_uncached(std::size_t number) {
  std::uintptr_t held = 0;
  if (bin_of(number).refill(&held, 1) == 0) return nullptr;
  return base::pointer_to(held);
}

void deallocate_uncached(void* block, std::size_t number) {
  std::uintptr_t held = base::address_of(block);
  bin_of(number).flush(&held, 1);
}

// A free that has to flush stands for many quick ones.
constexpr std::int32_t ticks_a_flush = 16;

// From here on it is not live.
void forget_of_class(void* block, std::size_t number) {
  make_free(block, number);
  thread_cache* cache = thread_cache::current();
  if (STRATA_UNLIKELY(cache == nullptr)) return;
  this_thread.tick -= cache->fast() ? ticks_a_flush : 1;
  if (this_thread.tick < 0) poll_clock(cache);
  live::count_free(cache, number, ground::class_bytes(number));
}

// From here on it may be handed out again.
void return_of_class(void* block, std::size_t number, route by) {
  thread_cache* cache = thread_cache::current();
  if (STRATA_UNLIKELY(cache == nullptr || by == route::uncached)) {
    return deallocate_uncached(block, number);
  }
  cache->deallocate(block, number);
}

void forget_large(large* block) {
  thread_cache* cache = thread_cache::current();
  live::count_free(cache, large_kind, block->room());
  if (cache != nullptr) poll_clock(cache);
}

// ---- Freed blocks, now or later

void end_wait(const paranoid::waiting& one) {
  if (one.number == large_kind) return destroy_large(static_cast<large*>(one.item));
  paranoid::check_wiped(one.item, one.bytes);
  return_of_class(one.item, one.number, route::cached);
}

void begin_wait(const paranoid::waiting& one) {
  paranoid::waiting leaving[paranoid::most_leaving];
  std::size_t count = paranoid::push(one, leaving);
  for (std::size_t i = 0; i < count; ++i) end_wait(leaving[i]);
}

}  // namespace

void* allocate_of_class(std::size_t number, std::size_t size, route by) {
  thread_cache* cache = thread_cache::current();
  if (STRATA_LIKELY(cache != nullptr) && --this_thread.tick < 0) poll_clock(cache);
  bool uncached = cache == nullptr || by == route::uncached;
  void* block = uncached ? allocate_uncached(number) : cache->allocate(number);
  if (block == nullptr) return nullptr;
  make_live(block, number);
  live::count_allocation(cache, number, size, ground::class_bytes(number));
  return block;
}

void deallocate_of_class(void* block, std::size_t number, route by) {
  std::size_t room = ground::class_bytes(number);
  if (STRATA_UNLIKELY(paranoid::on())) paranoid::size_of(block, room);
  forget_of_class(block, number);
  if (STRATA_LIKELY(!paranoid::on())) return return_of_class(block, number, by);
  paranoid::wipe(block, room);
  begin_wait({block, number, room});
}

void* allocate_large(std::size_t size, std::size_t alignment, heap* owner, bool zero) {
  thread_cache* cache = thread_cache::current();
  if (cache != nullptr) poll_clock(cache);
  bool zeroed = false;
  large* made = nullptr;
  if (cache != nullptr && owner == nullptr && alignment <= ground::page_bytes()) {
    made = cache->larges.take(large_pages(size));
  }
  if (made == nullptr) made = make_large(size, alignment, owner, &zeroed);
  if (made == nullptr) return nullptr;
  void* block = base::pointer_to(made->start);
  live::count_allocation(cache, large_kind, size, made->room());
  if (zero && !zeroed) std::memset(block, 0, size);
  return block;
}

void deallocate_large(large* block, route by) {
  bool waits = paranoid::on() && block->owner == nullptr;
  check_canary(*block);
  if (waits) paranoid::size_of(base::pointer_to(block->start), block->room());
  forget_large(block);
  thread_cache* cache = thread_cache::current();
  if (cache != nullptr && by == route::cached && cache->larges.keep(block)) return;
  if (!waits) return destroy_large(block);
  retire_large(block);
  begin_wait({block, large_kind, block->room()});
}

void empty_quarantine() {
  for (paranoid::waiting oldest; paranoid::pop(oldest);) end_wait(oldest);
}

}  // namespace strata::alloc
