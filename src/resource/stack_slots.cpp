// Where a stack pool's stacks come from: slabs, their slots, and the guards between them.
#include <strata/stack_pool.hpp>

#include <algorithm>
#include <bit>

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

constexpr std::uint32_t first_slab_slots = 64;
constexpr std::uint8_t asks_seldom = 63;
constexpr std::uint8_t asks_always = 0;

// Mappings that guards of all pools have added.
constinit std::atomic<std::size_t> guard_mappings{0};

}  // namespace

// Each as long as all before it together, within bounds: few mappings for many stacks, few
// addresses for few. Shorter where the kernel has no more.
stack_slab* stack_pool::make_slab() noexcept {
  std::size_t slots =
      std::clamp<std::size_t>(held_bytes_ / stack_bytes_, first_slab_slots, stack_slab::most_slots);
  slots = std::min(slots - 1, chosen_.most_stacks - made_) + 1;
  for (; slots >= 2; slots /= 2) {
    std::size_t bytes = slots * stack_bytes_;
    void* memory = bytes / slots == stack_bytes_ ? os::map(bytes, stack_bytes_) : nullptr;
    if (memory == nullptr) continue;
    os::never_huge(memory, bytes);
    std::uintptr_t start = detail::address_of(memory);
    stack_slab* made =
        detail::take_slab_record(start, start + bytes, stack_bytes_, guard_bytes_, next_number_);
    if (made == nullptr) {
      os::release(memory, bytes);
      return nullptr;
    }
    made->older = slabs_;
    slabs_ = made;
    next_number_ += slots - 1;
    ++slab_count_;
    held_bytes_ += bytes;
    return made;
  }
  return nullptr;
}

// None of its stacks is live or in a list.
void stack_pool::release_slab(stack_slab& one) noexcept {
  std::size_t bytes = one.slots * stack_bytes_;
  void* memory = bytes_at(one.slot_start(0));
  for (std::uint32_t index = 1; index < one.opened; ++index) {
    auto guard = static_cast<std::size_t>(one.guards[index]);
    --made_by_guard_[guard];
    if (one.guards[index] == stack_guard::protection) guard_mappings.fetch_sub(2);
    if (!one.is_cold(index) && os::valgrind_watches()) {
      os::stack_ended(header_of(bytes_at(one.slot_start(index))).valgrind_number);
    }
  }
  made_ -= one.opened - 1;
  cold_ -= one.cold;
  --slab_count_;
  held_bytes_ -= bytes;
  if (with_cold_ == &one) with_cold_ = nullptr;
  detail::drop_slab_record(one);
  detail::unpoison(memory, bytes);
  os::release(memory, bytes);
}

stack_pool::slot stack_pool::take_cold_slot() noexcept {
  if (with_cold_ == nullptr || with_cold_->cold == 0) {
    with_cold_ = slabs_;
    while (with_cold_->cold == 0) with_cold_ = with_cold_->older;
  }
  stack_slab& slab = *with_cold_;
  std::uint32_t word = 0;
  while (slab.cold_bits[word] == 0) ++word;
  std::uint32_t index =
      word * 64 + static_cast<std::uint32_t>(std::countr_zero(slab.cold_bits[word]));
  slab.flip_cold(index);
  --slab.cold;
  --cold_;
  return {&slab, index};
}

stack_pool::slot stack_pool::take_slot() noexcept {
  std::lock_guard section(mutex_);
  slot taken{};
  if (cold_ > 0) {
    taken = take_cold_slot();
  } else if (made_ < chosen_.most_stacks) {
    stack_slab* slab = slabs_;
    if (slab == nullptr || slab->opened == slab->slots) slab = make_slab();
    if (slab == nullptr) return {};
    ++made_;
    taken = {slab, slab->opened++};
    slab->guards[taken.index] = make_guard(*slab, taken.index);
    ++made_by_guard_[static_cast<std::size_t>(slab->guards[taken.index])];
  } else {
    return {};
  }
  peak_out_ = std::max(peak_out_, made_ - cold_ - idle_count_);
  return taken;
}

// Below that slot and the next ones. As many as there are stacks: a pool of a few need not have
// page tables for more.
bool stack_pool::mark_ahead(stack_slab& slab, std::uint32_t index) noexcept {
  std::size_t count = std::min<std::size_t>(slab.slots - index, made_);
  void* guard = bytes_at(slab.slot_start(index) - guard_bytes_);
  std::size_t marked = os::mark_as_guards(guard, guard_bytes_, stack_bytes_, count);
  slab.marked = index + static_cast<std::uint32_t>(marked);
  return marked > 0;
}

// Below that slot.
stack_guard stack_pool::make_guard(stack_slab& slab, std::uint32_t index) noexcept {
  if (index < slab.marked) return stack_guard::markers;
  if (best_guard_ == stack_guard::markers) {
    if (mark_ahead(slab, index)) return stack_guard::markers;
    best_guard_ = stack_guard::protection;
  }
  void* guard = bytes_at(slab.slot_start(index) - guard_bytes_);
  if (best_guard_ == stack_guard::protection) {
    if (guard_mappings.fetch_add(2) + 2 <= chosen_.most_guard_mappings &&
        os::guard(guard, guard_bytes_)) {
      return stack_guard::protection;
    }
    guard_mappings.fetch_sub(2);
  }
  return stack_guard::canary;
}

// A slot that was fresh or cold becomes a stack: its first page comes.
detail::stack_header& stack_pool::open(slot at) noexcept {
  std::uintptr_t start = at.slab->slot_start(at.index);
  header& one = header_of(bytes_at(start));
  stack_guard guard = at.slab->guards[at.index];
  ::new (&one) header{
      .next = nullptr,
      .name = nullptr,
      .pool = this,
      .slab = at.slab,
      .on_overflow = nullptr,
      .overflow_argument = nullptr,
      .state = stack_state::idle,
      .valgrind_number = 0,
      .known_pages = 1,
      .uses = 0,
      .asks_every = guard == stack_guard::canary ? asks_always : asks_seldom,
      .guard = guard,
  };
  if (os::valgrind_watches()) one.valgrind_number = os::stack_began(bytes_at(start), &one);
  detail::lay_strip(strip_of(one));
  return one;
}

void stack_pool::release_cold_slabs() noexcept {
  std::lock_guard section(mutex_);
  for (stack_slab** link = &slabs_; *link != nullptr;) {
    stack_slab& one = **link;
    if (one.cold == one.opened - 1) {
      *link = one.older;
      release_slab(one);
    } else {
      link = &one.older;
    }
  }
}

}  // namespace strata
