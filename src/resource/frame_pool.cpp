#include <strata/frame_pool.hpp>

#include <algorithm>
#include <memory_resource>
#include <vector>

namespace strata {

frame_pool::~frame_pool() {
  if (live_blocks_ != 0) detail::stop(detail::misuse::still_in_use, "frame_pool", this);
  while (head* one = chunks_) {
    chunks_ = one->older;
    give_stack_back(one);
  }
}

frame_pool::head* frame_pool::take_stack(head*& list) noexcept {
  fiber_stack stack = stacks_->try_acquire("frame_pool");
  if (!stack) return nullptr;
  std::uintptr_t top = detail::address_of(stack.top) - sizeof(head);
  auto* made = ::new (detail::pointer_to(top)) head{list, nullptr, stack, 0};
  if (list != nullptr) list->newer = made;
  list = made;
  held_bytes_ += stack.bytes;
  return made;
}

void frame_pool::give_stack_back(head* one) noexcept {
  held_bytes_ -= one->stack.bytes;
  stacks_->release(one->stack);
}

// ---- Frames

void* frame_pool::carve(std::size_t index) noexcept {
  std::size_t bytes = (index + 1) * granule;
  if (next_ - end_ < bytes) {
    std::uintptr_t left_next = next_;
    head* chunk = take_stack(chunks_);
    if (chunk == nullptr) return nullptr;
    std::size_t left = left_next - end_;
    if (left >= granule) {
      void* start = detail::pointer_to(end_);
      std::size_t left_index = left / granule - 1;
      detail::unpoison(start, left);
      free_[left_index] = ::new (start) frame{free_[left_index]};
      detail::poison(start, left);
    }
    next_ = detail::address_of(chunk);
    end_ = chunk->bottom();
    detail::poison(detail::pointer_to(end_), next_ - end_);
  }
  next_ -= bytes;
  void* taken = detail::pointer_to(next_);
  detail::unpoison(taken, bytes);
  note_taken(bytes);
  return taken;
}

// As near to the top as it may, for there is the page that is touched.
void* frame_pool::allocate_whole(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > stacks_->usable_bytes()) return nullptr;
  head* one = take_stack(wholes_);
  if (one == nullptr) return nullptr;
  std::uintptr_t top = detail::address_of(one);
  std::uintptr_t block = detail::align_down(top - std::max<std::size_t>(bytes, 1), alignment);
  if (block < one->bottom() || block > top) {
    wholes_ = one->older;
    if (wholes_ != nullptr) wholes_->newer = nullptr;
    give_stack_back(one);
    return nullptr;
  }
  one->block_bytes = top - block;
  note_taken(one->block_bytes);
  return detail::pointer_to(block);
}

void frame_pool::deallocate_whole(void* block) noexcept {
  std::uintptr_t top = detail::address_of(stacks_->stack_of(block).top) - sizeof(head);
  auto* one = detail::pointer_to<head>(top);
  if (top - one->block_bytes != detail::address_of(block)) {
    detail::stop(detail::misuse::wrong_size, "frame_pool", block);
  }
  (one->newer != nullptr ? one->newer->older : wholes_) = one->older;
  if (one->older != nullptr) one->older->newer = one->newer;
  --live_blocks_;
  used_bytes_ -= one->block_bytes;
  give_stack_back(one);
}

// ---- Looking at it

bool frame_pool::owns(const void* address) const noexcept {
  std::uintptr_t at = detail::address_of(address);
  for (const head* list : {chunks_, wholes_}) {
    for (const head* one = list; one != nullptr; one = one->older) {
      if (at >= one->bottom() && at < detail::address_of(one->stack.top)) return true;
    }
  }
  return false;
}

void frame_pool::verify() const {
  std::size_t held = 0;
  std::size_t used = 0;
  each_region([&](const region& each) {
    held += each.bytes;
    if (each.kind == region_kind::live) used += each.bytes;
  });
  detail::check(held == held_bytes_ && used == used_bytes_, "frame_pool", this);
  detail::check(chunks_ == nullptr || end_ == chunks_->bottom(), "frame_pool", chunks_);
}

void frame_pool::visit_regions(void (*visit)(void*, const region&), void* to) const {
  std::pmr::vector<region> free;
  for (std::size_t index = 0; index < classes; ++index) {
    for (frame* one = free_[index]; one != nullptr;) {
      free.push_back({one, (index + 1) * granule, region_kind::free});
      detail::unpoison(one, sizeof(frame));
      frame* next = one->next;
      detail::poison(one, sizeof(frame));
      one = next;
    }
  }
  auto by_place = [](const region& a, const region& b) { return a.start < b.start; };
  std::sort(free.begin(), free.end(), by_place);
  auto part = [&](std::uintptr_t from, std::uintptr_t end, region_kind kind) {
    if (from < end) visit(to, region{detail::pointer_to(from), end - from, kind});
  };
  for (const head* one = chunks_; one != nullptr; one = one->older) {
    std::uintptr_t at = one == chunks_ ? next_ : one->bottom();
    std::uintptr_t end = detail::address_of(one);
    part(one->bottom(), at, region_kind::free);
    auto next =
        std::lower_bound(free.begin(), free.end(), region{detail::pointer_to(at), 0, {}}, by_place);
    for (; next != free.end() && detail::address_of(next->start) < end; ++next) {
      part(at, detail::address_of(next->start), region_kind::live);
      visit(to, *next);
      at = detail::address_of(next->start) + next->bytes;
    }
    part(at, end, region_kind::live);
    part(end, detail::address_of(one->stack.top), region_kind::overhead);
  }
  for (const head* one = wholes_; one != nullptr; one = one->older) {
    std::uintptr_t end = detail::address_of(one);
    part(one->bottom(), end - one->block_bytes, region_kind::free);
    part(end - one->block_bytes, end, region_kind::live);
    part(end, detail::address_of(one->stack.top), region_kind::overhead);
  }
}

}  // namespace strata
