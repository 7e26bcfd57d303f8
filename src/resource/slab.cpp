#include <strata/slab.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace strata::detail {

namespace {

constexpr std::size_t least_chunk_bytes = std::size_t{16} << 10;
constexpr std::size_t least_chunk_blocks = 16;
constexpr std::size_t least_batch = 8;  // blocks that an empty front takes
constexpr std::size_t most_batch = 64;
constexpr std::size_t most_room = 1024;
constexpr std::size_t endless = SIZE_MAX / 2;

}  // namespace

slab_core::slab_core(const char* name, std::size_t block_bytes, std::size_t alignment,
                     std::size_t link, std::pmr::memory_resource* upstream, slab_options chosen,
                     end_objects end)
    : frees_left_(endless),
      alignment_(alignment),
      link_(link),
      source_(upstream, chosen.span_bytes, chosen.spare_bytes),
      end_objects_(end),
      name_(name) {
  constexpr std::size_t most_bytes = std::size_t{1} << 26;  // a chunk's length fits 32 bits
  if (!std::has_single_bit(alignment) || alignment > most_bytes || block_bytes > most_bytes) {
    stop(misuse::precondition, name, this, block_bytes);
  }
  stride_ = align_up(std::max(block_bytes, link + sizeof(void*)), alignment);
  first_offset_ = align_up(sizeof(chunk), alignment);
  std::size_t fixed = first_offset_ + chunk_source::room_behind;
  chunk_bytes_ =
      chosen.chunk_bytes != 0
          ? chosen.chunk_bytes
          : std::max(least_chunk_bytes, std::bit_ceil(fixed + least_chunk_blocks * stride_));
  if (!std::has_single_bit(chunk_bytes_) || chunk_bytes_ > UINT32_MAX ||
      chunk_bytes_ < fixed + stride_) {
    stop(misuse::precondition, name, this, chunk_bytes_);
  }
  chunk_blocks_ = std::min((chunk_bytes_ - fixed) / stride_, most_chunk_blocks);
  std::size_t first_bytes = std::max(chosen.first_chunk_bytes, first_offset_ + 4 * stride_);
  next_chunk_blocks_ = std::min((first_bytes - first_offset_) / stride_, chunk_blocks_);
}

slab_core::~slab_core() { release(); }

void slab_core::refuse(const void* block, std::size_t bytes) const noexcept {
  stop(bytes > stride_ ? misuse::wrong_size : misuse::double_free, name_, block, bytes);
}

// ---- Lists

void slab_core::list::add(chunk* one) noexcept {
  one->previous = nullptr;
  one->next = first;
  if (first != nullptr) first->previous = one;
  first = one;
}

void slab_core::list::remove(chunk* one) noexcept {
  (one->previous != nullptr ? one->previous->next : first) = one->next;
  if (one->next != nullptr) one->next->previous = one->previous;
}

// Free blocks are poisoned; only here, and in pop() and push(), may their links be touched.
void* slab_core::next_of(const void* free_block) const noexcept {
  const auto* place = static_cast<const std::byte*>(free_block) + link_;
  unpoison(place, sizeof(void*));
  void* next = read_link(free_block, link_);
  poison(place, sizeof(void*));
  return next;
}

void slab_core::link_to(void* free_block, void* next) const noexcept {
  auto* place = static_cast<std::byte*>(free_block) + link_;
  unpoison(place, sizeof(void*));
  write_link(free_block, link_, next);
  poison(place, sizeof(void*));
}

// ---- Blocks for the front

bool slab_core::refill() noexcept {
  if (available_.first != nullptr) {
    take_settled(available_.first);
    open_fresh();
    return true;
  }
  chunk* fresh = make_chunk();
  if (fresh == nullptr) return false;
  std::size_t live = live_blocks();
  start(fresh);
  set_room(live);
  return true;
}

// Not all, so that the front stays short: as short as what is live, where that is little.
void slab_core::take_settled(chunk* from) noexcept {
  std::size_t live = carved() - settled_blocks_;
  std::size_t most = std::clamp(live, least_batch, most_batch);
  auto taken = static_cast<std::uint32_t>(std::min<std::size_t>(from->free_blocks, most));
  settled_blocks_ -= taken;
  from->free_blocks -= taken;
  free_ = from->free;
  if (from->free_blocks == 0) {
    from->free = nullptr;
    available_.remove(from);
    others_.add(from);
    return;
  }
  void* last = free_;
  for (; taken > 1; --taken) last = next_of(last);
  from->free = next_of(last);
  link_to(last, nullptr);
}

void* slab_core::allocate_after_refill() noexcept {
  if (!refill()) return nullptr;
  return can_pop() ? pop(link_) : carve();
}

