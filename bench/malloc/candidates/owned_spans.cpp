// The other design, to measure Strata's against: spans that belong to a thread, free blocks linked
// inside the blocks, frees of other threads' blocks sent to their owner. A malloc to preload, after
// the published designs of mimalloc (Leijen, Zorn, de Moura 2019) and snmalloc (Lietar and others
// 2019), with Strata's size classes. It is no product: little is hardened, nothing is counted, memory
// goes back by whole segments only, and in the child of a fork what other threads owned is lost.
//
//   this_thread.heads[class] -> span (current)   free -> block -> block -> null     malloc pops
//
//   free(address) -> segment -> slab's owner is this thread: push to its span's list
//                                            another: to a parcel for it, at most 16 KiB of blocks
//   parcel --one exchange--> owner's mailbox --in the owner's slow path--> lists of the spans
//
// States of a span; `used` counts its blocks that are out, and one more while it is current, so that
// a free finds 0 only where there is something to do:
//   current     one a class and thread, malloc pops from it
//   waiting     has free blocks, in its heap's list of the class
//   full        none; its owner word is tagged, so that a free goes the slow way and makes it wait
//   abandoned   its thread has ended: owner 0. Whoever needs one of the class, or frees a block of
//               it, adopts it
// A waiting span whose last block comes back is given up: to eight spares of its heap, or the pool.
//
// Locks: `abandoned.lock` guards the lists of abandoned spans and every change of an owner from or
// to 0; `pool.lock` is taken after it. A heap is its thread's, but for the mailbox.
//
// With STRATA_OWNED_CHECKED=1 each span has a bitmap of its live blocks. A free then proves that the
// address is in a segment, starts a block, and that the block is live. Another thread's free can
// only look at the bit; the owner clears it when the parcel arrives. Two frees of a block that are
// on their way at once are therefore found by the owner.
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <utility>

#include "heaps.hpp"
#include "os/process.hpp"
#include "spans.hpp"

