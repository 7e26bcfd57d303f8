#include "alloc/large_cache.hpp"

#include "alloc/large.hpp"
#include "alloc/paranoid.hpp"

namespace strata::alloc {

large* large_cache::take_out(std::atomic<large*>& slot) {
  if (slot.load(std::memory_order_relaxed) == nullptr) return nullptr;
  // acquire: pairs with keep, so that the block is seen as it was left.
  large* held = slot.exchange(nullptr, std::memory_order_acquire);
  if (held != nullptr) bytes_.fetch_sub(held->bytes(), std::memory_order_relaxed);
  return held;
}

large* large_cache::take(std::size_t pages) {
  if (pages > most_pages) return nullptr;
  large* held = take_out(slots_[pages]);
  if (held != nullptr) end_wait_of(held);
  return held;
}

bool large_cache::keep(large* freed) {
  if (freed->mapped != 0 || freed->owner != nullptr || freed->pages > most_pages) return false;
  if (paranoid::on() || bytes() + freed->bytes() > most_bytes) return false;
  std::atomic<large*>& slot = slots_[freed->pages];
  if (slot.load(std::memory_order_relaxed) != nullptr) return false;
  begin_wait_of(freed);
  bytes_.fetch_add(freed->bytes(), std::memory_order_relaxed);
  // Only the owner fills slots. release: whoever takes it out sees it as it is now.
  slot.store(freed, std::memory_order_release);
  return true;
}

void large_cache::release_all() {
  for (std::atomic<large*>& slot : slots_) {
    if (large* held = take_out(slot)) destroy_large(held);
  }
}

}  // namespace strata::alloc
