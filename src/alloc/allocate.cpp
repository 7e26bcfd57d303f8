#include "alloc/allocate.hpp"

#include <atomic>
#include <cstring>

#include "alloc/bin.hpp"
#include "alloc/block_state.hpp"
#include "alloc/clock.hpp"
#include "alloc/guard.hpp"
#include "alloc/heap.hpp"
#include "alloc/large.hpp"
#include "alloc/live.hpp"
#include "alloc/paranoid.hpp"
#include "alloc/tiers.hpp"
#include "ground/options.hpp"
#include "os/process.hpp"
#include "sync/mutex.hpp"

namespace strata::alloc {
namespace {

// ---- Start

enum start_state : std::uint32_t { not_started, starting, started };
constinit std::atomic<std::uint32_t> state{not_started};

// ---- Marks

// Of a block of a class, or of a plain twin.
bool is_class(ground::mark mark) { return mark != ground::mark_none && mark < ground::mark_heap; }

// The mark, by the flat maps where they serve.
STRATA_INLINE ground::mark mark_at(const void* block) {
  std::uintptr_t index = flat_index(block);
  if (STRATA_UNLIKELY(index > ground::flat.limit)) return ground::mark_of(block);
  ground::mark small = ground::flat.marks[index];
  if (STRATA_LIKELY(small != ground::mark_none)) return small;
  std::uintptr_t at = base::address_of(block);
  return ground::mark_in(ground::flat.starts[at / ground::start_bytes], at);
}

// The mark of a live block; mark_none for any other address.
STRATA_INLINE ground::mark live_mark(const void* block) {
  ground::mark mark = mark_at(block);
  return is_class(mark) && STRATA_UNLIKELY(is_stamped(block)) ? ground::mark_none : mark;
}

// ---- Misuse

// No run holds the address. Perhaps one did.
[[noreturn]] void stop_for_unowned(void* address) {
  ground::former_run former = ground::former_run_of(address);
  if (former.start == 0 || former.block_bytes == 0) fatal(misuse::invalid_free, address);
  bool started_here = (base::address_of(address) - former.start) % former.block_bytes == 0;
  std::size_t usable = former.block_bytes - (canary::on() ? canary::bytes : 0);
  fatal(started_here ? misuse::double_free : misuse::interior_free, address, usable);
}

// The address is no live block. Says what it is instead, and stops.
[[noreturn]] void stop_for(void* address) {
  std::uintptr_t at = base::address_of(address);
  if (!base::is_aligned(at, ground::granule_bytes)) fatal(misuse::misaligned_free, address);
  auto* owner = ground::run_of(address);
  if (owner == nullptr) stop_for_unowned(address);
  if (owner->kind == ground::run_kind::block) {
    fatal(misuse::interior_free, address, static_cast<large*>(owner)->usable());
  }
  auto* one = static_cast<span*>(owner);
  std::size_t index = one->index_of(at);
  if (index >= one->capacity) fatal(misuse::invalid_free, address);
  bool starts_here = one->block_at(index) == at;
  fatal(starts_here ? misuse::double_free : misuse::interior_free, address, one->usable_bytes());
}

span* span_at(const void* block) { return static_cast<span*>(ground::run_of(block)); }

// The class whose blocks have the alignment and hold the size; 0 when no class does.
std::size_t aligned_class(std::size_t size, std::size_t alignment) {
  if (alignment > ground::page_bytes() || size > ground::medium_bytes) return 0;
  std::size_t rounded = base::larger(base::align_up(size, alignment), alignment);
  return rounded <= ground::medium_bytes ? ground::class_of(rounded) : 0;
}

// Under paranoid hardening: a block with room for its seal.
void* allocate_sealed(std::size_t size, std::size_t alignment, bool zero) {
  if (size > most_bytes - canary::bytes) return nullptr;
  std::size_t padded = size + canary::bytes;
  bool natural = alignment <= ground::granule_bytes && padded <= ground::medium_bytes;
  std::size_t number = natural ? ground::class_of(padded) : aligned_class(padded, alignment);
  if (number != 0) {
    void* block = with_reclaim([=] { return allocate_of_class(number, size); });
    if (block != nullptr) paranoid::seal(block, ground::class_bytes(number), size, zero);
    return block;
  }
  void* block = with_reclaim([=] { return allocate_large(size, alignment, nullptr, zero); });
  if (block != nullptr) paranoid::seal_large(block, large_at(block)->room(), size);
  return block;
}

// ---- Guarded blocks

STRATA_INLINE bool guard_is_next() {
  return guard::all() || (this_thread.guard_next && this_thread.tick <= 0);
}

// A guarded block; null when none can be had, or its kind is never guarded.
STRATA_NOINLINE void* allocate_guarded(std::size_t size, std::size_t alignment) {
  if (size > most_medium || alignment > os::page_bytes()) return nullptr;
  bool natural = alignment <= ground::granule_bytes;
  std::size_t number = natural ? class_for(size) : aligned_class(size, alignment);
  if (number == 0) return nullptr;
  this_thread.guard_next = false;
  if (thread_cache* cache = thread_cache::current()) poll_clock(cache);
  return guard::allocate(size, alignment, number);
}

// An ordinary block.
void* allocate_unguarded(std::size_t size) noexcept {
  if (size > most_medium) {
    if (size > most_bytes) return nullptr;
    return with_reclaim([size] { return allocate_large(size, 1, nullptr, false); });
  }
  std::size_t number = class_for(size);
  return with_reclaim([number, size] { return allocate_of_class(number, size); });
}

}  // namespace

bool start() {
  if (STRATA_LIKELY(state.load(std::memory_order_acquire) == started)) return true;
  sync::signal_shield shield;
  std::uint32_t expected = not_started;
  if (!state.compare_exchange_strong(expected, starting, std::memory_order_acquire)) {
    while (state.load(std::memory_order_acquire) == starting) os::relax();
    return true;
  }
  ground::read_options();
  paranoid::set_up();
  canary::set_up();
  guard::set_up();
  ground::set_up();
  live::note_start();
  state.store(started, std::memory_order_release);
  process_started();
  return true;
}

void* allocate_slow(std::size_t size) noexcept {
  start();
  if (STRATA_UNLIKELY(paranoid::on())) return allocate_sealed(size, 1, false);
  if (STRATA_UNLIKELY(guard_is_next())) {
    if (void* block = allocate_guarded(size, 1)) return block;
  }
  return allocate_unguarded(size);
}

STRATA_NOINLINE void deallocate_other(void* block) noexcept {
  std::uintptr_t at = base::address_of(block);
  ground::mark number = ground::mark_in(ground::flat.starts[at / ground::start_bytes], at);
  std::uintptr_t* head = this_thread.heads[number];
  if (STRATA_UNLIKELY(is_full(head) || is_stamped(block))) return deallocate_slow(block);
  stamp(block);
  put_head(head, number, at);
}

namespace {

void deallocate_by(void* block, route by) {
  if (block == nullptr) return;
  start();
  ground::mark mark = live_mark(block);
  if (is_class(mark)) return deallocate_of_class(block, mark, by);
  if (mark == ground::mark_heap) return heap::deallocate(block, span_at(block));
  if (guard::owns(block)) return guard::deallocate(block);
  large* found = large_at(block);
  if (found == nullptr) stop_for(block);
  deallocate_large(found, by);
}

}  // namespace

void deallocate_slow(void* block) noexcept { deallocate_by(block, route::cached); }
void deallocate_uncached(void* block) { deallocate_by(block, route::uncached); }

void* allocate_uncached(std::size_t size) {
  start();
  if (size > most_medium || paranoid::on()) return allocate_slow(size);
  std::size_t number = class_for(size);
  return with_reclaim([=] { return allocate_of_class(number, size, route::uncached); });
}

void* allocate_aligned_slow(std::size_t alignment, std::size_t size) noexcept {
  start();
  if (size > most_bytes || alignment > most_bytes) return nullptr;
  if (STRATA_UNLIKELY(paranoid::on())) return allocate_sealed(size, alignment, false);
  if (STRATA_UNLIKELY(guard_is_next())) {
    if (void* block = allocate_guarded(size, alignment)) return block;
  }
  if (alignment <= ground::granule_bytes) return allocate<allocate_unguarded>(size);
  if (std::size_t number = aligned_class(size, alignment)) {
    if (canary::is_filled(ground::class_bytes(number), size)) {
      number = ground::plain_twin_of(number);
    }
    return with_reclaim([=] { return allocate_of_class(number, size); });
  }
  size = base::larger(size, 1);
  return with_reclaim([=] { return allocate_large(size, alignment, nullptr, false); });
}

void* allocate_zeroed(std::size_t size) {
  if (STRATA_UNLIKELY(paranoid::on())) return allocate_sealed(size, 1, true);
  if (size > most_medium) {
    start();
    if (size > most_bytes) return nullptr;
    return with_reclaim([size] { return allocate_large(size, 1, nullptr, true); });
  }
  void* block = allocate(size);
  if (STRATA_LIKELY(block != nullptr)) std::memset(block, 0, size);
  return block;
}

namespace {

STRATA_NOINLINE std::size_t usable_size_slow(const void* block, ground::mark mark) {
  if (is_class(mark)) return paranoid::size_of(block, ground::class_bytes(mark));
  if (mark == ground::mark_heap) return span_at(block)->block_bytes;
  if (guard::owns(block)) return guard::size_of(block);
  large* found = start() ? large_at(block) : nullptr;
  if (found == nullptr) stop_for(const_cast<void*>(block));
  bool sealed = paranoid::on() && found->owner == nullptr;
  return sealed ? paranoid::size_of(block, found->room()) : found->usable();
}

}  // namespace

std::size_t usable_size(const void* block) {
  if (block == nullptr) return 0;
  ground::mark mark = live_mark(block);
  bool of_class = is_class(mark) && !paranoid::on();
  return STRATA_LIKELY(of_class) ? canary::usable_bytes(mark) : usable_size_slow(block, mark);
}

namespace {

// In place when the block neither grows beyond its room nor shrinks below half of it.
bool stays(std::size_t usable, std::size_t size) { return size <= usable && size >= usable / 2; }

void* move_to(void* fresh, void* block, std::size_t bytes) {
  if (fresh == nullptr) return nullptr;
  std::memcpy(fresh, block, bytes);
  deallocate(block);
  return fresh;
}

void* grow_into_mapping(std::size_t size) {
  large* made = make_growing(size);
  if (made == nullptr) return nullptr;
  live::count_allocation(thread_cache::current(), large_kind, size, made->room());
  return base::pointer_to(made->start);
}

}  // namespace

namespace {

void* reallocate_small(void* block, std::size_t usable, std::size_t size) {
  void* fresh = allocate(size);
  if (fresh == nullptr && size < usable) return block;
  return move_to(fresh, block, base::smaller(usable, size));
}

bool resized_large(large* found, std::size_t size) {
  std::size_t before = found->room();
  if (!resize_large(found, size)) return false;
  thread_cache* cache = thread_cache::current();
  live::count_free(cache, large_kind, before);
  live::count_allocation(cache, large_kind, size, found->room());
  return true;
}

void* reallocate_large(large* found, std::size_t usable, std::size_t size) {
  void* block = base::pointer_to(found->start);
  if (size > most_medium && resized_large(found, size)) {
    return base::pointer_to(found->start);
  }
  void* fresh = nullptr;
  if (size > usable && size >= growing_bytes && !paranoid::on()) fresh = grow_into_mapping(size);
  if (fresh != nullptr) return move_to(fresh, block, usable);
  return reallocate_small(block, usable, size);
}

// Not a small or medium block, or sealed.
STRATA_NOINLINE void* reallocate_slow(void* block, ground::mark mark, std::size_t size) {
  // A guarded block ends where its bytes end: it never stays.
  if (guard::owns(block)) return reallocate_small(block, guard::size_of(block), size);
  std::size_t usable = usable_size_slow(block, mark);
  if (paranoid::on() ? usable == size : stays(usable, size)) return block;
  if (is_class(mark)) return reallocate_small(block, usable, size);
  if (mark == ground::mark_heap) return reallocate_in(span_at(block)->home->owner(), block, size);
  large* found = large_at(block);
  if (found->owner != nullptr) return reallocate_in(found->owner, block, size);
  return reallocate_large(found, usable, size);
}

}  // namespace

void* reallocate(void* block, std::size_t size) {
  if (size > most_bytes) return nullptr;
  ground::mark mark = live_mark(block);
  if (STRATA_UNLIKELY(!is_class(mark) || paranoid::on())) {
    return reallocate_slow(block, mark, size);
  }
  std::size_t usable = canary::usable_bytes(mark);
  return stays(usable, size) ? block : reallocate_small(block, usable, size);
}

namespace {

// The usable size that a request of this size and alignment gets; 0 when it is large.
std::size_t small_size_for(std::size_t size, std::size_t alignment) {
  if (size > ground::medium_bytes) return 0;
  if (alignment <= ground::granule_bytes) {
    if (size > most_medium) return 0;
    return canary::usable_bytes(class_for(size));
  }
  std::size_t number = aligned_class(size, alignment);
  if (number == 0) return 0;
  bool plain = canary::is_filled(ground::class_bytes(number), size);
  return canary::usable_bytes(plain ? ground::plain_twin_of(number) : number);
}

}  // namespace

void deallocate_sized_slow(void* block, std::size_t size, std::size_t alignment,
                           told_size told) noexcept {
  if (block == nullptr) return;
  bool guarded = guard::owns(block);
  std::size_t usable = guarded ? guard::room_of(block) : usable_size(block);
  std::size_t small = small_size_for(size, alignment);
  bool right =
      small != 0 ? usable == small
                 : size <= usable && usable - size < base::larger(alignment, ground::page_bytes());
  if (told == told_size::perhaps_reallocated) right |= stays(usable, size);
  if (paranoid::on()) right = usable == size;
  if (!right && guarded) guard::stop_for_size(block);
  if (!right) fatal(misuse::wrong_size, block, usable);
  deallocate(block);
}

// ---- Batches

std::size_t allocate_batch(std::size_t size, std::size_t count, void** blocks) {
  std::size_t done = 0;
  while (done < count) {
    void* block = allocate(size);
    if (block == nullptr) break;
    blocks[done++] = block;
  }
  return done;
}

void deallocate_batch(void** blocks, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) deallocate(blocks[i]);
}

