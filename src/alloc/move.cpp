// Moving blocks: how a program that can update its pointers makes up for fragmentation.
//
//   before   | a . . . |   | b c . d |   | e f g h |      . a free slot
//   move a   | . . . . |   | b c a d |   | e f g h |      the first span is empty and goes back
//
// Which block is worth it is for the bin to say (bin.hpp). The copy comes straight out of the span
// that serves next and the old block goes straight back to its own: through the thread's cache the
// copy would get the place that was left a moment ago, and what is cached would keep its span.
//
// A block keeps its size class, and so its usable size and its alignment; a block of a first-class
// heap stays in its heap. Large blocks are alone in their pages and stay where they are. So do all
// under paranoid hardening, where nobody is to foresee which block comes next. A move counts neither
// as an allocation nor as a free.
//
// The idea is that of je_get_defrag_hint in the jemalloc that comes with Redis, which moves what lies
// in slabs below the average. Comparing with the span that serves next copies up to twice as many
// blocks, and is done after one or two visits to each instead of ten.
#include <cstring>

#include "alloc/allocate.hpp"
#include "alloc/bin.hpp"
#include "alloc/block_state.hpp"
#include "alloc/canary.hpp"
#include "alloc/clock.hpp"
#include "alloc/paranoid.hpp"
#include "alloc/span.hpp"
#include "sync/mutex.hpp"

namespace strata::alloc {
namespace {

// The span of a block that may move; null when it may not.
span* span_to_leave(const void* block) {
  if (block == nullptr) return nullptr;
  usable_size(block);  // stops the process when the block is not live
  ground::run* owner = ground::run_of(block);
  bool moves = owner != nullptr && owner->kind == ground::run_kind::span && !paranoid::on();
  return moves ? static_cast<span*>(owner) : nullptr;
}

void put_where(void* fresh, void* block, const span* from) {
  ground::mark mark = ground::mark_of(block);
  std::size_t bytes = usable_size(block);
  if (mark == ground::mark_heap) {
    ground::set_mark(fresh, from->number, mark);
    ground::set_mark(block, from->number, ground::mark_none);
    std::memcpy(fresh, block, bytes);
    return;
  }
  make_live(fresh, from->number);
  std::memcpy(fresh, block, bytes);
  make_free(block, from->number);
}

}  // namespace

bool should_move(const void* block) {
  span* from = span_to_leave(block);
  return from != nullptr && from->home->should_leave(from);
}

void* move(void* block) {
  span* from = span_to_leave(block);
  if (from == nullptr) return nullptr;
  // What runs empty goes back on the clock, also for a thread that does nothing but move.
  thread_cache* cache = thread_cache::current();
  if (cache != nullptr && --this_thread.tick < 0) poll_clock(cache);
  bin* home = from->home;
  if (!home->should_leave(from)) return nullptr;
  sync::signal_shield shield;  // one for both locks
  std::uintptr_t taken = home->take_better(from);
  if (taken == 0) return nullptr;
  void* fresh = base::pointer_to(taken);
  put_where(fresh, block, from);
  std::uintptr_t left = base::address_of(block);
  home->flush(&left, 1);
  return fresh;
}

}  // namespace strata::alloc
