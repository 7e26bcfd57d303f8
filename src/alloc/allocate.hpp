// The allocator's operations, as entry calls them. Requests of any size and alignment; null on
// exhaustion, without errno. The inline parts are the fast path: see thread_cache.hpp and
// address_map.hpp for the structures that they touch.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "alloc/block_state.hpp"
#include "alloc/canary.hpp"
#include "alloc/thread_cache.hpp"
#include "base/check.hpp"
#include "ground/address_map.hpp"
#include "os/memory.hpp"

namespace strata::alloc {

struct heap;

// Sizes above this are refused: a difference of two pointers into a block must fit ptrdiff_t.
inline constexpr std::size_t most_bytes = PTRDIFF_MAX;
// The largest requests that a class serves, by a shift and by each table.
inline constexpr std::size_t most_exact = ground::exact_bytes - canary::bytes;
inline constexpr std::size_t most_small = ground::small_bytes - canary::bytes;
inline constexpr std::size_t most_medium = ground::medium_bytes - canary::bytes;
// The class that serves a request of at most most_medium.
constexpr std::size_t class_for(std::size_t size) { return ground::class_of(size + canary::bytes); }

// Sets everything up; idempotent. False: no memory at all.
bool start();

void* allocate_slow(std::size_t size) noexcept;
void deallocate_slow(void* block) noexcept;
// alignment: a power of two.
void* allocate_aligned_slow(std::size_t alignment, std::size_t size) noexcept;
void* allocate_zeroed(std::size_t size);
void* reallocate(void* block, std::size_t size);
std::size_t usable_size(const void* block);

// What a sized free may be told. A block from operator new has the class of its size; one that
// realloc left in place may be up to twice as large.
enum class told_size { exact, perhaps_reallocated };
// Stops the process when block is live and can't have been allocated with this size.
void deallocate_sized_slow(void* block, std::size_t size, std::size_t alignment,
                           told_size told) noexcept;

std::size_t allocate_batch(std::size_t size, std::size_t count, void** blocks);
void deallocate_batch(void** blocks, std::size_t count);

void* allocate_in(heap* owner, std::size_t alignment, std::size_t size, bool zero);
void* reallocate_in(heap* owner, void* block, std::size_t size);

// Past the thread's cache: from the fullest span of the class, and at once back to its span.
void* allocate_uncached(std::size_t size);
void deallocate_uncached(void* block);

// ---- Moving blocks (move.cpp)
// Both stop the process when block is not live.

// Whether moving it would lead to fewer spans. For null, false.
bool should_move(const void* block);
// Moves it then, and returns its new address; null when it stays.
void* move(void* block);

// Calls visit(context, block, usable size) for each live block until it returns non-zero.
using block_visitor = int (*)(void* block, std::size_t size, void* context);
int walk(block_visitor visit, void* context);

// An index for the flat map. The low bits of a misaligned address land on top and make it too large.
STRATA_INLINE std::uintptr_t flat_index(const void* block) {
  if constexpr (config::thread_sanitizer) {
    if (base::address_of(block) < os::lowest_address) return UINTPTR_MAX;
  }
  return std::rotr(reinterpret_cast<std::uintptr_t>(block), 4);
}

// Takes the block at the head of the class's magazine. 0: go the slow way, nothing is taken.
STRATA_INLINE std::uintptr_t take_head(std::size_t number) {
  std::uintptr_t* head = this_thread.heads[number];
  std::uintptr_t taken = *head;
  if (STRATA_UNLIKELY(taken == 0) || STRATA_UNLIKELY(--this_thread.tick < 0)) return 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  this_thread.heads[number] += 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);  // only what is taken becomes live
  return taken;
}

// A block by the fast path, or null.
STRATA_INLINE void* take(std::size_t number) {
  auto* taken = reinterpret_cast<std::uintptr_t*>(take_head(number));
  if (STRATA_LIKELY(taken != nullptr)) *taken = 0;  // the stamp
  return taken;
}

