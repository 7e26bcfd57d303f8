#include "boehm/world.hpp"

#include <cstdlib>

#include "conservative/typed.hpp"
#include "os/fork.hpp"
#include "os/loaded.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"

GC_word GC_gc_no = 0;
void (*GC_on_heap_resize)(GC_word) = nullptr;
int GC_find_leak = 0;
int GC_all_interior_pointers = 1;
int GC_finalize_on_demand = 0;
int GC_java_finalization = 0;
void (*GC_finalizer_notifier)() = nullptr;
int GC_dont_gc = 0;
int GC_dont_expand = 0;
GC_word GC_non_gc_bytes = 0;
int GC_no_dls = 0;
GC_word GC_free_space_divisor = 3;
GC_word GC_max_retries = 0;
char* GC_stackbottom = nullptr;
void (*GC_push_other_roots)() = [] {};
void* GC_least_plausible_heap_addr = nullptr;
void* GC_greatest_plausible_heap_addr = nullptr;
GC_oom_func GC_oom_fn = [](std::size_t) -> void* { return nullptr; };

namespace strata::boehm {

constinit lasting_world storage_of_the_world;

namespace {

constexpr std::size_t least_reservation = 64 * base::GiB;
constexpr std::size_t most_stack_entries = std::size_t{1} << 26;
constexpr std::size_t initial_bytes = 256 * base::KiB;
constexpr std::size_t least_growth_bytes = 256 * base::KiB;

std::size_t number_of(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return 0;
  char* end = nullptr;
  std::size_t value = std::strtoull(text, &end, 10);
  switch (*end) {
    case 'k':
    case 'K':
      return value * base::KiB;
    case 'm':
    case 'M':
      return value * base::MiB;
    case 'g':
    case 'G':
      return value * base::GiB;
    default:
      return value;
  }
}

// Variables of libgc's that people set.
void read_environment() {
  if (std::size_t most = number_of("GC_MAXIMUM_HEAP_SIZE"); most != 0) the_world.most_bytes = most;
  if (std::size_t divisor = number_of("GC_FREE_SPACE_DIVISOR"); divisor != 0)
    GC_free_space_divisor = divisor;
  if (std::getenv("GC_DONT_GC") != nullptr) ++GC_dont_gc;
}

void before_fork() { the_world.lock.lock(); }
void after_fork_in_parent() { the_world.lock.unlock(); }
void after_fork_in_child() {
  the_world.threads.keep_only_self();
  the_world.lock.unlock();
}

}  // namespace

void open_world() {
  if (the_world.is_open) return;
  read_environment();
  the_world.heap.all_interior = GC_all_interior_pointers != 0;
  the_world.finalization.keeps_reachable = GC_java_finalization != 0;
  std::size_t reservation = base::larger(least_reservation, 4 * os::physical_bytes());
  STRATA_CHECK(the_world.heap.open(reservation));
  STRATA_CHECK(the_world.marker.open(most_stack_entries));
  conservative::open_typed(the_world.heap);
  const auto& blocks = the_world.heap.blocks();
  GC_least_plausible_heap_addr = base::pointer_to(blocks.base());
  GC_greatest_plausible_heap_addr =
      base::pointer_to(blocks.base() + (blocks.count() << conservative::block_shift));
  the_world.threads.open();
  os::at_fork(before_fork, after_fork_in_parent, after_fork_in_child);
  the_world.is_open = true;
  expand(base::larger(initial_bytes, number_of("GC_INITIAL_HEAP_SIZE")), 0);
  known_self();
}

thread* known_self() {
  if (STRATA_LIKELY(threads::self != nullptr)) return threads::self;
  open_world();
  if (threads::self != nullptr) return threads::self;
  bool is_first_thread = os::thread_id() == os::process_id();
  thread* added = the_world.threads.add_self(
      is_first_thread && GC_stackbottom != nullptr ? base::address_of(GC_stackbottom) : 0);
  if (added == nullptr) return nullptr;
  added->is_implicit = true;
  if (is_first_thread) GC_stackbottom = base::pointer_to<char>(added->stack_base);
  return added;
}

bool expand(std::size_t least_bytes, std::size_t usual_bytes) {
  auto& blocks = the_world.heap.blocks();
  std::size_t now = blocks.size();
  auto grow_by = [&](std::size_t bytes) {
    std::size_t wanted = now + conservative::blocks_for(bytes);
    if (the_world.most_bytes != 0 && wanted << conservative::block_shift > the_world.most_bytes)
      return false;
    if (wanted < now || wanted > blocks.count()) return false;
    blocks.resize(wanted);
    return true;
  };
  if (!grow_by(base::larger(least_bytes, usual_bytes)) && !grow_by(least_bytes)) return false;
  if (GC_on_heap_resize != nullptr) GC_on_heap_resize(blocks.size() << conservative::block_shift);
  return true;
}

bool should_collect() {
  if (!the_world.collects_by_itself) return false;
  const auto& count = the_world.heap.count;
  std::uint64_t scanned = count.live_bytes - count.live_leaf_bytes;
  std::uint64_t work = 2 * scanned + count.live_leaf_bytes / 4 + the_world.root_bytes;
  std::uint64_t least =
      base::larger(work / base::larger(GC_free_space_divisor, 1), the_world.least_allocated_bytes);
  std::uint64_t allocated = the_world.heap.allocated_bytes_now();
  for (thread* each = the_world.threads.first(); each != nullptr; each = each->next)
    allocated += each->own.allocated_bytes;
  return allocated > least;
}

void warn(const char* message, GC_word argument) {
  if (the_world.warn != nullptr) the_world.warn(const_cast<char*>(message), argument);
}

// ---- Allocation

namespace {

// The heap is full, after so many collections for the same request. The lock is held, and afterwards is not. False
// when there is nothing left to be done.
bool make_room(std::size_t bytes, unsigned& collections) {
  auto& blocks = the_world.heap.blocks();
  std::size_t share =
      (blocks.size() << conservative::block_shift) / base::larger(GC_free_space_divisor, 1);
  bool may_collect = GC_dont_gc == 0 && collections <= GC_max_retries + 1;
  bool collects_first =
      collections == 0 && may_collect && (GC_dont_expand != 0 || should_collect());
  bool has_grown =
      !collects_first && expand(bytes, base::larger(share, least_growth_bytes) + bytes);
  GC_word seen = GC_gc_no;
  the_world.lock.unlock();
  if (has_grown) return true;
  if (!may_collect) return false;
  ++collections;
  collect(seen, the_world.stop_function);
  finalize_or_tell();
  return true;
}

void* out_of_memory(std::size_t bytes) {
  warn("GC Warning: out of memory: no room for %lu bytes within the limit\n", bytes);
  return GC_oom_fn(bytes);
}

STRATA_NOINLINE void* allocate_slow(std::size_t bytes, unsigned kind) {
  std::size_t size_class = conservative::class_for(bytes);
  std::size_t slot_bytes = conservative::classes[size_class].bytes;
  // Of a collection that was not an allocation's.
  finalize_or_tell();
  for (unsigned collections = 0;;) {
    thread* self = known_self();
    if (kind < conservative::own_kinds && self != nullptr) {
      conservative::cursor& at = self->own.at[kind][size_class];
      {
        allocating now{self->own};
        if (at.next != at.end ||
            the_world.heap.next_hole(at, kind, size_class, self->own.allocated_bytes))
          return at.take(slot_bytes);
      }
      the_world.lock.lock();
      // A collection may have been in between.
      if (the_world.heap.next_block(at, kind, size_class)) {
        the_world.lock.unlock();
        continue;
      }
    } else {
      the_world.lock.lock();
      void* object = the_world.heap.take_shared(kind, size_class);
      if (object != nullptr) {
        the_world.lock.unlock();
        return object;
      }
    }
    if (!make_room(conservative::block_bytes, collections)) return out_of_memory(bytes);
  }
}

}  // namespace

STRATA_INLINE void* allocate_small(std::size_t bytes, unsigned kind) {
  thread* self = threads::self;
  if (STRATA_LIKELY(self != nullptr && kind < conservative::own_kinds)) {
    std::size_t size_class = conservative::class_for(bytes);
    allocating now{self->own};
    if (void* object = self->own.at[kind][size_class].take(conservative::classes[size_class].bytes))
      return object;
  }
  return allocate_slow(bytes, kind);
}

void* allocate(std::size_t bytes, unsigned kind) {
  std::size_t wanted = bytes + extra_bytes();
  if (STRATA_UNLIKELY(wanted > conservative::most_small_bytes || wanted < bytes))
    return allocate_large(bytes, kind, references::anywhere);
  return allocate_small(wanted, kind);
}

void* allocate_large(std::size_t bytes, unsigned kind, references which) {
  std::size_t wanted = bytes + extra_bytes();
  if (wanted <= conservative::most_small_bytes && wanted >= bytes) return allocate(bytes, kind);
  known_self();
  conservative::use as =
      which == references::anywhere ? conservative::use::large : conservative::use::large_near;
  if (wanted < bytes || wanted > PTRDIFF_MAX) return out_of_memory(bytes);
  for (unsigned collections = 0;;) {
    the_world.lock.lock();
    void* object = the_world.heap.take_large(kind, wanted, as);
    if (object != nullptr) {
      the_world.lock.unlock();
      return object;
    }
    if (!make_room(wanted, collections)) return out_of_memory(bytes);
  }
}

}  // namespace strata::boehm
