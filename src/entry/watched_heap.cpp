#include "entry/watched_heap.hpp"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include <cstring>
#include <new>

#include "alloc/allocate.hpp"
#include "base/ordered_tree.hpp"
#include "os/watcher.hpp"

// Of the sanitizers' runtimes.
extern "C" __attribute__((weak)) int __sanitizer_install_malloc_and_free_hooks(
    void (*allocated)(const volatile void* block, std::size_t size),
    void (*freed)(const volatile void* block));

namespace strata::entry::watched {
namespace {

struct note : base::tree_node<note> {
  void* block = nullptr;
  std::size_t bytes = 0;

  [[nodiscard]] std::uintptr_t key() const { return base::address_of(block); }
};

}  // namespace

struct heap {
  base::ordered_tree<note> notes;
  std::uintptr_t next = 0;  // veiled
};

namespace {

// libc's: tools that look for races know it. Not held over malloc and free, which may want it.
constinit pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct locked {
  locked() { pthread_mutex_lock(&lock); }
  ~locked() { pthread_mutex_unlock(&lock); }
  locked(const locked&) = delete;
  locked& operator=(const locked&) = delete;
};

// ---- The list of heaps

std::uintptr_t veiled(heap* one) { return ~base::address_of(one); }
heap* unveiled(std::uintptr_t veil) { return base::pointer_to<heap>(~veil); }
constexpr std::uintptr_t no_heap = ~std::uintptr_t{0};
constinit std::atomic<std::uintptr_t> first_heap{no_heap};

void unlist(heap* old) {
  if (unveiled(first_heap) == old) {
    first_heap = old->next;
    return;
  }
  heap* before = unveiled(first_heap);
  while (unveiled(before->next) != old) before = unveiled(before->next);
  before->next = old->next;
}

// ---- Notes

note* find(heap* owner, const void* block) {
  note* found = owner->notes.at_or_below(base::address_of(block));
  return found != nullptr && found->block == block ? found : nullptr;
}

// Out of whichever heap it is in; null when there is none.
note* take_note_of(const void* block) {
  locked section;
  for (heap* one = unveiled(first_heap); one != nullptr; one = unveiled(one->next)) {
    note* found = find(one, block);
    if (found == nullptr) continue;
    one->notes.remove(found);
    return found;
  }
  return nullptr;
}

// A note on the same address is of a block that was freed. It comes back, for the caller to free.
note* enter(heap* owner, note* added) {
  locked section;
  note* stale = find(owner, added->block);
  if (stale != nullptr) owner->notes.remove(stale);
  owner->notes.insert(added);
  return stale;
}

// ---- A sanitizer's frees

void allocated_by_sanitizer(const volatile void*, std::size_t) {}

void freed_by_sanitizer(const volatile void* block) {
  // relaxed: who frees a block of a heap has learned of it after the heap was listed.
  if (first_heap.load(std::memory_order_relaxed) == no_heap) return;
  // LeakSanitizer calls for null, too.
  if (note* found = take_note_of(const_cast<const void*>(block))) free(found);
}

void watch_frees() {
  static constinit bool watching = false;
  locked section;
  if (watching || known_server() != server::sanitizer) return;
  __sanitizer_install_malloc_and_free_hooks(allocated_by_sanitizer, freed_by_sanitizer);
  watching = true;
}

// ---- Stamps

using stamp = std::uint32_t;
constexpr std::size_t stamp_room = 2 * sizeof(stamp);

bool has_stamps() { return known_server() == server::memcheck; }

void* stamp_place(const note& one) {
  return static_cast<char*>(one.block) + one.bytes + stamp_room - sizeof(stamp);
}
stamp stamp_of(heap* owner) { return static_cast<stamp>(base::address_of(owner)); }

void set_stamp(const note& one, heap* owner) {
  os::memcheck::shrink(one.block, one.bytes + stamp_room, one.bytes);
  os::memcheck::make_defined(stamp_place(one), sizeof(stamp));
  stamp mine = stamp_of(owner);
  std::memcpy(stamp_place(one), &mine, sizeof mine);
}

bool is_known_live(const note& one, heap* owner) {
  if (!has_stamps()) return known_server() == server::sanitizer;
  if (!os::memcheck::is_defined(stamp_place(one), sizeof(stamp))) return false;
  stamp mine = stamp_of(owner);
  return std::memcmp(stamp_place(one), &mine, sizeof mine) == 0;
}

// ---- Blocks

void* block_of(std::size_t alignment, std::size_t bytes) {
  if (has_stamps()) bytes += stamp_room;
  return alignment <= ground::granule_bytes ? malloc(bytes) : memalign(alignment, bytes);
}

void destroy(note* one, heap* owner) {
  if (is_known_live(*one, owner)) free(one->block);
  free(one);
}

}  // namespace

heap* make_heap() {
  watch_frees();
  void* memory = malloc(sizeof(heap));
  if (memory == nullptr) return nullptr;
  auto* made = new (memory) heap;
  locked section;
  made->next = first_heap;
  first_heap = veiled(made);
  return made;
}

void destroy_heap(heap* old) {
  {
    locked section;
    unlist(old);
  }
  while (note* one = old->notes.above(0)) {
    old->notes.remove(one);
    destroy(one, old);
  }
  free(old);
}

void* allocate_in(heap* owner, std::size_t alignment, std::size_t size, bool zero) {
  if (size > alloc::most_bytes || alignment > alloc::most_bytes) return nullptr;
  void* memory = malloc(sizeof(note));
  if (memory == nullptr) return nullptr;
  auto* made = new (memory) note;
  // The tools disagree on what may be done with a block of 0 bytes.
  made->bytes = base::larger(size, 1);
  made->block = block_of(alignment, made->bytes);
  if (made->block == nullptr) {
    free(made);
    return nullptr;
  }
  if (zero) std::memset(made->block, 0, size);
  if (has_stamps()) set_stamp(*made, owner);
  void* block = made->block;
  free(enter(owner, made));
  return block;
}

void* reallocate_in(heap* owner, void* block, std::size_t size) {
  void* fresh = allocate_in(owner, 1, size, false);
  if (block == nullptr || fresh == nullptr) return fresh;
  std::memcpy(fresh, block, base::smaller(usable_size(block), size));
  free(block);
  return fresh;
}

void lock_heaps_for_fork() { pthread_mutex_lock(&lock); }
void unlock_heaps_after_fork() { pthread_mutex_unlock(&lock); }

}  // namespace strata::entry::watched
