// Heaps: what a thread owns, and how its spans change their states, which the head of
// owned_spans.cpp tells.
//
// Everything in a heap is its thread's, but for the mailbox. `abandoned.lock` guards the lists of
// abandoned spans and every change of an owner from or to 0; `pool.lock` is taken after it.
#pragma once

#include <pthread.h>

#include <atomic>
#include <mutex>

#include "os/memory.hpp"
#include "spans.hpp"
#include "sync/mutex.hpp"

namespace strata::owned {

inline constexpr std::size_t carve_bytes = 4 * KiB;
inline constexpr std::size_t parcel_count = 8;
inline constexpr std::size_t spare_spans = 8;  // that a heap keeps
inline constexpr std::uintptr_t full_tag = 1;
inline constexpr std::uintptr_t nobody = 1;  // what no owner is

// ---- Heaps: what a thread owns. One whose thread has ended waits for another thread, at an address
// that stays valid: parcels may still be on their way to it.

struct heap;

struct parcel {
  heap* to = nullptr;
  block* first = nullptr;
  block* last = nullptr;
  std::size_t weight = 0;
};

struct heap {
  alignas(64) std::atomic<block*> mailbox{nullptr};  // a stack; &closed: send them elsewhere
  alignas(64) heap* next_spare = nullptr;
  base::list<span> waiting[class_count];
  base::list<span> full;
  parcel outgoing[parcel_count];
  span* spares[spare_spans] = {};
  std::size_t spare_count = 0;
};

inline constinit block closed = {nullptr};
inline constinit span no_blocks;               // where heads without a span point
inline constinit heap* spare_heaps = nullptr;  // guarded by pool.lock

struct thread_state {
  std::uintptr_t owner = nobody;  // our heap, as owner words name it
  span* heads[class_count];

  constexpr thread_state() : heads() {
    for (span*& head : heads) head = &no_blocks;
  }
  [[nodiscard]] heap& own() const { return *static_cast<heap*>(base::pointer_to(owner)); }
};
inline constinit thread_local thread_state this_thread;

struct abandoned_spans {
  sync::mutex lock{sync::rank::bin};
  base::list<span> with_room[class_count];
};
inline constinit abandoned_spans abandoned;

inline constinit pthread_key_t exit_key = 0;
inline constinit bool exit_key_made = false;

// Sees to it that this thread has a heap. False: no memory.
inline bool begin() {
  if (STRATA_LIKELY(this_thread.owner != nobody)) return true;
  heap* own = nullptr;
  {
    std::lock_guard section(pool.lock);
    own = spare_heaps;
    if (own != nullptr) spare_heaps = own->next_spare;
  }
  if (own == nullptr) {
    void* memory = os::map(base::align_up(sizeof(heap), os_page_bytes), os_page_bytes);
    if (memory == nullptr) return false;
    own = new (memory) heap;
  }
  // release: what is posted from now on finds the heap made.
  own->mailbox.store(nullptr, std::memory_order_release);
  this_thread.owner = base::address_of(own);
  if (exit_key_made) pthread_setspecific(exit_key, own);
  return true;
}

// ---- Spans of a heap; `own` is always this thread's. Owner words are written relaxed: a thread
// compares them with itself, and looks again under the lock before it does more with a 0.

inline void set_owner(const span& one, std::uintptr_t owner) {
  place_of(one).owner().store(owner, std::memory_order_relaxed);
}

inline span* make_span(heap& own, std::size_t number) {
  std::size_t count = slabs_of(number);
  span* made =
      count == 1 && own.spare_count > 0 ? own.spares[--own.spare_count] : take_slabs(count);
  if (made == nullptr) return nullptr;
  place where = place_of(*made);
  new (static_cast<base::list_node<span>*>(made)) base::list_node<span>;
  made->free = nullptr;
  made->start = where.start();
  made->used = made->fresh_bytes = 0;
  std::size_t whole = count * slab_bytes;
  made->end_bytes = static_cast<std::uint32_t>(whole - whole % class_bytes(number));
  made->inverse = inverse_of(number);
  made->number = static_cast<std::uint8_t>(number);
  where.enter(count, content::blocks, number);
  set_owner(*made, base::address_of(&own));
  return made;
}

inline void drop_span(heap& own, span& old) {
  std::size_t count = slabs_of(old.number);
  set_owner(old, 0);
  place_of(old).enter(count, content::nothing, 0);
  if (count > 1 || own.spare_count == spare_spans) return give_slabs(place_of(old), count);
  own.spares[own.spare_count++] = &old;
}

// Links some blocks more: not all at once, so that no page is touched before it is needed.
inline void carve(span& from) {
  std::size_t bytes = class_bytes(from.number);
  std::size_t stop =
      base::smaller(from.end_bytes, from.fresh_bytes + base::larger(carve_bytes, bytes));
  std::size_t at = from.fresh_bytes;
  block** link = &from.free;
  for (; at + bytes <= stop; at += bytes) {
    *link = reinterpret_cast<block*>(from.start + at);
    link = &(*link)->next;
  }
  *link = nullptr;
  from.fresh_bytes = static_cast<std::uint32_t>(at);
}

// Takes an abandoned span; the caller holds the lock.
inline void adopt_locked(heap& own, span& found) {
  found.unlink();
  bool room = found.has_room();
  set_owner(found, this_thread.owner | (room ? 0 : full_tag));
  (room ? own.waiting[found.number] : own.full).push_back(&found);
}

inline span* adopt_one(heap& own, std::size_t number) {
  std::lock_guard section(abandoned.lock);
  span* found = abandoned.with_room[number].front();
  if (found != nullptr) adopt_locked(own, *found);
  return found;
}

inline void adopt(heap& own, place wanted) {
  std::lock_guard section(abandoned.lock);
  if (wanted.owner().load(std::memory_order_relaxed) == 0) adopt_locked(own, wanted.header());
}

inline void end_current(heap& own, span& current) {
  --current.used;
  set_owner(current, this_thread.owner | full_tag);
  own.full.push_back(&current);
}

// Makes sure that the current span of the class has a block in its list. False: no memory.
inline bool refill(heap& own, std::size_t number) {
  span*& head = this_thread.heads[number];
  if (!head->has_room()) {
    if (head != &no_blocks) end_current(own, *head);
    head = &no_blocks;
    span* next = own.waiting[number].front();
    if (next == nullptr) next = adopt_one(own, number);
    if (next == nullptr) next = make_span(own, number);
    if (next == nullptr) return false;
    next->unlink();
    ++next->used;
    head = next;
  }
  if (head->free == nullptr) carve(*head);
  return true;
}

}  // namespace strata::owned
