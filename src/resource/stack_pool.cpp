#include <strata/stack_pool.hpp>

#include <algorithm>
#include <thread>
#include <utility>

#include "os/memory.hpp"
#include "os/stack_fault.hpp"
#include "os/stack_guard.hpp"
#include "os/watcher.hpp"
#include "resource/stack_slab.hpp"

namespace strata {
namespace {

using detail::bytes_at;
using detail::stack_slab;
using detail::stack_state;

constexpr std::size_t most_in_batch = 32;  // of stacks that come one by one

constinit std::atomic<unsigned> threads{0};

// Where a handler runs when the thread's own stack has none left.
struct alternate_stack {
  static constexpr std::size_t bytes = std::size_t{64} << 10;

  alternate_stack() = default;
  alternate_stack(const alternate_stack&) = delete;
  alternate_stack& operator=(const alternate_stack&) = delete;
  ~alternate_stack() {
    if (memory == nullptr) return;
    os::drop_alternate_stack(memory);
    os::release(memory, bytes);
  }
  // False without memory. A thread that has one keeps it.
  bool take() {
    if (memory != nullptr) return true;
    void* taken = os::map(bytes, os::page_bytes());
    if (taken == nullptr) return false;
    if (os::take_alternate_stack(taken, bytes))
      memory = taken;
    else
      os::release(taken, bytes);
    return true;
  }

