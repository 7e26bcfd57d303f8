#include <strata/bump.hpp>

#include <algorithm>

namespace strata {

bump::bump(std::pmr::memory_resource* upstream, options chosen)
    : upstream_(upstream), chosen_(chosen), next_chunk_bytes_(chosen.first_chunk_bytes) {}

bump::bump(std::span<std::byte> initial, std::pmr::memory_resource* upstream, options chosen)
    : bump(upstream, chosen) {
  std::uintptr_t start = detail::align_up(detail::address_of(initial.data()), alignof(chunk));
  std::uintptr_t end = detail::address_of(initial.data()) + initial.size();
  if (initial.empty() || start + sizeof(chunk) >= end) return;
  auto* first = ::new (detail::pointer_to(start)) chunk{nullptr, end - start, 0, true};
  held_bytes_ = first->bytes;
  detail::poison(detail::pointer_to(first->start()), first->bytes - sizeof(chunk));
  enter(first);
}

bump::~bump() {
  release();
  if (spares_ != nullptr) detail::unpoison(spares_, spares_->bytes);
}

// ---- Chunks

// The newest chunk can't take the block: the next spare that can, or a new one, becomes the newest.
void* bump::allocate_from_new_chunk(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t slack = alignment > alignof(chunk) ? alignment : 0;
  std::size_t wanted = sizeof(chunk) + slack + bytes;
  if (wanted < bytes) return nullptr;
  chunk* next = spare_for(wanted);
  if (next == nullptr) next = make_chunk(wanted);
  if (next == nullptr) return nullptr;
  enter(next);
  return try_allocate(bytes, alignment);
}

bump::chunk* bump::spare_for(std::size_t bytes) noexcept {
  // The shortest that is long enough; the longest are first.
  chunk** best = nullptr;
  for (chunk** link = &spares_; *link != nullptr && (*link)->bytes >= bytes;
       link = &(*link)->older) {
    best = link;
  }
  if (best == nullptr) return nullptr;
  chunk* found = *best;
  *best = found->older;
  return found;
}

bump::chunk* bump::make_chunk(std::size_t bytes) noexcept {
  std::size_t room = chosen_.most_bytes - std::min(held_bytes_, chosen_.most_bytes);
  if (bytes > room) return nullptr;
  std::size_t taken = std::min(std::max(bytes, next_chunk_bytes_), room);
  void* memory = nullptr;
  try {
    memory = upstream_->allocate(taken, alignof(std::max_align_t));
  } catch (...) {
    return nullptr;
  }
  next_chunk_bytes_ = std::min(next_chunk_bytes_ * 2, chosen_.most_chunk_bytes);
  held_bytes_ += taken;
  auto* made = ::new (memory) chunk{nullptr, taken, 0, false};
  detail::poison(detail::pointer_to(made->start()), taken - sizeof(chunk));
  return made;
}

void bump::enter(chunk* newest) noexcept {
  if (newest_ != nullptr) {
    newest_->used_end = next_;
    used_before_ += next_ - newest_->start();
  }
  newest->older = newest_;
  newest_ = newest;
  next_ = newest->start();
  end_ = newest->end();
}

// The newest chunk becomes a spare.
void bump::leave() noexcept {
  chunk* left = newest_;
  detail::poison(detail::pointer_to(left->start()), left->bytes - sizeof(chunk));
  newest_ = left->older;
  chunk** link = &spares_;
  while (*link != nullptr && (*link)->bytes > left->bytes) link = &(*link)->older;
  left->older = *link;
  *link = left;
  next_ = newest_ != nullptr ? newest_->used_end : 0;
  end_ = newest_ != nullptr ? newest_->end() : 0;
  if (newest_ != nullptr) used_before_ -= next_ - newest_->start();
}

void bump::give_back(chunk* one) noexcept {
  detail::unpoison(one, one->bytes);
  held_bytes_ -= one->bytes;
  upstream_->deallocate(one, one->bytes, alignof(std::max_align_t));
}

// All but the caller's buffer.
void bump::give_back_spares() noexcept {
  chunk* given = nullptr;
  while (chunk* one = spares_) {
    spares_ = one->older;
    if (one->given)
      given = one;
    else
      give_back(one);
  }
  if (given != nullptr) given->older = nullptr;
  spares_ = given;
}

// ---- The end of objects

void bump::run_cleanups(const cleanup* until) noexcept {
  while (cleanups_ != until) {
    cleanup* one = cleanups_;
    cleanups_ = one->older;  // first: the destructor may look at this bump
    one->action(one->object);
  }
}

bump::marker bump::mark() const noexcept {
  marker here;
  here.chunk_ = newest_;
  here.next_ = next_;
  here.cleanups_ = cleanups_;
  return here;
}

void bump::rewind(const marker& place) noexcept {
  note_peak();
  run_cleanups(place.cleanups_);
  while (newest_ != place.chunk_) {
    if (newest_ == nullptr) detail::stop(detail::misuse::precondition, "bump", this);
    leave();
  }
  if (place.next_ > next_) detail::stop(detail::misuse::precondition, "bump", this);
  detail::poison(detail::pointer_to(place.next_), next_ - place.next_);
  next_ = place.next_;
}

void bump::reset() noexcept { rewind(marker()); }

void bump::release() noexcept {
  reset();
  give_back_spares();
  next_chunk_bytes_ = chosen_.first_chunk_bytes;
}

void bump::merge(bump& other) noexcept {
  if (&other == this || !upstream_->is_equal(*other.upstream_)) {
    detail::stop(detail::misuse::precondition, "bump", &other);
  }
  other.give_back_spares();
  if (other.newest_ == nullptr) return;
  other.newest_->used_end = other.next_;
  chunk* oldest = other.newest_;
  while (!oldest->given && oldest->older != nullptr) oldest = oldest->older;
  if (oldest->given || other.spares_ != nullptr) {
    detail::stop(detail::misuse::precondition, "bump", &other);
  }
  // Under the newest, so that what is free there stays in use; the oldest has what was newest before.
  used_before_ += other.used_bytes();
  held_bytes_ += other.held_bytes_;
  if (newest_ == nullptr) {
    used_before_ -= other.next_ - other.newest_->start();
    newest_ = other.newest_;
    next_ = other.next_;
    end_ = other.end_;
  } else {
    oldest->older = newest_->older;
    newest_->older = other.newest_;
  }
  if (other.cleanups_ != nullptr) {
    cleanup* first = other.cleanups_;
    while (first->older != nullptr) first = first->older;
    first->older = cleanups_;
    cleanups_ = other.cleanups_;
  }
  other.newest_ = nullptr;
  other.cleanups_ = nullptr;
  other.next_ = other.end_ = 0;
  other.held_bytes_ = other.used_before_ = other.peak_used_bytes_ = 0;
}

// ---- Looking at it

bool bump::owns(const void* address) const noexcept {
  std::uintptr_t at = detail::address_of(address);
  for (const chunk* one = newest_; one != nullptr; one = one->older) {
    if (at >= one->start() && at < used_end_of(*one)) return true;
  }
  return false;
}

resource_statistics bump::statistics() const noexcept {
  return {held_bytes_, used_bytes(), std::max(peak_used_bytes_, used_bytes()),
          resource_statistics::not_counted};
}

void bump::verify() const {
  std::size_t held = 0;
  std::size_t used = 0;
  for (const chunk* one = newest_; one != nullptr; one = one->older) {
    std::uintptr_t used_end = used_end_of(*one);
    detail::check(one->start() <= used_end && used_end <= one->end(), "bump", one);
    held += one->bytes;
    if (one != newest_) used += used_end - one->start();
  }
  for (const chunk* one = spares_; one != nullptr; one = one->older) held += one->bytes;
  detail::check(held == held_bytes_ && used == used_before_, "bump", this);
}

}  // namespace strata