slab_core::chunk* slab_core::make_chunk() noexcept {
  bool small = next_chunk_blocks_ < chunk_blocks_;
  bool shorter = small || chunk_blocks_ == most_chunk_blocks;
  std::size_t bytes = shorter ? first_offset_ + next_chunk_blocks_ * stride_
                              : chunk_bytes_ - chunk_source::room_behind;
  void* memory = nullptr;
  try {
    memory = source_.allocate(bytes, small ? small_alignment() : chunk_bytes_);
  } catch (...) {
    return nullptr;
  }
  auto* made = ::new (memory) chunk{};
  made->owner = this;
  made->capacity = static_cast<std::uint32_t>(next_chunk_blocks_);
  made->bytes = static_cast<std::uint32_t>(bytes);
  poison(pointer_to(first_of(*made)), bytes - first_offset_);
  chunks_bytes_ += bytes;
  if (small) {
    small_[small_made_++] = made;
    note_small();
    std::size_t twice = std::min(next_chunk_blocks_ * 2, chunk_blocks_);
    next_chunk_blocks_ = small_made_ < small_.size() ? twice : chunk_blocks_;
  }
  return made;
}

void slab_core::note_small() noexcept {
  std::uintptr_t from = UINTPTR_MAX;
  std::uintptr_t to = 0;
  for (const chunk* each : small_) {
    if (each == nullptr) continue;
    from = std::min(from, address_of(each));
    to = std::max(to, address_of(each) + each->bytes);
  }
  small_from_ = from;
  small_bytes_ = to > from ? to - from : 0;
}

slab_core::chunk* slab_core::chunk_among_small(const void* block) const noexcept {
  for (chunk* each : small_) {
    if (each != nullptr && address_of(block) - address_of(each) < each->bytes) return each;
  }
  return pointer_to<chunk>(align_down(address_of(block), chunk_bytes_));
}

// Carves from this chunk from now on; all blocks of the one before are carved.
void slab_core::start(chunk* fresh) noexcept {
  if (fresh_ != nullptr) {
    fresh_->carved = static_cast<std::uint32_t>(carved_of(*fresh_));
    carved_before_ += fresh_->carved;
  }
  fresh_ = fresh;
  others_.add(fresh);
  next_ = first_of(*fresh);
  end_ = end_of(*fresh);
}

// Carving has to wait while any block is settled.
void slab_core::open_fresh() noexcept {
  bool waits = available_.first != nullptr || fresh_ == nullptr;
  end_ = waits ? next_ : end_of(*fresh_);
}

// With one chunk there is nothing to gain. With more, few blocks may wait in the front: they keep
// their chunks from going. Never more than are live, so that the last free always settles. Not
// fewer than refill may have brought.
void slab_core::set_room(std::size_t live) noexcept {
  bool several = available_.first != nullptr
                     ? available_.first->next != nullptr || others_.first != nullptr
                     : others_.first != nullptr && others_.first->next != nullptr;
  std::size_t wanted = std::clamp(live / 8, most_batch, most_room);
  std::size_t room = std::max<std::size_t>(std::min(wanted, live), 1);
  settle_at_ = live - std::min(room, live);
  least_wait_ = most_room;
  frees_left_ = several ? room : endless;
}

// ---- Settling

// A block that was freed twice closes a ring.
std::size_t slab_core::front_blocks() const {
  std::size_t most = carved() - settled_blocks_;
  std::size_t blocks = 0;
  for (const void* block = free_; block != nullptr; block = next_of(block)) {
    if (blocks++ == most) stop(misuse::double_free, name_, block);
  }
  return blocks;
}

std::size_t slab_core::live_blocks() const noexcept {
  return carved() - settled_blocks_ - front_blocks();
}

// Blocks that were allocated meanwhile are to be freed first.
void slab_core::settle_if_due() noexcept {
  std::size_t live = live_blocks();
  if (live > settle_at_)
    frees_left_ = std::min(std::max(live - settle_at_, least_wait_), live);
  else
    settle(live);
}

void slab_core::settle(std::size_t live) noexcept {
  note_peak();
  if (live == 0) {
    empty_all();
  } else {
    if (fresh_ != nullptr) fresh_->carved = static_cast<std::uint32_t>(carved_of(*fresh_));
    for (void* block = std::exchange(free_, nullptr); block != nullptr;) {
      void* next = next_of(block);
      settle_block(block);
      block = next;
    }
  }
  open_fresh();
  set_room(live);
}

void slab_core::settle_block(void* block) noexcept {
  chunk* home = chunk_of(block);
  if (home->owner != this) stop(misuse::foreign_free, name_, block);
  link_to(block, home->free);
  home->free = block;
  ++settled_blocks_;
  if (++home->free_blocks == 1) {
    others_.remove(home);
    available_.add(home);
  }
  if (home->free_blocks == home->carved) {
    available_.remove(home);
    settled_blocks_ -= home->free_blocks;
    empty(home);
  }
}

