#include "gc/direct.hpp"

#include <chrono>
#include <cstring>
#include <new>
#include <utility>

#include "gc/core.hpp"
#include "os/memory.hpp"

namespace strata::gc {

bool direct_space::open(std::size_t limit, std::size_t most_buffers) {
  std::lock_guard guard{lock_};
  if (limit_ != 0) return true;
  if (!young_.open(most_buffers) || !old_.open(most_buffers) || !due_.open(most_buffers) ||
      !blocks_.open(most_buffers) || !chunks_.open(2 * limit + base::MiB))
    return false;
  limit_ = limit;
  soft_limit_ = limit / 8;
  return true;
}

direct_space::~direct_space() {
  for (block& each : blocks_) {
    if (each.data != nullptr) free_memory(each);
  }
}

// ---- Memory; locked

std::size_t direct_space::charge_for(std::size_t bytes) {
  if (bytes <= most_chunk_bytes) return chunks::bytes_of(chunks::order_for(bytes));
  return base::align_up(bytes, os::page_bytes());
}

std::byte* direct_space::take_memory(std::size_t charged) {
  if (charged > most_chunk_bytes)
    return static_cast<std::byte*>(os::map(charged, os::page_bytes()));
  void* taken = chunks_.take(chunks::order_for(charged));
  if (taken != nullptr) std::memset(taken, 0, charged);
  return static_cast<std::byte*>(taken);
}

void direct_space::free_memory(block& of) {
  if (of.charged > most_chunk_bytes)
    os::release(of.data, of.charged);
  else
    chunks_.give(of.data, chunks::order_for(of.charged));
  of.data = nullptr;
  used_bytes_ -= of.charged;
  --statistics_.buffers;
  ++frees_;
  freed_.notify_all();
}

void direct_space::free_if_idle(block& of) {
  if (of.leases != 0) return;
  if (of.data != nullptr && (of.released || of.abandoned)) free_memory(of);
  if (of.abandoned) of.next = std::exchange(unused_, &of);
}

detail::direct_block* direct_space::take_block() {
  if (unused_ != nullptr) return std::exchange(unused_, unused_->next);
  blocks_.push({});
  return blocks_.end() - 1;
}

// ---- Blocks

detail::direct_block* direct_space::take(std::size_t bytes, within which) {
  std::size_t charged = charge_for(bytes);
  std::lock_guard guard{lock_};
  std::size_t most = which == within::limit ? limit_ : base::smaller(soft_limit_, limit_);
  if (charged < bytes || charged > most || used_bytes_ > most - charged) return nullptr;
  std::byte* data = take_memory(charged);
  if (data == nullptr) return nullptr;
  used_bytes_ += charged;
  ++statistics_.buffers;
  statistics_.peak_bytes = base::larger(statistics_.peak_bytes, used_bytes_);
  return ::new (take_block()) block{.owner = this, .data = data, .charged = charged};
}

void direct_space::adopt(block* taken, void* object) {
  std::lock_guard guard{lock_};
  young_.push({object, taken});
}

void direct_space::release(block* of) {
  std::lock_guard guard{lock_};
  of->released = true;
  free_if_idle(*of);
}

void direct_space::forget(block* of) {
  std::lock_guard guard{lock_};
  of->abandoned = true;
  free_if_idle(*of);
}

void direct_space::lease(block* of) {
  std::lock_guard guard{lock_};
  ++of->leases;
}

void direct_space::end_lease(block* of) {
  std::lock_guard guard{lock_};
  --of->leases;
  free_if_idle(*of);
}

std::size_t direct_space::free_due() {
  std::size_t count = 0;
  for (;; ++count) {
    // One at a time: others may want the lock in between.
    std::lock_guard guard{lock_};
    if (due_.empty()) return count;
    block* next_due = due_.pop();
    next_due->abandoned = true;
    free_if_idle(*next_due);
  }
}

void direct_space::wait(std::uint64_t ms) {
  std::unique_lock held{lock_};
  ++statistics_.waits;
  std::uint64_t before = frees_;
  freed_.wait_for(held, std::chrono::milliseconds(ms), [&] { return frees_ != before; });
}

direct_statistics direct_space::statistics() {
  std::lock_guard guard{lock_};
  direct_statistics now = statistics_;
  now.used_bytes = used_bytes_;
  return now;
}

void direct_space::finish(const survivors& of, collected what) {
  std::lock_guard guard{lock_};
  if (limit_ == 0) return;
  // The old ones first: those that the young ones become have been looked at.
  if (what == collected::all_objects) finish(old_, of);
  finish(young_, of);
  if (what != collected::all_objects) return;
  std::size_t live = used_bytes_;
  for (const block* each : due_) live -= each->data == nullptr ? 0 : each->charged;
  soft_limit_ = base::larger(limit_ / 8, 2 * live);
}

void direct_space::finish(row<entry>& entries, const survivors& of) {
  std::size_t kept = 0;
  std::size_t count = entries.size();
  for (std::size_t at = 0; at < count; ++at) {
    entry each = entries[at];
    if (!of.keep(each.object))
      due_.push(each.of);
    else if (&entries == &young_ && !of.is_young(each.object))
      old_.push(each);
    else
      entries[kept++] = each;
  }
  entries.shorten(kept);
}

// ---- The public face

namespace {

direct_space& open_space(core& of) {
  const heap_options& options = of.options();
  std::size_t limit = options.direct_max_bytes != 0 ? options.direct_max_bytes : options.max_bytes;
  // Each has an object in the heap.
  if (!of.direct().open(limit, options.max_bytes / 16 + 1)) throw direct_memory_exhausted();
  return of.direct();
}

}  // namespace

detail::direct_block* detail::allocate_direct(mutator& self, std::size_t bytes) {
  using within = direct_space::within;
  core& of = self.core();
  direct_space& space = open_space(of);
  if (auto* taken = space.take(bytes, within::soft_limit)) return taken;
  space.free_due();
  if (auto* taken = space.take(bytes, within::soft_limit)) return taken;
  self.collect(collection::full);
  space.free_due();
  if (auto* taken = space.take(bytes, within::limit)) return taken;
  std::uint64_t left_ms = of.options().direct_wait_ms;
  for (std::uint64_t pause_ms = 1; left_ms > 0; pause_ms *= 2) {
    pause_ms = base::smaller(pause_ms, left_ms);
    left_ms -= pause_ms;
    {
      blocking guard{self};
      space.wait(pause_ms);
    }
    // Others may have dropped theirs meanwhile.
    self.collect(collection::full);
    space.free_due();
    if (auto* taken = space.take(bytes, within::limit)) return taken;
  }
  throw direct_memory_exhausted();
}

void detail::adopt_direct(mutator& self, direct_block* block, void* object) {
  self.core().direct().adopt(block, object);
}
void detail::release_direct(direct_block* block) noexcept { block->owner->release(block); }
void detail::forget_direct(direct_block* block) noexcept { block->owner->forget(block); }
void detail::lease_direct(direct_block* block) noexcept { block->owner->lease(block); }
void detail::end_lease_of_direct(direct_block* block) noexcept { block->owner->end_lease(block); }
std::byte* detail::data_of(const direct_block* block) noexcept { return block->data; }
direct_statistics direct_of(const heap& of) { return of.core().direct().statistics(); }

}  // namespace strata::gc
