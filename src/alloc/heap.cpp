#include "alloc/heap.hpp"

#include <new>

#include "alloc/live.hpp"
#include "alloc/thread_cache.hpp"
#include "ground/metadata.hpp"

namespace strata::alloc {
namespace {

constinit sync::mutex lock(sync::rank::heaps);

base::list<heap>& all_heaps() {
  alignas(base::list<heap>) static constinit std::byte memory[sizeof(base::list<heap>)] = {};
  static constinit base::list<heap>* made = nullptr;
  if (made == nullptr) made = new (memory) base::list<heap>;
  return *made;
}

template <typename Action>
void each_heap(Action action) {
  for (heap* one = all_heaps().front(); one != nullptr; one = all_heaps().after(one)) action(one);
}

}  // namespace

heap::heap() {
  for (std::size_t number = 0; number < ground::class_count; ++number) {
    bins[number].set_up(static_cast<ground::size_class>(number), this);
  }
}

void* heap::allocate(std::size_t number, std::size_t size) {
  std::uintptr_t held = 0;
  if (bins[number].refill(&held, 1) == 0) return nullptr;
  void* block = base::pointer_to(held);
  ground::set_mark(block, number, ground::mark_heap);
  live::count_allocation(thread_cache::current(), number, size, ground::class_bytes(number));
  return block;
}

void heap::deallocate(void* block, span* from) {
  std::size_t number = from->home->number();
  ground::set_mark(block, number, ground::mark_none);
  live::count_free(thread_cache::current(), number, from->block_bytes);
  std::uintptr_t held = base::address_of(block);
  from->home->flush(&held, 1);
}

void heap::add(large* block) {
  sync::locked section(lock_);
  larges_.push_back(block);
}

void heap::remove(large* block) {
  sync::locked section(lock_);
  base::list<large>::remove(block);
}

void heap::release_all() {
  thread_cache* cache = thread_cache::current();
  for (std::size_t number = 1; number < ground::class_count; ++number) {
    bin_usage all = bins[number].usage();
    std::size_t blocks = all.blocks - all.free_slots;
    live::count_frees(cache, number, blocks, blocks * ground::class_bytes(number));
    bins[number].release_all();
  }
  while (large* block = larges_.front()) {
    live::count_free(cache, large_kind, block->room());
    destroy_large(block);
  }
}

void heap::each_block(void (*visit)(void* block)) {
  for (std::size_t number = 1; number < ground::class_count; ++number)
    bins[number].each_used(visit);
  sync::locked section(lock_);
  for (large* one = larges_.front(); one != nullptr; one = larges_.after(one)) {
    visit(base::pointer_to(one->start));
  }
}

heap* make_heap() {
  auto* made = ground::metadata::make<heap>();
  if (made == nullptr) return nullptr;
  sync::locked section(lock);
  all_heaps().push_back(made);
  return made;
}

void destroy_heap(heap* old) {
  {
    sync::locked section(lock);
    base::list<heap>::remove(old);
  }
  old->release_all();
  ground::metadata::destroy(old);
}

bin_usage heaps_usage(std::size_t number) {
  sync::locked section(lock);
  bin_usage total;
  each_heap([&](heap* one) {
    bin_usage here = one->bins[number].usage();
    total.spans += here.spans;
    total.blocks += here.blocks;
    total.free_slots += here.free_slots;
  });
  return total;
}

void heap::lock_for_fork() {
  lock_.lock();
  for (bin& each : bins) each.lock().lock();
}
void heap::unlock_after_fork() {
  for (bin& each : bins) each.lock().unlock();
  lock_.unlock();
}
void heap::reset_in_child() {
  for (bin& each : bins) each.lock().reset();
  lock_.reset();
}

void lock_heaps_for_fork() {
  lock.lock();
  each_heap([](heap* one) { one->lock_for_fork(); });
}
void unlock_heaps_after_fork() {
  each_heap([](heap* one) { one->unlock_after_fork(); });
  lock.unlock();
}
void reset_heaps_in_child() {
  each_heap([](heap* one) { one->reset_in_child(); });
  lock.reset();
}

}  // namespace strata::alloc