// ---- First-class heaps

void* allocate_in(heap* owner, std::size_t alignment, std::size_t size, bool zero) {
  if (size > most_bytes || alignment > most_bytes) return nullptr;
  std::size_t number = alignment <= ground::granule_bytes && size <= ground::medium_bytes
                           ? base::larger(1, ground::class_of(size))
                           : aligned_class(size, alignment);
  if (number == 0) {
    size = base::larger(size, 1);
    return with_reclaim([=] { return allocate_large(size, alignment, owner, zero); });
  }
  void* block = with_reclaim([=] { return owner->allocate(number, size); });
  if (block != nullptr && zero) std::memset(block, 0, size);
  return block;
}

heap* heap_of(const void* block) {
  ground::mark mark = ground::mark_of(block);
  if (mark == ground::mark_heap) return span_at(block)->home->owner();
  if (mark != ground::mark_none || guard::owns(block)) return nullptr;
  large* found = large_at(block);
  return found == nullptr ? nullptr : found->owner;
}

void* reallocate_in(heap* owner, void* block, std::size_t size) {
  if (size > most_bytes) return nullptr;
  if (block == nullptr) return allocate_in(owner, 1, size, false);
  std::size_t usable = usable_size(block);
  if (stays(usable, size)) return block;
  large* found = ground::mark_of(block) == ground::mark_heap ? nullptr : large_at(block);
  if (found != nullptr && size > ground::medium_bytes && resized_large(found, size)) {
    return base::pointer_to(found->start);
  }
  return move_to(allocate_in(owner, 1, size, false), block, base::smaller(usable, size));
}

}  // namespace strata::alloc
