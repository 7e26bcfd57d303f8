#include "route/arena.hpp"

#include "route/figures.hpp"

namespace strata::route {

void* arena::allocate(std::size_t bytes, std::size_t alignment, seat* owner) {
  if (STRATA_UNLIKELY(made_ != 0 && is_empty())) begin_anew();  // others freed the last
  std::size_t most_gap = alignment > granule_bytes ? alignment : 0;
  if (current_ == nullptr || current_->end - current_->top < bytes + most_gap) {
    if (!go_on(bytes + most_gap, owner)) return nullptr;
  }
  chunk& in = *current_;
  std::uintptr_t at = base::align_up(in.top, base::larger(alignment, granule_bytes));
  if (at != in.top) {  // or the block before would seem to have the gap
    region::mark(in.top, block_state::gone);
  }
  region::mark_live(at, bytes);
  in.top = at + bytes;
  last_ = at;
  ++made_;
  region::reach(in, in.top);
  return base::pointer_to(at);
}

bool arena::go(std::uintptr_t at) {
  region::mark(at, block_state::gone);
  ++gone_;
  if (at == last_) {
    current_->top = at;
    last_ = 0;
  }
  if (!is_empty()) return false;
  begin_anew();
  return true;
}

// Nobody else has a block, and nobody else changes the count, therefore.
void arena::begin_anew() {
  for (chunk* one = first_; one != nullptr; one = one->next) {
    one->top = one->start;
    if (one == current_) break;
  }
  current_ = first_;
  last_ = 0;
  made_ = gone_ = 0;
  gone_elsewhere_.store(0, std::memory_order_relaxed);
  count_reset();
}

// Makes one current that has room: one that was used before, or a new one.
bool arena::go_on(std::size_t bytes, seat* owner) {
  last_ = 0;
  chunk** link = current_ == nullptr ? &first_ : &current_->next;
  chunk** fits = link;
  while (*fits != nullptr && (*fits)->end - (*fits)->start < bytes) fits = &(*fits)->next;
  chunk* next = *fits;
  if (next != nullptr) {
    *fits = next->next;
  } else {
    next = region::take(bytes, owner);
    if (next == nullptr) return false;
  }
  next->next = *link;
  *link = next;
  current_ = next;
  return true;
}

}  // namespace strata::route