  void* memory = nullptr;
};
thread_local alternate_stack own_alternate_stack;

}  // namespace

stack_pool::stack_pool(options chosen) noexcept
    : page_bytes_(os::page_bytes()),
      chosen_(chosen),
      best_guard_(chosen.guard),
      seat_(at_fork, this) {
  detail::guard_slab_records_in_forks();
  guard_bytes_ = detail::align_up(std::max(chosen.guard_bytes, page_bytes_), page_bytes_);
  // Whatever is asked for, there are a page for the fiber's first frames, and one more.
  std::size_t least = std::max(4 * page_bytes_, guard_bytes_ + 2 * page_bytes_);
  stack_bytes_ = std::bit_ceil(std::max(chosen.stack_bytes, least));
  slot_shift_ = static_cast<unsigned>(std::countr_zero(stack_bytes_));
  std::size_t most_pages = (stack_bytes_ - guard_bytes_) / page_bytes_;
  std::size_t keep = detail::align_up(std::max<std::size_t>(chosen.keep_bytes, 1), page_bytes_);
  keep_pages_ =
      static_cast<std::uint32_t>(std::clamp<std::size_t>(keep / page_bytes_, 1, most_pages));
  if (chosen_.guard == stack_guard::none) best_guard_ = stack_guard::canary;
  if (chosen_.most_guard_mappings == 0) chosen_.most_guard_mappings = os::most_mappings() / 2;
  if (chosen_.reports_overflow) detail::watch_overflows();
}

stack_pool::~stack_pool() {
  // Threads that a fork left behind release nothing.
  if (statistics().live_blocks != 0 && !seat_.crossed_fork())
    detail::stop(detail::misuse::still_in_use, "stack_pool", this);
  while (slabs_ != nullptr) {
    stack_slab* one = slabs_;
    slabs_ = one->older;
    release_slab(*one);
  }
}

bool stack_pool::watch_this_thread() noexcept {
  // A handler may not wait for this: the number says that it was done.
  if (thread_number_ == 0) thread_number_ = threads.fetch_add(1, std::memory_order_relaxed) + 1;
  return own_alternate_stack.take();
}

// ---- Between shelf and depot

fiber_stack stack_pool::acquire_from_depot(const char* name) noexcept {
  if (thread_number_ == 0) watch_this_thread();
  if (header* idle = take_idle()) return hand_out(*idle, name);
  slot fresh = take_slot();
  return fresh.slab != nullptr ? hand_out(open(fresh), name) : fiber_stack{};
}

// One for the caller, and the rest of its batch for the shelf; null when the depot is empty.
detail::stack_header* stack_pool::take_idle() noexcept {
  header* first = nullptr;
  {
    std::lock_guard section(mutex_);
    if (idle_ == nullptr) return nullptr;
    first = idle_;
    idle_ = first->next_batch;
    idle_count_ -= first->batch_stacks;
    peak_out_ = std::max(peak_out_, made_ - cold_ - idle_count_);
  }
  header* rest = first->next;
  if (rest == nullptr) return first;
  std::size_t rest_count = first->batch_stacks - 1;
  shelf* own = try_lock_own_shelf();
  // A signal handler or another thread may have filled it meanwhile.
  bool fits = own != nullptr && own->top == nullptr;
  if (fits) {
    own->top = rest;
    own->count = static_cast<std::uint32_t>(rest_count);
  }
  if (own != nullptr) own->unlock();
  if (!fits) keep_or_cool(rest, rest_count);
  return first;
}

void stack_pool::release_to_depot(header& one, std::uint32_t pages, shelf* own) noexcept {
  if (own == nullptr) {
    if (thread_number_ == 0) watch_this_thread();
    one.next = nullptr;
    {
      std::lock_guard section(mutex_);
      ++by_depth_[depth_class(pages)];
    }
    keep_or_cool(&one, 1);
    return;
  }
  std::size_t older_count = own->count - own->count / 2;
  header* older = split_older_half(*own);
  one.next = own->top;
  own->top = &one;
  ++own->count;
  ++own->by_depth[depth_class(pages)];
  own->unlock();
  keep_or_cool(older, older_count);
}

detail::stack_header* stack_pool::split_older_half(shelf& own) noexcept {
  std::uint32_t stays = own.count / 2;
  header* last = own.top;
  for (std::uint32_t i = 1; i < stays; ++i) last = last->next;
  header* older = last->next;
  last->next = nullptr;
  own.count = stays;
  return older;
}

// The first of the chain go to the depot while it has room, the others become cold.
void stack_pool::keep_or_cool(header* chain, std::size_t count) noexcept {
  {
    std::lock_guard section(mutex_);
    chain = put_batch(chain, count);
  }
  if (chain != nullptr) cool(chain);
}

// Returns those that there is no room for.
detail::stack_header* stack_pool::put_batch(header* chain, std::size_t count) noexcept {
  std::size_t room = chosen_.most_idle - std::min(idle_count_, chosen_.most_idle);
  if (room == 0) return chain;
  header* others = nullptr;
  if (room < count) {
    header* last = chain;
    for (std::size_t i = 1; i < room; ++i) last = last->next;
    others = std::exchange(last->next, nullptr);
    count = room;
  }
  idle_count_ += count;
  if (count == 1 && idle_ != nullptr && idle_->batch_stacks < most_in_batch) {
    chain->next = idle_;
    chain->batch_stacks = idle_->batch_stacks + 1;
    chain->next_batch = idle_->next_batch;
  } else {
    chain->batch_stacks = count;
    chain->next_batch = idle_;
  }
  idle_ = chain;
  return others;
}

// Gives all pages of the chain's stacks back, and returns how many bytes.
std::size_t stack_pool::cool(header* chain) noexcept {
  std::size_t bytes = 0;
  while (chain != nullptr) {
    // The header goes with its page.
    header* next = chain->next;
    stack_slab& slab = *chain->slab;
    std::uint32_t index = slab.index_of(chain);
    bytes += chain->known_pages * page_bytes_;
    purge_slot(*chain);
    {
      std::lock_guard section(mutex_);
      slab.flip_cold(index);
      ++slab.cold;
      ++cold_;
      with_cold_ = &slab;
    }
    chain = next;
  }
  return bytes;
}

void stack_pool::purge_slot(header& one) noexcept {
  if (one.valgrind_number != 0) os::stack_ended(one.valgrind_number);
  std::uintptr_t start = detail::align_down(detail::address_of(&one), stack_bytes_);
  one.state = stack_state{};
  os::purge(bytes_at(start), stack_bytes_ - guard_bytes_);
}

// ---- How deep a fiber was

std::size_t stack_pool::measured_pages(const header& one) const noexcept {
  std::uintptr_t start = detail::align_down(detail::address_of(&one), stack_bytes_);
  std::size_t bytes = stack_bytes_ - guard_bytes_;
  std::size_t untouched = os::first_resident(bytes_at(start), bytes);
  return std::max<std::size_t>((bytes - untouched) / page_bytes_, 1);
}

std::size_t stack_pool::watermark(fiber_stack stack) const noexcept {
  return measured_pages(header_of(stack.top)) * page_bytes_;
}

// Asks the kernel how deep the fiber was, gives back what was too deep, and sets the strip again.
// Returns how many pages it had.
std::uint32_t stack_pool::look_at(header& one) noexcept {
  measured_.fetch_add(1, std::memory_order_relaxed);
  std::uintptr_t start = detail::align_down(detail::address_of(&one), stack_bytes_);
  if (one.guard == stack_guard::canary &&
      os::first_resident(bytes_at(start - guard_bytes_), guard_bytes_) != guard_bytes_) {
    fiber_stack stack = stack_at(one);
    detail::report_overflow(one.name, number_of(stack), stack.bytes, bytes_at(start - 1));
  }
  auto pages = static_cast<std::uint32_t>(measured_pages(one));
  std::size_t deepest = deepest_pages_.load(std::memory_order_relaxed);
  while (pages > deepest && !deepest_pages_.compare_exchange_weak(deepest, pages)) {
  }
  one.known_pages = pages;
  if (pages > keep_pages_) {
    std::size_t kept = keep_pages_ * page_bytes_;
    if (os::purge(bytes_at(start), stack_bytes_ - guard_bytes_ - kept))
      one.known_pages = keep_pages_;
    trimmed_.fetch_add(1, std::memory_order_relaxed);
  }
  detail::lay_strip(strip_of(one));
  return pages;
}

// For a few instructions: who holds a shelf waits for nothing.
void stack_pool::lock(shelf& one) noexcept {
  while (!one.try_lock()) std::this_thread::yield();
}

// ---- Forks

constinit const detail::fork_ways stack_pool::at_fork = {
    [](void* self) noexcept { return static_cast<stack_pool*>(self)->try_hold(); },
    [](void* self) noexcept { static_cast<stack_pool*>(self)->let_go(); },
    [](void* self) noexcept { static_cast<stack_pool*>(self)->empty_shelves(); }};

bool stack_pool::try_hold() noexcept {
  if (!mutex_.try_lock()) return false;
  for (shelf& each : shelves_) lock(each);
  return true;
}

void stack_pool::let_go() noexcept {
  for (shelf& each : shelves_) each.unlock();
  mutex_.unlock();
}

// Of threads that may be gone, so that others find what is there: each becomes a batch.
void stack_pool::empty_shelves() noexcept {
  for (shelf& each : shelves_) {
    if (each.top == nullptr) continue;
    header* batch = std::exchange(each.top, nullptr);
    batch->batch_stacks = std::exchange(each.count, 0);
    batch->next_batch = std::exchange(idle_, batch);
    idle_count_ += batch->batch_stacks;
  }
}

// ---- Trimming

std::size_t stack_pool::trim() noexcept {
  header* all = nullptr;
  each_shelf([&](shelf& each) {
    while (header* one = each.top) {
      each.top = one->next;
      one->next = std::exchange(all, one);
    }
    each.count = 0;
  });
  std::size_t bytes = cool(all);
  {
    std::lock_guard section(mutex_);
    all = std::exchange(idle_, nullptr);
    idle_count_ = 0;
  }
  while (all != nullptr) {
    header* next = all->next_batch;
    bytes += cool(all);
    all = next;
  }
  release_cold_slabs();
  return bytes;
}

}  // namespace strata
