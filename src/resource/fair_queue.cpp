#include <strata/detail/fair_queue.hpp>

#include <utility>

namespace strata::detail {

fair_queue::fair_queue(std::uint64_t total_bytes, std::uint64_t poolable_bytes,
                       std::span<const std::uint32_t> weights)
    : poolable_bytes_(poolable_bytes),
      free_bytes_(total_bytes),
      total_bytes_(total_bytes),
      tenants_(std::max<std::size_t>(weights.size(), 1)) {
  bool linkable = poolable_bytes >= sizeof(ready_buffer);
  bool weighty = std::find(weights.begin(), weights.end(), 0u) == weights.end();
  if (!linkable || !weighty) stop(misuse::precondition, "buffer_pool", this);
  for (std::size_t i = 0; i < weights.size(); ++i) tenants_[i].weight = weights[i];
}

bool fair_queue::take(claim& one) noexcept {
  if (waiting_ != 0 || closed_ || one.need_bytes > available_bytes()) return false;
  grant(one);
  return true;
}

void fair_queue::grant(claim& one) noexcept {
  while (ready_ != nullptr && one.taken_count < one.whole_buffers) {
    ready_buffer* buffer = pop_ready();
    buffer->next = std::exchange(one.taken, buffer);
    ++one.taken_count;
  }
  std::uint64_t rest = one.need_bytes - one.taken_count * poolable_bytes_;
  while (free_bytes_ < rest) dissolve();
  free_bytes_ -= rest;
  lend(one.need_bytes, one.buffers);
  one.state = claim_state::granted;
}

// A ready buffer becomes free bytes.
void fair_queue::dissolve() noexcept {
  ready_buffer* buffer = pop_ready();
  buffer->next = std::exchange(trimmed_, buffer);
  free_bytes_ += poolable_bytes_;
}

void fair_queue::refund(claim& one) noexcept {
  take_back(one.need_bytes, one.buffers, &one);
  free_bytes_ += one.need_bytes - one.taken_count * poolable_bytes_;
  one.taken_count = 0;
  while (ready_buffer* buffer = one.taken) {
    one.taken = buffer->next;
    keep(buffer);
  }
  one.state = claim_state::withdrawn;
}

// ---- The line

void fair_queue::enqueue(claim& one) noexcept {
  tenant& own = tenants_[one.tenant];
  one.state = claim_state::waiting;
  one.arrival = arrivals_++;
  one.next = nullptr;
  one.previous = own.last;
  (own.last != nullptr ? own.last->next : own.first) = &one;
  own.last = &one;
  ++waiting_;
  if (head_ == nullptr) head_ = &one;
}

void fair_queue::leave(claim& one) noexcept {
  tenant& own = tenants_[one.tenant];
  (one.previous != nullptr ? one.previous->next : own.first) = one.next;
  (one.next != nullptr ? one.next->previous : own.last) = one.previous;
  --waiting_;
  if (head_ == &one) head_ = choose();
}

// Ahead is counted from the tenant that is served, so that the numbers stay small. Who has nothing to
// be served gains nothing by that: the others don't come after it.
claim* fair_queue::choose() noexcept {
  tenant* least = nullptr;
  for (tenant& each : tenants_) {
    if (each.first == nullptr) continue;
    if (least == nullptr || each.ahead < least->ahead ||
        (each.ahead == least->ahead && each.first->arrival < least->first->arrival)) {
      least = &each;
    }
  }
  if (least == nullptr) {
    for (tenant& each : tenants_) each.ahead = 0;
    return nullptr;
  }
  double passed = least->ahead;
  for (tenant& each : tenants_) each.ahead = std::max(0.0, each.ahead - passed);
  return least->first;
}

void fair_queue::withdraw(claim& one) noexcept {
  leave(one);
  one.state = claim_state::withdrawn;
}

void fair_queue::end(claim& one, claim_state how) noexcept {
  one.state = how;
  one.next = nullptr;
  (ended_last_ != nullptr ? ended_last_->next : ended_first_) = &one;
  ended_last_ = &one;
}

claim* fair_queue::serve() noexcept {
  while (head_ != nullptr && head_->need_bytes <= available_bytes()) {
    claim& one = *head_;
    tenant& own = tenants_[one.tenant];
    own.ahead += static_cast<double>(one.need_bytes) / own.weight;
    leave(one);
    grant(one);
    end(one, claim_state::granted);
  }
  ended_last_ = nullptr;
  return std::exchange(ended_first_, nullptr);
}

ready_buffer* fair_queue::trimmed() noexcept { return std::exchange(trimmed_, nullptr); }

void fair_queue::close() noexcept {
  closed_ = true;
  for (tenant& each : tenants_) {
    while (claim* one = each.first) {
      each.first = one->next;
      end(*one, claim_state::closed);
    }
    each.last = nullptr;
    each.ahead = 0;
  }
  head_ = nullptr;
  waiting_ = 0;
  while (ready_ != nullptr) dissolve();
}

void fair_queue::verify() const {
  std::uint64_t count = 0;
  for (const ready_buffer* each = ready_; each != nullptr; each = each->next) {
    check(++count <= ready_count_, "buffer_pool", each);
  }
  check(count == ready_count_, "buffer_pool", this);
  check(available_bytes() + lent_bytes_ == total_bytes_, "buffer_pool", this);
  std::uint64_t waiting = 0;
  bool head_found = false;
  for (const tenant& each : tenants_) {
    for (const claim* one = each.first; one != nullptr; one = one->next) {
      check(one->state == claim_state::waiting, "buffer_pool", one);
      check(one->next == nullptr ? each.last == one : one->next->previous == one, "buffer_pool",
            one);
      head_found |= one == head_;
      ++waiting;
    }
  }
  check(waiting == waiting_ && head_found == (waiting != 0), "buffer_pool", this);
  check(waiting == 0 || (!closed_ && head_->need_bytes > available_bytes()), "buffer_pool", head_);
}

}  // namespace strata::detail
