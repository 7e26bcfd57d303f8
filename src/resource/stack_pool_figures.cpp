// Looking at a stack pool: whose an address is, figures, regions, and whether all of it agrees.
#include <strata/stack_pool.hpp>

#include <algorithm>

#include "resource/stack_slab.hpp"

namespace strata {

using detail::bytes_at;
using detail::stack_slab;
using detail::stack_state;

void stack_pool::refuse(const void* top) const {
  bool twice =
      owns(static_cast<const std::byte*>(top) - 1) && header_of(top).state == stack_state::idle;
  detail::stop(twice ? detail::misuse::double_free : detail::misuse::foreign_free, "stack_pool",
               top);
}

std::uint64_t stack_pool::number_of(fiber_stack stack) const noexcept {
  const stack_slab& slab = *header_of(stack.top).slab;
  return slab.first_number + slab.index_of(stack.bottom()) - 1;
}

std::size_t stack_pool::idle_on_shelves() const noexcept {
  std::size_t count = 0;
  each_shelf([&](const shelf& each) { count += each.count; });
  return count;
}

resource_statistics stack_pool::statistics() const noexcept {
  std::size_t on_shelves = idle_on_shelves();
  std::lock_guard section(mutex_);
  std::size_t out = made_ - cold_ - idle_count_;
  std::size_t live = out - std::min(on_shelves, out);
  return {held_bytes_, live * stack_bytes_, std::max(peak_out_, live) * stack_bytes_, live};
}

stack_pool_figures stack_pool::figures() const noexcept {
  stack_pool_figures now;
  std::size_t on_shelves = 0;
  each_shelf([&](const shelf& each) {
    on_shelves += each.count;
    for (std::size_t i = 0; i < each.by_depth.size(); ++i) now.by_depth[i] += each.by_depth[i];
  });
  std::lock_guard section(mutex_);
  for (std::size_t i = 0; i < by_depth_.size(); ++i) now.by_depth[i] += by_depth_[i];
  now.idle = idle_count_ + on_shelves;
  now.cold = cold_;
  now.live = made_ - std::min(cold_ + now.idle, made_);
  now.slabs = slab_count_;
  now.deepest_bytes = deepest_pages_.load(std::memory_order_relaxed) * page_bytes_;
  now.measured = measured_.load(std::memory_order_relaxed);
  now.trimmed = trimmed_.load(std::memory_order_relaxed);
  now.made_by_guard = made_by_guard_;
  return now;
}

bool stack_pool::owns(const void* address) const noexcept {
  std::uintptr_t at = detail::address_of(address);
  std::lock_guard section(mutex_);
  for (const stack_slab* one = slabs_; one != nullptr; one = one->older) {
    if (at < one->slot_start(0) || at >= one->slot_start(one->slots)) continue;
    std::uint32_t index = one->index_of(address);
    bool made = index > 0 && index < one->opened && !one->is_cold(index);
    return made && at < one->slot_start(index + 1) - guard_bytes_ - sizeof(header);
  }
  return false;
}

void stack_pool::check_chain(const header* chain, std::size_t count) const {
  for (; chain != nullptr && count > 0; chain = chain->next, --count) {
    detail::check(chain->state == stack_state::idle && chain->pool == this, "stack_pool", chain);
  }
  detail::check(chain == nullptr && count == 0, "stack_pool", chain);
}

void stack_pool::check_slab(const stack_slab& one, std::size_t& live) const {
  std::size_t cold = 0;
  for (std::uint32_t index = 1; index < one.opened; ++index) {
    void* start = bytes_at(one.slot_start(index));
    if (one.is_cold(index)) {
      ++cold;
      continue;
    }
    const header& each = header_of(start);
    bool is_live = each.state == stack_state::live;
    // On its way between two lists when a fork left its thread behind.
    bool whole = each.slab == &one && (is_live || each.state == stack_state::idle);
    if (!whole && seat_.crossed_fork()) continue;
    detail::check(each.slab == &one && each.pool == this && each.guard == one.guards[index] &&
                      (is_live || each.state == stack_state::idle),
                  "stack_pool", start);
    live += is_live ? 1 : 0;
  }
  detail::check(cold == one.cold, "stack_pool", &one);
}

void stack_pool::verify() const {
  std::size_t idle = idle_on_shelves();
  for (const shelf& each : shelves_) check_chain(each.top, each.count);
  std::lock_guard section(mutex_);
  std::size_t in_depot = 0;
  for (const header* one = idle_; one != nullptr; one = one->next_batch) {
    check_chain(one, one->batch_stacks);
    in_depot += one->batch_stacks;
  }
  detail::check(in_depot == idle_count_, "stack_pool", this);
  idle += in_depot;
  std::size_t made = 0;
  std::size_t cold = 0;
  std::size_t live = 0;
  for (const stack_slab* one = slabs_; one != nullptr; one = one->older) {
    check_slab(*one, live);
    made += one->opened - 1;
    cold += one->cold;
  }
  // Fewer where a fork left threads behind that had a stack on its way between two lists.
  std::size_t listed = live + idle + cold;
  detail::check(
      made == made_ && cold == cold_ && (listed == made || (listed < made && seat_.crossed_fork())),
      "stack_pool", this);
}

void stack_pool::visit_regions(void (*visit)(void*, const region&), void* to) const {
  std::lock_guard section(mutex_);
  for (const stack_slab* one = slabs_; one != nullptr; one = one->older) {
    visit(to, region{bytes_at(one->slot_start(0)), stack_bytes_, region_kind::overhead});
    for (std::uint32_t index = 1; index < one->slots; ++index) {
      std::byte* start = bytes_at(one->slot_start(index));
      bool live = index < one->opened && !one->is_cold(index) &&
                  header_of(start).state == stack_state::live;
      visit(to, region{start, stack_bytes_ - guard_bytes_,
                       live ? region_kind::live : region_kind::free});
      visit(to, region{start + stack_bytes_ - guard_bytes_, guard_bytes_, region_kind::overhead});
    }
  }
}

}  // namespace strata