// Of the chunk's blocks none is in use, and none in the front.
void slab_core::empty(chunk* one) noexcept {
  std::size_t carved = carved_of(*one);
  if (end_objects_ != nullptr) {
    unpoison(pointer_to(first_of(*one)), carved * stride_);
    end_objects_(first_of(*one), carved, stride_);
    poison(pointer_to(first_of(*one)), carved * stride_);
  }
  one->free = nullptr;
  one->free_blocks = 0;
  one->carved = 0;
  if (one == fresh_) {
    next_ = first_of(*one);
    others_.add(one);
  } else {
    carved_before_ -= carved;
    give_back(one);
  }
}

// Nothing is live: no need to ask the blocks for their chunks.
void slab_core::empty_all() noexcept {
  chunk* all = nullptr;
  for (list* each : {&available_, &others_}) {
    while (chunk* one = each->first) {
      each->remove(one);
      one->next = std::exchange(all, one);
    }
  }
  free_ = nullptr;
  settled_blocks_ = 0;
  while (chunk* one = all) {
    all = one->next;
    empty(one);
  }
}

void slab_core::give_back(chunk* one) noexcept {
  std::size_t bytes = one->bytes;
  auto* small = std::find(small_.begin(), small_.end(), one);
  chunks_bytes_ -= bytes;
  one->owner = nullptr;
  unpoison(one, bytes);
  if (small == small_.end()) return source_.deallocate(one, bytes, chunk_bytes_);
  *small = nullptr;
  note_small();
  source_.deallocate(one, bytes, small_alignment());
}

void slab_core::trim() noexcept { trim(live_blocks()); }

void slab_core::trim(std::size_t live) noexcept {
  settle(live);
  if (fresh_ != nullptr && next_ == first_of(*fresh_)) {
    others_.remove(fresh_);
    give_back(std::exchange(fresh_, nullptr));
    next_ = end_ = 0;
  }
  source_.trim();
  set_room(live);
}

void slab_core::release() noexcept { trim(0); }

// ---- Looking at it

bool slab_core::owns(const void* address) const noexcept {
  std::uintptr_t at = address_of(address);
  for (const list* each : {&available_, &others_}) {
    for (const chunk* one = each->first; one != nullptr; one = one->next) {
      if (at >= first_of(*one) && at < first_of(*one) + carved_of(*one) * stride_) return true;
    }
  }
  return false;
}

resource_statistics slab_core::statistics() const noexcept {
  std::size_t live = live_blocks();
  return {chunks_bytes_ + source_.own_bytes(), live * stride_,
          std::max(peak_blocks_, carved()) * stride_, live};
}

bool slab_core::is_block_of(const chunk& one, const void* block) const {
  std::size_t offset = address_of(block) - first_of(one);
  return offset % stride_ == 0 && offset / stride_ < carved_of(one);
}

void slab_core::mark_free(const chunk& one, block_bits& bits) const {
  auto mark = [&](std::size_t i) { bits[i / 64] |= std::uint64_t{1} << (i % 64); };
  auto mark_list = [&](const void* block) {
    for (; block != nullptr; block = next_of(block)) {
      if (chunk_of(block) == &one) mark((address_of(block) - first_of(one)) / stride_);
    }
  };
  mark_list(one.free);
  mark_list(free_);
  for (std::size_t i = carved_of(one); i < one.capacity; ++i) mark(i);
}

void slab_core::verify_chunk(const chunk& one, bool available) const {
  check(one.owner == this && one.free_blocks <= carved_of(one), name_, &one);
  check(available == (one.free_blocks != 0), name_, &one);
  const void* block = one.free;
  for (std::size_t i = 0; i < one.free_blocks; ++i) {
    check(block != nullptr && is_block_of(one, block), name_, &one);
    block = next_of(block);
  }
  check(block == nullptr, name_, &one);
}

void slab_core::verify() const {
  std::size_t held = 0;
  std::size_t settled = 0;
  std::size_t carved_in_all = 0;
  for (const list* each : {&available_, &others_}) {
    for (const chunk* one = each->first; one != nullptr; one = one->next) {
      verify_chunk(*one, each == &available_);
      held += one->bytes;
      settled += one->free_blocks;
      carved_in_all += carved_of(*one);
    }
  }
  std::size_t front = 0;
  for (const void* block = free_; block != nullptr; block = next_of(block)) {
    if (!owns(block)) stop(misuse::foreign_free, name_, block);
    if (!is_block_of(*chunk_of(block), block)) stop(misuse::interior_free, name_, block);
    if (front++ == carved_in_all) stop(misuse::double_free, name_, block);
  }
  check(held == chunks_bytes_ && settled == settled_blocks_, name_, this);
  check(carved_in_all == carved() && front + settled <= carved_in_all, name_, this);
}

}  // namespace strata::detail
