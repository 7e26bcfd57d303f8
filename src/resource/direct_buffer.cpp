#include <strata/direct_buffer.hpp>

#include <algorithm>
#include <chrono>
#include <new>

#include "os/memory.hpp"

namespace strata {
namespace {

// A reclaimer runs in this thread: what it reserves is refused without asking.
constinit thread_local bool thread_reclaims = false;

}  // namespace

direct_budget::direct_budget(std::size_t max_bytes, options chosen,
                             std::pmr::memory_resource* upstream)
    : max_bytes_(max_bytes), chosen_(std::move(chosen)), blocks_(upstream) {}

direct_budget::~direct_budget() {
  // Threads that a fork left behind give nothing back.
  if (reserved_bytes_ == 0 || seat_.crossed_fork()) return;
  detail::stop(detail::misuse::still_in_use, "direct_budget", this, reserved_bytes_);
}

// Nobody waits in a child.
constinit const detail::fork_ways direct_budget::at_fork = {
    [](void* self) noexcept { return static_cast<direct_budget*>(self)->lock_.try_lock(); },
    [](void* self) noexcept { static_cast<direct_budget*>(self)->lock_.unlock(); },
    [](void* self) noexcept {
      ::new (&static_cast<direct_budget*>(self)->freed_) std::condition_variable;
    }};

// ---- The budget

bool direct_budget::reserve(std::size_t bytes) noexcept {
  std::unique_lock inside(lock_);
  auto fits = [&] { return bytes <= max_bytes_ - reserved_bytes_; };
  if (!fits()) ++waited_;
  std::chrono::milliseconds wait(chosen_.first_wait_ms);
  for (unsigned waits = 0; !fits(); ++waits, wait *= 2) {
    bool possible = bytes <= max_bytes_ && !thread_reclaims;
    if (possible && chosen_.reclaimer) {
      std::size_t missing = bytes - (max_bytes_ - reserved_bytes_);
      inside.unlock();
      ask(missing);
      inside.lock();
      if (fits()) break;
    }
    if (!possible || waits == chosen_.waits) {
      ++refused_;
      return false;
    }
    freed_.wait_for(inside, wait, fits);
  }
  reserved_bytes_ += bytes;
  peak_bytes_ = std::max(peak_bytes_, reserved_bytes_);
  return true;
}

void direct_budget::ask(std::size_t missing) noexcept {
  thread_reclaims = true;
  chosen_.reclaimer(missing);
  thread_reclaims = false;
}

void direct_budget::unreserve(std::size_t bytes) noexcept {
  {
    std::lock_guard inside(lock_);
    reserved_bytes_ -= bytes;
  }
  // All: what is room for one may be too little for another.
  freed_.notify_all();
}

// ---- Pages

void* direct_budget::try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t page = os::page_bytes();
  mapping one{bytes, detail::align_up(std::max<std::size_t>(bytes, 1), page), nullptr, 0};
  alignment = std::max(alignment, page);
  bool wraps = one.reserved_bytes < bytes || one.reserved_bytes > SIZE_MAX / 2 - 2 * alignment;
  if (wraps || !reserve(one.reserved_bytes)) return nullptr;
  void* start = map(one, alignment);
  if (start != nullptr) {
    try {
      std::lock_guard inside(lock_);
      blocks_.emplace(detail::address_of(start), one);
      live_bytes_ += one.reserved_bytes;
      used_bytes_ += bytes;
      return start;
    } catch (...) {
      os::release(one.range, one.range_bytes);
    }
  }
  unreserve(one.reserved_bytes);
  return nullptr;
}

void* direct_budget::map(mapping& one, std::size_t alignment) const noexcept {
  bool guarded = chosen_.guards == guard_pages::around;
  std::size_t page = os::page_bytes();
  std::size_t before = guarded ? alignment : 0;
  std::size_t after = guarded ? page : 0;
  one.range_bytes = before + one.reserved_bytes + after;
  one.range = os::map(one.range_bytes, alignment);
  if (one.range == nullptr) return nullptr;
  std::uintptr_t start = detail::address_of(one.range) + before;
  if (!guarded) return detail::pointer_to(start);
  if (os::guard(one.range, before) &&
      os::guard(detail::pointer_to(start + one.reserved_bytes), after)) {
    return detail::pointer_to(start);
  }
  os::release(one.range, one.range_bytes);
  return nullptr;
}

// The block that the address lies in, or the end.
direct_budget::blocks::const_iterator direct_budget::find(std::uintptr_t at) const noexcept {
  auto above = blocks_.upper_bound(at);
  if (above == blocks_.begin()) return blocks_.end();
  auto found = std::prev(above);
  return at - found->first < found->second.reserved_bytes ? found : blocks_.end();
}