// Slow: where to go on when the fast path can't serve. It is the last thing done, so that the fast
// path needs no stack frame.
template <auto Slow = allocate_slow>
STRATA_INLINE void* allocate(std::size_t size) {
  if (STRATA_LIKELY(size <= most_exact)) {
    void* block = take(ground::exact_class_of(size + canary::bytes));
    return STRATA_LIKELY(block != nullptr) ? block : Slow(size);
  }
  if (STRATA_LIKELY(size <= most_small)) {
    void* block = take(ground::small_class_of(size + canary::bytes));
    return STRATA_LIKELY(block != nullptr) ? block : Slow(size);
  }
  if (STRATA_UNLIKELY(size > most_medium)) return Slow(size);
  void* block = take(ground::medium_class_of(size + canary::bytes));
  return STRATA_LIKELY(block != nullptr) ? block : Slow(size);
}

STRATA_INLINE bool is_full(const std::uintptr_t* head) {
  return reinterpret_cast<std::uintptr_t>(head) % magazine_bytes == 0;
}

STRATA_INLINE void put_head(std::uintptr_t* head, std::size_t number, std::uintptr_t held) {
  std::atomic_signal_fence(std::memory_order_seq_cst);  // nothing live is held
  head[-1] = held;
  this_thread.heads[number] -= 1;
}

// No live small block, or the magazine is full.
void deallocate_other(void* block) noexcept;

STRATA_INLINE void deallocate(void* block) {
  std::uintptr_t index = flat_index(block);
  if (STRATA_UNLIKELY(index > ground::flat.limit)) return deallocate_slow(block);
  ground::mark* mark = ground::flat.marks + index;
  std::size_t number = *mark;
  std::uintptr_t* head = this_thread.heads[number];
  if (STRATA_UNLIKELY(is_full(head))) return deallocate_other(block);
  auto* first_word = static_cast<std::uintptr_t*>(block);
  auto stamp = reinterpret_cast<std::uintptr_t>(mark);
  if (STRATA_UNLIKELY(*first_word == stamp)) return deallocate_other(block);
  *first_word = stamp;
  put_head(head, number, reinterpret_cast<std::uintptr_t>(block));
}

// The class, or plain twin, that serves a request which is aligned to more than a granule: blocks in
// spans are aligned to what they are multiples of, up to the least page of runs. 0: it is large, or of
// such an alignment that the page's length decides.
STRATA_INLINE constexpr std::size_t aligned_number_for(std::size_t size, std::size_t alignment) {
  if (STRATA_UNLIKELY(alignment > ground::least_page_bytes || size > ground::medium_bytes))
    return 0;
  std::size_t rounded = base::align_up(base::larger(size, 1), alignment);
  if (STRATA_UNLIKELY(rounded > ground::medium_bytes)) return 0;
  std::size_t number = ground::class_of(rounded);
  bool plain = canary::is_filled(ground::class_bytes(number), size);
  return plain ? ground::plain_twin_of(number) : number;
}

// A free that says the size and the alignment (1 for none) that the block was asked for with.
STRATA_INLINE void deallocate_sized(void* block, std::size_t size, std::size_t alignment,
                                    told_size told = told_size::exact) {
  std::uintptr_t index = flat_index(block);
  std::size_t expected = ground::mark_count;  // no mark: the slow way decides
  if (size <= most_small && alignment <= ground::granule_bytes)
    expected = ground::small_class_of(size + canary::bytes);
  else if (size <= ground::small_bytes && alignment > ground::granule_bytes)
    expected = aligned_number_for(size, alignment);
  if (STRATA_UNLIKELY(index > ground::flat.limit) ||
      STRATA_UNLIKELY(ground::flat.marks[index] != expected)) {
    return deallocate_sized_slow(block, size, alignment, told);
  }
  deallocate(block);
}

STRATA_INLINE void* allocate_aligned(std::size_t alignment, std::size_t size) {
  if (STRATA_LIKELY(alignment > ground::granule_bytes)) {
    // No block is in the magazine of number 0.
    void* block = take(aligned_number_for(size, alignment));
    if (STRATA_LIKELY(block != nullptr)) return block;
  }
  return allocate_aligned_slow(alignment, size);
}

}  // namespace strata::alloc
