#include <strata/pools.hpp>

#include <atomic>

namespace strata {
namespace {

constexpr std::size_t span_bytes = std::size_t{128} << 10;
constexpr std::size_t no_class = SIZE_MAX;

constexpr std::size_t alignment_of(std::size_t class_bytes) {
  std::size_t natural = class_bytes & (0 - class_bytes);
  return std::min(natural, detail::size_classes::largest_alignment);
}

// For a request that is not plain: rounded up to its alignment, so that its class has it too.
constexpr std::size_t rounded(std::size_t bytes, std::size_t alignment, std::size_t largest) {
  if (bytes > largest || alignment > detail::size_classes::largest_alignment) return SIZE_MAX;
  std::size_t up = detail::align_up(std::max<std::size_t>(bytes, 1), alignment);
  return up <= largest ? up : SIZE_MAX;
}

constexpr bool classes_are_aligned() {
  using classes = detail::size_classes;
  for (std::size_t alignment = 1; alignment <= classes::largest_alignment; alignment *= 2) {
    for (std::size_t bytes = alignment; bytes <= classes::largest_bytes; bytes += alignment) {
      std::size_t served = classes::bytes_of(classes::index_of(bytes));
      if (served < bytes || served % alignment != 0) return false;
    }
  }
  return classes::bytes_of(classes::count - 1) == classes::largest_bytes;
}
static_assert(classes_are_aligned());

}  // namespace

// ---- Pools

template <std::size_t... Index>
pools::slab_array pools::make_slabs(detail::chunk_source* chunks, const options& chosen,
                                    std::index_sequence<Index...> /*each*/) {
  // What is cut and kept is so for all classes together.
  slab_options of_each{
      .first_chunk_bytes = chosen.first_chunk_bytes, .spare_bytes = 0, .span_bytes = 0};
  return {class_slab(classes::bytes_of(Index), alignment_of(classes::bytes_of(Index)), chunks,
                     of_each)...};
}

pools::pools(std::pmr::memory_resource* upstream, options chosen)
    : largest_pooled_bytes_(chosen.largest_pooled_bytes),
      upstream_(upstream),
      chunks_(upstream, span_bytes, chosen.spare_bytes),
      slabs_(make_slabs(&chunks_, chosen, std::make_index_sequence<classes::count>())) {
  if (largest_pooled_bytes_ > classes::largest_bytes) {
    detail::stop(detail::misuse::precondition, "pools", this, largest_pooled_bytes_);
  }
}

pools::~pools() { release(); }

std::size_t pools::pooled_bytes(std::size_t bytes, std::size_t alignment) const {
  return rounded(bytes, alignment, largest_pooled_bytes_);
}

void* pools::allocate_otherwise(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t pooled = pooled_bytes(bytes, alignment);
  if (pooled > largest_pooled_bytes_) return allocate_large(bytes, alignment);
  return slabs_[classes::index_of(pooled)].try_allocate();
}

void pools::deallocate_otherwise(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t pooled = pooled_bytes(bytes, alignment);
  if (pooled <= largest_pooled_bytes_) {
    slabs_[classes::index_of(pooled)].deallocate(block);
    return;
  }
  auto* record = detail::pointer_to<large_record>(detail::address_of(block) + record_offset(bytes));
  if (record->owner != this || record->bytes != bytes || record->alignment != alignment) {
    detail::stop(detail::misuse::wrong_size, "pools", block, bytes);
  }
  give_back(record);
}

void* pools::allocate_large(std::size_t bytes, std::size_t alignment) noexcept {
  if (bytes > SIZE_MAX / 2) return nullptr;
  std::size_t total = record_offset(bytes) + sizeof(large_record);
  void* memory = nullptr;
  try {
    memory = upstream_->allocate(total, std::max(alignment, alignof(large_record)));
  } catch (...) {
    return nullptr;
  }
  void* behind = detail::pointer_to(detail::address_of(memory) + record_offset(bytes));
  large_ = ::new (behind) large_record{this, large_, nullptr, bytes, alignment};
  if (large_->next != nullptr) large_->next->previous = large_;
  ++large_blocks_;
  large_used_bytes_ += record_offset(bytes);
  large_peak_bytes_ = std::max(large_peak_bytes_, large_used_bytes_);
  return memory;
}

void pools::give_back(large_record* one) noexcept {
  (one->previous != nullptr ? one->previous->next : large_) = one->next;
  if (one->next != nullptr) one->next->previous = one->previous;
  one->owner = nullptr;
  --large_blocks_;
  large_used_bytes_ -= record_offset(one->bytes);
  upstream_->deallocate(detail::pointer_to(block_of(*one)),
                        record_offset(one->bytes) + sizeof(large_record),
                        std::max(one->alignment, alignof(large_record)));
}

void pools::trim() noexcept {
  for (slab& each : slabs_) each.trim();
  chunks_.trim();
}

void pools::release() noexcept {
  for (slab& each : slabs_) each.release();
  chunks_.trim();
  while (large_ != nullptr) give_back(large_);
}

bool pools::owns(const void* address) const noexcept {
  for (const slab& each : slabs_) {
    if (each.owns(address)) return true;
  }
  for (const large_record* one = large_; one != nullptr; one = one->next) {
    if (detail::address_of(address) - block_of(*one) < std::max<std::size_t>(one->bytes, 1)) {
      return true;
    }
  }
  return false;
}

resource_statistics pools::statistics() const noexcept {
  resource_statistics sum{
      chunks_.own_bytes() + large_used_bytes_ + large_blocks_ * sizeof(large_record),
      large_used_bytes_, large_peak_bytes_, large_blocks_};
  for (const slab& each : slabs_) {
    resource_statistics one = each.statistics();
    sum.held_bytes += one.held_bytes;
    sum.used_bytes += one.used_bytes;
    sum.peak_used_bytes += one.peak_used_bytes;
    sum.live_blocks += one.live_blocks;
  }
  return sum;
}

void pools::verify() const {
  for (const slab& each : slabs_) each.verify();
  std::size_t blocks = 0;
  std::size_t bytes = 0;
  for (const large_record* one = large_; one != nullptr; one = one->next) {
    bool linked = one->previous != nullptr ? one->previous->next == one : large_ == one;
    detail::check(one->owner == this && linked, "pools", one);
    ++blocks;
    bytes += record_offset(one->bytes);
  }
  detail::check(blocks == large_blocks_ && bytes == large_used_bytes_, "pools", this);
}

// ---- For threads

namespace {

std::size_t batch_of(std::size_t index) {
  return std::clamp<std::size_t>(4096 / detail::size_classes::bytes_of(index), 2, 32);
}

// Dealt out in turn, to threads in the order of their first call.
std::size_t number_of_thread() {
  static std::atomic<std::size_t> next{0};
  // Relaxed: all that matters is that numbers differ.
  thread_local std::size_t mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace

void synchronized_pools::stash::push(void* block, std::size_t bytes) noexcept {
  if (block == first) {
    detail::stop(detail::misuse::double_free, "synchronized_pools", block);
  }
  first = ::new (block) void*(first);
  detail::poison(block, bytes);
  ++blocks;
}

void* synchronized_pools::stash::pop(std::size_t bytes) noexcept {
  void* block = first;
  detail::unpoison(block, bytes);
  first = *static_cast<void**>(block);
  --blocks;
  return block;
}

synchronized_pools::synchronized_pools(std::pmr::memory_resource* upstream, options chosen)
    : largest_pooled_bytes_(chosen.largest_pooled_bytes),
      behind_(upstream, chosen),
      seat_(at_fork, this) {}

constinit const detail::fork_ways synchronized_pools::at_fork = {
    [](void* self) noexcept { return static_cast<synchronized_pools*>(self)->try_lock_all(); },
    [](void* self) noexcept {
      auto& held = *static_cast<synchronized_pools*>(self);
      held.behind_lock_.unlock();
      held.unlock_all();
    },
    nullptr};

bool synchronized_pools::try_lock_all() noexcept {
  std::size_t held = 0;
  while (held < fronts && fronts_[held].lock.try_lock()) ++held;
  if (held == fronts && behind_lock_.try_lock()) return true;
  while (held > 0) fronts_[--held].lock.unlock();
  return false;
}

std::size_t synchronized_pools::class_of(std::size_t bytes, std::size_t alignment) const {
  std::size_t pooled = alignment <= classes::plain_alignment && bytes <= largest_pooled_bytes_
                           ? bytes
                           : rounded(bytes, alignment, largest_pooled_bytes_);
  return pooled <= largest_pooled_bytes_ ? classes::index_of(pooled) : no_class;
}

synchronized_pools::front& synchronized_pools::mine() noexcept {
  return fronts_[number_of_thread() % fronts];
}

void* synchronized_pools::try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t index = class_of(bytes, alignment);
  if (index == no_class) {
    std::lock_guard hold(behind_lock_);
    return behind_.try_allocate(bytes, alignment);
  }
  front& here = mine();
  std::lock_guard hold(here.lock);
  stash& from = here.stashes[index];
  if (from.blocks == 0) fill(from, index);
  return from.blocks != 0 ? from.pop(classes::bytes_of(index)) : nullptr;
}

void synchronized_pools::deallocate(void* block, std::size_t bytes,
                                    std::size_t alignment) noexcept {
  std::size_t index = class_of(bytes, alignment);
  if (index == no_class) {
    std::lock_guard hold(behind_lock_);
    behind_.deallocate(block, bytes, alignment);
    return;
  }
  front& here = mine();
  std::lock_guard hold(here.lock);
  stash& into = here.stashes[index];
  into.push(block, classes::bytes_of(index));
  if (into.blocks == 2 * batch_of(index)) empty(into, index, batch_of(index));
}

void synchronized_pools::fill(stash& into, std::size_t index) noexcept {
  std::size_t bytes = classes::bytes_of(index);
  std::lock_guard hold(behind_lock_);
  for (std::size_t i = 0; i < batch_of(index); ++i) {
    void* block = behind_.try_allocate(bytes, 1);
    if (block == nullptr) return;
    into.push(block, bytes);
  }
}

void synchronized_pools::empty(stash& from, std::size_t index, std::size_t blocks) const noexcept {
  std::size_t bytes = classes::bytes_of(index);
  std::lock_guard hold(behind_lock_);
  for (; blocks != 0; --blocks) behind_.deallocate(from.pop(bytes), bytes, 1);
}

void synchronized_pools::lock_all() const noexcept {
  for (front& each : fronts_) each.lock.lock();
}

void synchronized_pools::unlock_all() const noexcept {
  for (front& each : fronts_) each.lock.unlock();
}

// All fronts are locked.
void synchronized_pools::drain() const noexcept {
  for (front& each : fronts_) {
    for (std::size_t i = 0; i < classes::count; ++i) {
      empty(each.stashes[i], i, each.stashes[i].blocks);
    }
  }
}

void synchronized_pools::trim() noexcept {
  lock_all();
  drain();
  {
    std::lock_guard hold(behind_lock_);
    behind_.trim();
  }
  unlock_all();
}

bool synchronized_pools::owns(const void* address) const noexcept {
  std::lock_guard hold(behind_lock_);
  return behind_.owns(address);
}

resource_statistics synchronized_pools::statistics() const noexcept {
  lock_all();
  std::size_t idle_bytes = 0;
  std::size_t idle_blocks = 0;
  for (const front& each : fronts_) {
    for (std::size_t i = 0; i < classes::count; ++i) {
      idle_blocks += each.stashes[i].blocks;
      idle_bytes += each.stashes[i].blocks * classes::bytes_of(i);
    }
  }
  resource_statistics sum;
  {
    std::lock_guard hold(behind_lock_);
    sum = behind_.statistics();
  }
  unlock_all();
  sum.used_bytes -= idle_bytes;
  sum.live_blocks -= idle_blocks;
  return sum;
}

void synchronized_pools::verify() const {
  lock_all();
  drain();
  {
    std::lock_guard hold(behind_lock_);
    behind_.verify();
  }
  unlock_all();
}

}  // namespace strata