void direct_budget::deallocate(void* block, std::size_t bytes, std::size_t /*alignment*/) noexcept {
  constexpr const char* name = "direct_budget";
  mapping one;
  {
    std::lock_guard inside(lock_);
    auto found = find(detail::address_of(block));
    if (found == blocks_.end()) detail::stop(detail::misuse::foreign_free, name, block, bytes);
    one = found->second;
    if (found->first != detail::address_of(block)) {
      detail::stop(detail::misuse::interior_free, name, block, one.bytes);
    }
    if (one.bytes != bytes) detail::stop(detail::misuse::wrong_size, name, block, one.bytes);
    blocks_.erase(found);
    live_bytes_ -= one.reserved_bytes;
    used_bytes_ -= bytes;
  }
  // Refused where it would split a mapping and the process has too many: then the addresses stay
  // and the memory goes.
  if (!os::release(one.range, one.range_bytes)) os::purge(block, one.reserved_bytes);
  unreserve(one.reserved_bytes);
}

// ---- Looking at it

bool direct_budget::owns(const void* address) const noexcept {
  std::lock_guard inside(lock_);
  return find(detail::address_of(address)) != blocks_.end();
}

resource_statistics direct_budget::statistics() const noexcept {
  std::lock_guard inside(lock_);
  return {live_bytes_, live_bytes_, peak_bytes_, blocks_.size()};
}

direct_figures direct_budget::figures() const noexcept {
  std::lock_guard inside(lock_);
  return {max_bytes_, reserved_bytes_, used_bytes_, peak_bytes_, blocks_.size(), waited_, refused_};
}

void direct_budget::verify() const {
  std::lock_guard inside(lock_);
  std::size_t live = 0;
  std::size_t used = 0;
  std::uintptr_t end = 0;
  for (const auto& [start, each] : blocks_) {
    detail::check(start >= end && each.bytes <= each.reserved_bytes, "direct_budget",
                  detail::pointer_to(start));
    end = start + each.reserved_bytes;
    live += each.reserved_bytes;
    used += each.bytes;
  }
  detail::check(live == live_bytes_ && used == used_bytes_ && live <= reserved_bytes_ &&
                    reserved_bytes_ <= max_bytes_,
                "direct_budget", this);
}

const char* direct_exhausted::what() const noexcept {
  return "strata: direct_budget: no room for a direct buffer";
}

// ---- Buffers

direct_buffer::direct_buffer(direct_budget& budget, std::size_t bytes, cleaner at_end)
    : direct_buffer(try_make(budget, bytes, std::move(at_end))) {
  if (holder_ == nullptr) throw direct_exhausted(bytes, budget.figures());
}

direct_buffer direct_buffer::try_make(direct_budget& budget, std::size_t bytes,
                                      cleaner at_end) noexcept {
  direct_buffer made;
  auto* start = static_cast<std::byte*>(budget.try_allocate(bytes, 1));
  if (start == nullptr) return made;
  made.holder_ = new (std::nothrow) holder{{1}, {false}, &budget, start, bytes, std::move(at_end)};
  if (made.holder_ == nullptr) {
    budget.deallocate(start, bytes, 1);
    return made;
  }
  made.start_ = start;
  made.bytes_ = bytes;
  return made;
}

direct_buffer direct_buffer::slice(std::size_t offset, std::size_t bytes) const noexcept {
  direct_buffer part;
  if (!*this) return part;
  if (offset > bytes_ || bytes > bytes_ - offset) {
    detail::stop(detail::misuse::precondition, "direct_buffer", start_ + offset, bytes);
  }
  // relaxed: this handle keeps the holder alive meanwhile.
  holder_->handles.fetch_add(1, std::memory_order_relaxed);
  part.holder_ = holder_;
  part.start_ = start_ + offset;
  part.bytes_ = bytes;
  return part;
}

bool direct_buffer::free() noexcept {
  // acq_rel: one of all callers, whom the others' earlier writes are visible to.
  if (holder_ == nullptr || holder_->freed.exchange(true, std::memory_order_acq_rel)) return false;
  if (holder_->at_end) holder_->at_end({holder_->start, holder_->bytes});
  holder_->budget->deallocate(holder_->start, holder_->bytes, 1);
  return true;
}

void direct_buffer::drop() noexcept {
  if (holder_ == nullptr) return;
  // acq_rel: the last one sees what was written through all the others.
  if (holder_->handles.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    free();
    delete holder_;
  }
  holder_ = nullptr;
}

}  // namespace strata