namespace strata::owned {
namespace {

constexpr std::size_t run_bytes = 2 * MiB;  // blocks above are mappings of their own
constexpr std::size_t parcel_bytes = 16 * KiB;
constexpr std::size_t least_weight = parcel_bytes / 64;  // a parcel holds at most 64 blocks

constexpr bool classes_keep_alignment() {
  for (std::size_t alignment = 16; alignment <= ground::medium_bytes; alignment *= 2) {
    for (std::size_t size = alignment; size <= ground::medium_bytes; size += alignment) {
      if (class_bytes(ground::class_of(size)) % alignment != 0) return false;
    }
  }
  return true;
}
static_assert(classes_keep_alignment(), "a multiple of an alignment has a class of aligned blocks");

// ---- Checks

[[noreturn]] STRATA_NOINLINE void misuse(const char* message) {
  os::write_error(message, strlen(message));
  os::abort_process();
}

place find(const void* address) {
  if (checked && !is_ours(address)) misuse("owned_spans: invalid free: not a block\n");
  segment* in = segment_of(address);
  const slab& entry = in->slabs[slab_of(address)];
  if (checked && entry.what == content::nothing) {
    misuse("owned_spans: invalid free: freed before, or not a block\n");
  }
  return {in, entry.first};
}

// Stops the process unless a live block starts at the address. Reads no more of another thread's
// span than it must.
void check_live(place where, const void* address) {
  if constexpr (checked) {
    std::size_t offset = where.offset_of(address);
    if (where.entry().what == content::large) {
      if (offset != 0) misuse("owned_spans: invalid free: inside a block\n");
      return;
    }
    position at = position_of(offset, inverse_of(where.entry().number));
    if (!at.exact) misuse("owned_spans: invalid free: inside a block\n");
    if (!where.header().live.test(at.block)) misuse("owned_spans: double free\n");
  }
}

place find_live(const void* address) {
  place where = find(address);
  check_live(where, address);
  return where;
}

// ---- Free

// The last block of a waiting span has come back. Takes what free has in its hands already.
STRATA_NOINLINE void emptied_by(const void* address) {
  span& old = find(address).header();
  old.unlink();
  drop_span(this_thread.own(), old);
}

// A block of this thread's, to a span that is not full.
STRATA_INLINE void push(span& to, void* address) {
  auto* freed = static_cast<block*>(address);
  freed->next = to.free;
  to.free = freed;
  if (STRATA_UNLIKELY(--to.used == 0)) emptied_by(address);
}

void give_back(place where, block* freed);

void give_back_chain(block* chain) {
  while (chain != nullptr) {
    block* next = chain->next;
    give_back(find_live(chain), chain);
    chain = next;
  }
}

void post(parcel& out) {
  parcel full = std::exchange(out, {});
  if (full.first == nullptr) return;
  // acquire: whoever finds it closed sees that its spans have another owner.
  block* top = full.to->mailbox.load(std::memory_order_acquire);
  do {
    if (top == &closed) {
      full.last->next = nullptr;
      return give_back_chain(full.first);
    }
    full.last->next = top;
    // release: the owner sees the links.
  } while (!full.to->mailbox.compare_exchange_weak(top, full.first, std::memory_order_release,
                                                   std::memory_order_acquire));
}

void send(heap& own, std::uintptr_t owner, block* freed, std::size_t bytes) {
  parcel& out = own.outgoing[owner / os_page_bytes % parcel_count];
  auto* to = static_cast<heap*>(base::pointer_to(owner));
  if (out.to != to) post(out);
  out.to = to;
  if (out.first == nullptr) out.last = freed;
  freed->next = out.first;
  out.first = freed;
  out.weight += base::larger(bytes, least_weight);
  if (out.weight >= parcel_bytes) post(out);
}

void collect_mail(heap& own) {
  if (own.mailbox.load(std::memory_order_relaxed) == nullptr) return;
  // acquire: pairs with post's release.
  give_back_chain(own.mailbox.exchange(nullptr, std::memory_order_acquire));
}

// A live block of a class, of whatever owner.
void give_back(place where, block* freed) {
  heap& own = this_thread.own();
  std::uintptr_t owner = where.owner().load(std::memory_order_relaxed);
  if (owner == 0) {
    adopt(own, where);
    owner = where.owner().load(std::memory_order_relaxed);
  }
  if ((owner & ~full_tag) != this_thread.owner) {
    return send(own, owner & ~full_tag, freed, class_bytes(where.entry().number));
  }
  span& to = where.header();
  if ((owner & full_tag) != 0) {
    set_owner(to, this_thread.owner);
    to.unlink();
    own.waiting[to.number].push_back(&to);
  }
  if constexpr (checked) to.live.take(position_of(where.offset_of(freed), to.inverse).block);
  push(to, freed);
}

void deallocate_large(place old) {
  if (old.in->mapped_bytes != segment_bytes) return unmap_segment(old.in);
  std::size_t count = old.header().used;
  old.enter(count, content::nothing, 0);
  give_slabs(old, count);
}

STRATA_NOINLINE void deallocate_slow(void* address) {
  if (address == nullptr) return;
  place where = find_live(address);
  if (where.entry().what == content::large) return deallocate_large(where);
  if (!begin()) return;  // no memory for a heap: the block is lost
  give_back(where, static_cast<block*>(address));
  collect_mail(this_thread.own());
}

STRATA_INLINE void deallocate(void* address) {
  if (STRATA_UNLIKELY(checked ? !is_ours(address) : address == nullptr)) {
    return deallocate_slow(address);
  }
  segment* in = segment_of(address);
  std::size_t index = slab_of(address);
  std::uintptr_t owner = in->owners[index].load(std::memory_order_relaxed);
  if (STRATA_UNLIKELY(owner != this_thread.owner)) return deallocate_slow(address);
  span& to = in->spans[index];
  if constexpr (checked) {
    // Only the first slab of a span has an owner, so the offset is that within the slab.
    position at = position_of(base::address_of(address) % slab_bytes, to.inverse);
    if (STRATA_UNLIKELY(!at.exact)) return deallocate_slow(address);
    if (STRATA_UNLIKELY(!to.live.take(at.block))) return deallocate_slow(address);
  }
  push(to, address);
}

// ---- Allocate

// A run of slabs, or a mapping of its own.
void* allocate_large(std::size_t size, std::size_t alignment) {
  std::size_t start = base::larger(slab_bytes, alignment);
  if (size > PTRDIFF_MAX - segment_bytes || start > segment_bytes / 2) return nullptr;
  if (size <= run_bytes && start == slab_bytes) {
    std::size_t count = base::divide_up(base::larger(size, 1), slab_bytes);
    span* made = take_slabs(count);
    if (made == nullptr) return nullptr;
    made->used = static_cast<std::uint32_t>(count);
    place_of(*made).enter(count, content::large, 0);
    return place_of(*made).start();
  }
  // Never of a segment's size, by which deallocate_large tells the two kinds.
  std::size_t bytes = base::align_up(start + size, os_page_bytes);
  if (bytes == segment_bytes) bytes += os_page_bytes;
  segment* in = map_segment(bytes);
  if (in == nullptr) return nullptr;
  place where = {in, start / slab_bytes};
  where.header().zero = true;
  where.enter(1, content::large, 0);
  return where.start();
}

STRATA_INLINE void* pop(span& from) {
  block* taken = from.free;
  from.free = taken->next;
  ++from.used;
  if constexpr (checked) {
    auto offset = static_cast<std::size_t>(reinterpret_cast<char*>(taken) - from.start);
    from.live.set(position_of(offset, from.inverse).block);
  }
  return taken;
}

STRATA_NOINLINE void* allocate_slow(std::size_t size) {
  void* made = nullptr;
  if (size > ground::medium_bytes) {
    made = allocate_large(size, slab_bytes);
  } else if (begin()) {
    std::size_t number = ground::class_of(base::larger(size, 1));
    collect_mail(this_thread.own());
    if (refill(this_thread.own(), number)) made = pop(*this_thread.heads[number]);
  }
  if (made == nullptr) errno = ENOMEM;
  return made;
}

STRATA_INLINE void* allocate(std::size_t size) {
  std::size_t number = ground::exact_class_of(size);
  if (STRATA_UNLIKELY(size > ground::exact_bytes)) {
    if (size > ground::medium_bytes) return allocate_slow(size);
    number = ground::class_of(size);
  }
  span& from = *this_thread.heads[number];
  if (STRATA_UNLIKELY(from.free == nullptr)) return allocate_slow(size);
  return pop(from);
}

void* allocate_aligned(std::size_t alignment, std::size_t size) {
  if (size <= ground::medium_bytes && alignment <= ground::medium_bytes) {
    std::size_t rounded = base::align_up(base::larger(size, 1), alignment);
    if (rounded <= ground::medium_bytes) return allocate(rounded);
  }
  void* made = allocate_large(size, alignment);
  if (made == nullptr) errno = ENOMEM;
  return made;
}

std::size_t usable_size(const void* address) {
  place where = find_live(address);
  if (where.entry().what == content::blocks) return class_bytes(where.entry().number);
  std::size_t mapped = where.in->mapped_bytes;
  if (mapped != segment_bytes) return mapped - where.first * slab_bytes;
  return where.header().used * slab_bytes;
}

void* allocate_zeroed(std::size_t size) {
  void* made = allocate(size);
  if (made == nullptr) return nullptr;
  bool zero = size > ground::medium_bytes && find(made).header().zero;
  return zero ? made : memset(made, 0, size);
}

void* reallocate(void* old, std::size_t size) {
  std::size_t usable = usable_size(old);
  if (size <= usable && size >= usable / 2) return old;
  void* made = allocate(size);
  if (made == nullptr) return nullptr;
  memcpy(made, old, base::smaller(usable, size));
  deallocate(old);
  return made;
}

// ---- Start, fork, and the end of a thread

void post_all(heap& own) {
  // A parcel that finds its receiver gone may fill another.
  for (bool any = true; any;) {
    any = false;
    for (parcel& out : own.outgoing) {
      any |= out.first != nullptr;
      post(out);
    }
  }
}

// The caller holds the lock.
void abandon(heap& own, span& old) {
  old.unlink();
  if (old.used == 0) return drop_span(own, old);
  set_owner(old, 0);
  if (old.has_room()) abandoned.with_room[old.number].push_back(&old);
}

void abandon_all(heap& own) {
  std::lock_guard section(abandoned.lock);
  for (std::size_t number = 1; number < class_count; ++number) {
    span* current = std::exchange(this_thread.heads[number], &no_blocks);
    if (current != &no_blocks) {
      --current->used;
      abandon(own, *current);
    }
    while (span* one = own.waiting[number].front()) abandon(own, *one);
  }
  while (span* one = own.full.front()) abandon(own, *one);
  while (own.spare_count > 0) give_slabs(place_of(*own.spares[--own.spare_count]), 1);
}

void thread_exits(void* value) {
  heap& own = *static_cast<heap*>(value);
  block* none = nullptr;
  do {
    collect_mail(own);
    post_all(own);
    abandon_all(own);
    none = nullptr;
    // What has arrived meanwhile is collected, and its spans perhaps adopted, in another round.
    // release: whoever finds the mailbox closed sees that we own nothing.
  } while (!own.mailbox.compare_exchange_strong(none, &closed, std::memory_order_release,
                                                std::memory_order_relaxed));
  this_thread.owner = nobody;
  std::lock_guard section(pool.lock);
  own.next_spare = spare_heaps;
  spare_heaps = &own;
}

void before_fork() {
  abandoned.lock.lock();
  pool.lock.lock();
}
void after_fork_in_parent() {
  pool.lock.unlock();
  abandoned.lock.unlock();
}
void after_fork_in_child() {
  pool.lock.reset();
  abandoned.lock.reset();
}

__attribute__((constructor(101))) void process_starts() {
  exit_key_made = pthread_key_create(&exit_key, thread_exits) == 0;
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void* invalid_argument() {
  errno = EINVAL;
  return nullptr;
}

}  // namespace
}  // namespace strata::owned

// ---- The interface of libc

#define STRATA_EXPORT extern "C" __attribute__((visibility("default")))
using namespace strata;

STRATA_EXPORT void* malloc(size_t size) { return owned::allocate(size); }
STRATA_EXPORT void free(void* address) { owned::deallocate(address); }

STRATA_EXPORT void* calloc(size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
  return owned::allocate_zeroed(bytes);
}

STRATA_EXPORT void* realloc(void* old, size_t size) {
  if (old == nullptr) return owned::allocate(size);
  if (size != 0) return owned::reallocate(old, size);
  owned::deallocate(old);
  return nullptr;
}

STRATA_EXPORT void* reallocarray(void* old, size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
  return realloc(old, bytes);
}

STRATA_EXPORT void* memalign(size_t alignment, size_t size) {
  if (alignment > PTRDIFF_MAX) return owned::invalid_argument();
  return owned::allocate_aligned(std::bit_ceil(alignment), size);
}

STRATA_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  if (!base::is_power_of_two(alignment)) return owned::invalid_argument();
  return owned::allocate_aligned(alignment, size);
}

STRATA_EXPORT int posix_memalign(void** out, size_t alignment, size_t size) {
  if (!base::is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  int before = errno;
  void* made = owned::allocate_aligned(alignment, size);
  errno = before;
  if (made == nullptr) return ENOMEM;
  *out = made;
  return 0;
}

STRATA_EXPORT void* valloc(size_t size) { return memalign(owned::os_page_bytes, size); }
STRATA_EXPORT void* pvalloc(size_t size) {
  size_t rounded = base::align_up(size, owned::os_page_bytes);
  return memalign(owned::os_page_bytes, rounded < size ? size : rounded);
}
STRATA_EXPORT size_t malloc_usable_size(void* address) {
  return address == nullptr ? 0 : owned::usable_size(address);
}
