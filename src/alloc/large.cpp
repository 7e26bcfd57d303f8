#include "alloc/large.hpp"

#include <atomic>

#include "alloc/heap.hpp"
#include "alloc/paranoid.hpp"
#include "ground/account.hpp"
#include "ground/metadata.hpp"
#include "os/memory.hpp"
#include "sync/mutex.hpp"

namespace strata::alloc {
namespace {

constinit sync::mutex lock(sync::rank::large);
constinit base::ordered_tree<large> mappings;
constinit std::atomic<std::size_t> block_total{0};
constinit std::atomic<std::size_t> byte_total{0};

std::size_t pages_of(std::size_t room) {
  return base::align_up(room, ground::page_bytes()) >> ground::page_shift();
}

// How many bytes of guards a block is to have. A block that is aligned to more than a page has none
// before it.
struct guards {
  explicit guards(std::size_t alignment, std::size_t page)
      : before(paranoid::on() && alignment <= page ? page : 0), behind(paranoid::on() ? page : 0) {}
  [[nodiscard]] std::size_t both() const { return before + behind; }

  std::size_t before;
  std::size_t behind;
};

// The block has its memory, [start - before, end + behind).
void set_guards(large* made, const guards& around) {
  made->before = static_cast<std::uint32_t>(around.before);
  made->behind = static_cast<std::uint32_t>(around.behind);
  // Refused, the block is there all the same.
  if (around.before != 0) os::guard(base::pointer_to(made->start - around.before), around.before);
  if (around.behind != 0) {
    os::guard(base::pointer_to(made->start + made->room()), around.behind);
  }
}

bool make_run(large* made, std::size_t room, std::size_t alignment, bool* zeroed) {
  guards around(alignment, ground::page_bytes());
  std::size_t page_alignment = base::larger(1, alignment >> ground::page_shift());
  std::size_t pages = pages_of(room);
  ground::pages_taken taken =
      ground::page_heap::take(pages + (around.both() >> ground::page_shift()), page_alignment);
  if (taken.start == 0) return false;
  made->start = taken.start + around.before;
  made->pages = static_cast<std::uint32_t>(pages);
  made->kind = ground::run_kind::block;
  set_guards(made, around);
  ground::set_run(made->start, pages, made);
  *zeroed = taken.zeroed;
  return true;
}

void give_run(large* old) {
  std::uintptr_t start = old->start - old->before;
  std::size_t bytes = old->before + old->bytes() + old->behind;
  if (old->before + old->behind != 0) os::commit(base::pointer_to(start), bytes);
  ground::clear_run(old->start, old->pages, old->bytes());
  ground::page_heap::give(start, bytes >> ground::page_shift());
}

bool make_mapping(large* made, std::size_t room, std::size_t alignment) {
  std::size_t bytes = base::align_up(room, os::page_bytes());
  guards around(alignment, os::page_bytes());
  if (!ground::account::charge(bytes)) return false;
  void* memory = os::map(bytes + around.both(), base::larger(alignment, os::page_bytes()));
  if (memory == nullptr) {
    ground::account::refund(bytes);
    return false;
  }
  made->start = base::address_of(memory) + around.before;
  made->mapped = bytes;
  set_guards(made, around);
  sync::locked section(lock);
  mappings.insert(made);
  return true;
}

void give_mapping(large* old) {
  {
    sync::locked section(lock);
    mappings.remove(old);
  }
  void* memory = base::pointer_to(old->start - old->before);
  std::size_t bytes = old->before + old->mapped + old->behind;
  // When the kernel won't unmap (the number of mappings is limited) the pages at least go back.
  if (!os::release(memory, bytes)) os::purge(memory, bytes);
  ground::account::refund(old->mapped);
  ground::account::note_returned(old->mapped);
}

// Runs longer than a chunk start at a chunk, so any alignment up to a chunk is had in either case.
bool fits_run(std::size_t room, std::size_t alignment) {
  std::size_t most = ground::page_heap::largest_run_bytes();
  if (paranoid::on()) most -= 2 * ground::page_bytes();
  return room <= most && alignment <= ground::chunk_bytes &&
         (alignment <= ground::page_bytes() || room <= ground::chunk_bytes);
}

void count(const large* live) {
  block_total.fetch_add(1, std::memory_order_relaxed);
  byte_total.fetch_add(live->room(), std::memory_order_relaxed);
}
void uncount(const large* freed) {
  block_total.fetch_sub(1, std::memory_order_relaxed);
  byte_total.fetch_sub(freed->room(), std::memory_order_relaxed);
}

void place_canary(large* in, bool end_is_zero) {
  if (!canary::on()) return;
  in->canary = end_is_zero ? canary::kind::zero : canary::kind::secret;
  if (!end_is_zero) canary::place(in->start, in->room(), in->canary);
}

large* finish(large* made, bool got, bool zeroed, heap* owner) {
  if (!got) {
    ground::metadata::destroy(made);
    return nullptr;
  }
  place_canary(made, zeroed);
  made->owner = owner;
  if (owner != nullptr) owner->add(made);
  count(made);
  return made;
}

bool resize_run(large* block, std::size_t room) {
  std::size_t pages = pages_of(room);
  if (room > ground::page_heap::largest_run_bytes()) return false;
  if (pages > block->pages) {
    std::size_t more = pages - block->pages;
    if (!ground::page_heap::extend(block->start, block->pages, more)) return false;
  }
  std::size_t before = block->pages;
  ground::clear_run(block->start, before, block->bytes());
  block->pages = static_cast<std::uint32_t>(pages);
  ground::set_run(block->start, pages, block);
  if (pages < before) {
    ground::page_heap::give(block->start + block->bytes(), before - pages);
  }
  return true;
}

bool resize_mapping(large* block, std::size_t room) {
  std::size_t bytes = base::align_up(room, os::page_bytes());
  if (bytes > block->mapped && !ground::account::charge(bytes - block->mapped)) return false;
  std::size_t before = block->mapped;
  void* moved = nullptr;
  {
    // Out of the tree while it moves: its old addresses may be somebody else's at once.
    sync::locked section(lock);
    mappings.remove(block);
    moved = os::remap(base::pointer_to(block->start), before, bytes);
    if (moved != nullptr) {
      block->start = base::address_of(moved);
      block->mapped = bytes;
    }
    mappings.insert(block);
  }
  if (moved == nullptr) {
    if (bytes > before) ground::account::refund(bytes - before);
    return false;
  }
  if (bytes < before) {
    ground::account::refund(before - bytes);
    ground::account::note_returned(before - bytes);
  }
  return true;
}

}  // namespace

std::size_t large_pages(std::size_t size) { return pages_of(size + canary::bytes); }

void check_canary(const large& block) {
  if (canary::on()) canary::check(block.start, block.room(), block.canary);
}

large* make_large(std::size_t size, std::size_t alignment, heap* owner, bool* zeroed) {
  sync::signal_shield shield;  // one for all the locks below
  auto* made = ground::metadata::make<large>();
  if (made == nullptr) return nullptr;
  *zeroed = true;
  std::size_t room = size + canary::bytes;
  bool got = fits_run(room, alignment) ? make_run(made, room, alignment, zeroed)
                                       : make_mapping(made, room, alignment);
  return finish(made, got, *zeroed, owner);
}

large* make_growing(std::size_t size) {
  auto* made = ground::metadata::make<large>();
  if (made == nullptr) return nullptr;
  return finish(made, make_mapping(made, size + canary::bytes, os::page_bytes()), true, nullptr);
}

void destroy_large(large* old) {
  sync::signal_shield shield;
  if (old->owner != nullptr) old->owner->remove(old);
  if (!old->waits.load(std::memory_order_relaxed)) uncount(old);
  if (old->mapped == 0)
    give_run(old);
  else
    give_mapping(old);
  ground::metadata::destroy(old);
}

void begin_wait_of(large* freed) {
  uncount(freed);
  freed->waits.store(true, std::memory_order_relaxed);
}
void end_wait_of(large* waiting) {
  waiting->waits.store(false, std::memory_order_relaxed);
  count(waiting);
}

void retire_large(large* freed) {
  begin_wait_of(freed);
  void* memory = base::pointer_to(freed->start);
  os::purge(memory, freed->room());
  os::guard(memory, freed->room());
}

namespace {

large* live_one(large* found) {
  if (found->waits.load(std::memory_order_relaxed)) {
    fatal(misuse::double_free, base::pointer_to(found->start), found->usable());
  }
  return found;
}

}  // namespace

large* large_at(const void* address) {
  std::uintptr_t at = base::address_of(address);
  if (ground::run* owner = ground::run_of(address)) {
    bool starts_here = owner->kind == ground::run_kind::block && owner->start == at;
    return starts_here ? live_one(static_cast<large*>(owner)) : nullptr;
  }
  sync::locked section(lock);
  large* found = mappings.at_or_below(at);
  return found != nullptr && found->start == at ? live_one(found) : nullptr;
}

bool resize_large(large* block, std::size_t size) {
  if (block->before + block->behind != 0) return false;
  std::size_t before = block->room();
  std::size_t room = size + canary::bytes;
  check_canary(*block);
  bool done = block->mapped == 0 ? resize_run(block, room) : resize_mapping(block, room);
  if (!done) return false;
  place_canary(block, block->mapped != 0 && block->room() > before);
  byte_total.fetch_add(block->room() - before, std::memory_order_relaxed);
  return true;
}

large_usage large_total() {
  return {block_total.load(std::memory_order_relaxed), byte_total.load(std::memory_order_relaxed)};
}

bool next_mapping(std::uintptr_t address, std::uintptr_t* start, std::size_t* bytes) {
  sync::locked section(lock);
  large* found = mappings.above(address);
  while (found != nullptr && found->waits.load(std::memory_order_relaxed))
    found = mappings.above(found->start);
  if (found == nullptr) return false;
  *start = found->start;
  *bytes = found->usable();
  return true;
}

std::size_t mapped_bytes_in_child() {
  std::size_t bytes = 0;
  for (large* one = mappings.above(0); one != nullptr; one = mappings.above(one->start)) {
    bytes += one->mapped;
  }
  return bytes;
}

void lock_large_for_fork() { lock.lock(); }
void unlock_large_after_fork() { lock.unlock(); }
void reset_large_in_child() { lock.reset(); }

}  // namespace strata::alloc
