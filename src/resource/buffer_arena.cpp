#include <algorithm>
#include <bit>
#include <new>
#include <thread>

#include "os/process.hpp"
#include "resource/buffer_core.hpp"

namespace strata {

using detail::buffer_cache;
using detail::buffer_chunk;
using detail::buffer_core;
using detail::buffer_name;
using detail::buffer_shard;
using detail::misuse;

namespace {

constexpr std::size_t huge_route = SIZE_MAX;
constexpr std::size_t first_table_slots = 64;
std::atomic<std::uint64_t> arenas_made{0};

// Of a block that may be poisoned. Where it may be live, the arena is quiet.
__attribute__((no_sanitize("address"))) std::uint64_t first_word(const void* block) {
  return *static_cast<const volatile std::uint64_t*>(block);
}

std::size_t whole_bytes(std::size_t arenas) {
  return sizeof(buffer_core) + arenas * sizeof(buffer_shard);
}

}  // namespace

// ---- Birth and end

buffer_arena::buffer_arena(std::pmr::memory_resource* upstream, const options& chosen)
    // relaxed: any number that is nobody else's.
    : number_(arenas_made.fetch_add(1, std::memory_order_relaxed) + 1),
      key_(os::random_word()),
      chunk_mask_(chosen.chunk_bytes - 1),
      chunk_shift_(static_cast<unsigned>(std::countr_zero(chosen.chunk_bytes))) {
  if (!std::has_single_bit(chosen.chunk_bytes) || chosen.chunk_bytes < buffer_chunk::least_bytes ||
      chosen.chunk_bytes > buffer_chunk::most_bytes || chosen.trim_every == 0) {
    detail::stop(misuse::precondition, buffer_name, this, chosen.chunk_bytes);
  }
  options complete = chosen;
  if (complete.arenas == 0) {
    complete.arenas = std::max(std::size_t{1}, std::size_t{std::thread::hardware_concurrency()});
  }
  std::size_t bytes = whole_bytes(complete.arenas);
  void* memory = upstream->allocate(bytes, alignof(buffer_core));
  core_ = ::new (memory) buffer_core(*this, upstream, complete);
  core_->core_bytes = bytes;
  core_->source.count(bytes);
  core_->longest_class = buffer_chunk::longest_class(complete.chunk_bytes);
  core_->shards = detail::pointer_to<buffer_shard>(detail::address_of(core_ + 1));
  for (std::size_t i = 0; i < complete.arenas; ++i) {
    (::new (core_->shards + i) buffer_shard)->start(core_);
  }
  table_.store(core_->make_table(first_table_slots), std::memory_order_release);
  if (table_.load(std::memory_order_relaxed) == nullptr) {
    core_->~buffer_core();
    upstream->deallocate(memory, bytes, alignof(buffer_core));
    throw std::bad_alloc();
  }
  core_->seat.enter();
  detail::buffer_caches_lock().enter();
}

buffer_arena::~buffer_arena() {
  core_->seat.leave();
  core_->report_leaks();
  buffer_cache* caches = nullptr;
  {
    std::scoped_lock held(detail::buffer_caches_lock());
    caches = std::exchange(core_->caches, nullptr);
    for (buffer_cache* one = caches; one != nullptr; one = one->next_of_arena) {
      if (one->thread == nullptr) continue;
      buffer_cache** link = one->thread;
      while (*link != one) link = &(*link)->next_of_thread;
      *link = one->next_of_thread;
    }
  }
  while (buffer_cache* one = caches) {
    caches = one->next_of_arena;
    core_->source.give(one, sizeof *one, alignof(buffer_cache));
  }
  for (std::size_t i = 0; i < core_->chosen.arenas; ++i) core_->shards[i].release_all();
  while (detail::buffer_huge* one = core_->huge) {
    core_->put_huge(one + 1, one->bytes, one->alignment);
  }
  while (auto* table = table_.load(std::memory_order_relaxed)) {
    table_.store(table->older, std::memory_order_relaxed);
    core_->source.give(table, sizeof *table + (table->mask + 1) * sizeof(std::uintptr_t),
                       alignof(std::max_align_t));
  }
  std::pmr::memory_resource* upstream = core_->source.upstream();
  std::size_t bytes = core_->core_bytes;
  for (std::size_t i = 0; i < core_->chosen.arenas; ++i) core_->shards[i].~buffer_shard();
  core_->~buffer_core();
  upstream->deallocate(core_, bytes, alignof(buffer_core));
}

// ---- Blocks that don't go the short way

std::size_t buffer_arena::route(std::size_t bytes, std::size_t alignment) const noexcept {
  if (alignment > detail::buffer_page_bytes ||
      bytes > detail::buffer_class_bytes(core_->longest_class)) {
    return huge_route;
  }
  std::size_t number = detail::buffer_aligned_class_of(bytes, alignment);
  return number > core_->longest_class ? huge_route : number;
}

void* buffer_arena::allocate_odd(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t number = route(bytes, alignment);
  if (number == huge_route) {
    void* block = core_->take_huge(bytes, alignment);
    if (block != nullptr) return block;
    trim();
    return core_->take_huge(bytes, alignment);
  }
  if (number < detail::buffer_cached_classes) return allocate_class(number, bytes);
  return core_->take_uncached(number, bytes);
}

void buffer_arena::deallocate_odd(void* block, std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t number = route(bytes, alignment);
  if (number == huge_route) return core_->put_huge(block, bytes, alignment);
  if (number < detail::buffer_cached_classes) return deallocate_class(block, number);
  check_block(block, number);
  core_->put_uncached(block, number);
}

bool buffer_arena::resize(void* block, std::size_t old_bytes, std::size_t new_bytes,
                          std::size_t alignment) noexcept {
  old_bytes += old_bytes == 0 ? 1 : 0;
  new_bytes += new_bytes == 0 ? 1 : 0;
  std::size_t from = route(old_bytes, alignment);
  std::size_t to = route(new_bytes, alignment);
  if (from == huge_route) {
    return to == huge_route && core_->resize_huge(block, old_bytes, new_bytes);
  }
  check_block(block, from);
  if (to == huge_route) return false;
  if (from != to) {
    if (!detail::buffer_class_is_run(from) || !detail::buffer_class_is_run(to)) return false;
    buffer_shard& owner = *core_->chunk_of(detail::address_of(block))->owner();
    std::scoped_lock held(owner.lock);
    if (!owner.resize(block, to)) return false;
  }
  detail::poison(block, detail::buffer_class_bytes(std::max(from, to)));
  detail::unpoison(block, new_bytes);
  return true;
}

void buffer_arena::trim() noexcept {
  // relaxed: a thread that sees it late empties its cache late.
  core_->trims.fetch_add(1, std::memory_order_relaxed);
  if (buffer_cache* cache = cache_of_thread(); cache != nullptr) core_->see_trims(*cache);
  core_->trim_shards();
}

// ---- Misuse

bool buffer_arena::find_chunk(std::uintptr_t chunk) const noexcept {
  auto* table = table_.load(std::memory_order_acquire);
  std::size_t slot = chunk >> chunk_shift_;
  for (std::size_t i = 0; i <= table->mask; ++i, ++slot) {
    std::uintptr_t each = table->slots()[slot & table->mask].load(std::memory_order_relaxed);
    if (each == chunk) return true;
    if (each == 0) return false;
  }
  return false;
}

void buffer_arena::check_block(void* block, std::size_t number) const noexcept {
  if (!find_chunk(detail::address_of(block) & ~chunk_mask_) || !is_live(block, number)) {
    stop_misuse(block, number);
  }
}

// Where two chunks want one slot of the table, blocks of one of them come here.
void buffer_arena::deallocate_odd_looking(void* block, std::size_t number) noexcept {
  check_block(block, number);
  deallocate_checked(block, number);
}

void buffer_arena::stop_misuse(const void* block, std::size_t number) const noexcept {
  std::size_t bytes = detail::buffer_class_bytes(number);
  if (!find_chunk(detail::address_of(block) & ~chunk_mask_)) {
    detail::stop(misuse::foreign_free, buffer_name, block);
  }
  if (first_word(block) == stamp_of(block)) detail::stop(misuse::double_free, buffer_name, block);
  buffer_chunk* chunk = core_->chunk_of(detail::address_of(block));
  std::size_t page = chunk->page_of(detail::address_of(block));
  bool any = page >= chunk->head_pages() && chunk->tag(page) != 0;
  detail::stop(any ? misuse::wrong_size : misuse::foreign_free, buffer_name, block,
               any ? bytes : 0);
}

void buffer_arena::stop_damaged(const void* block) noexcept {
  detail::stop(misuse::corrupt, buffer_name, block);
}

bool buffer_arena::owns(const void* address) const noexcept {
  std::uintptr_t at = detail::address_of(address);
  if (find_chunk(at & ~chunk_mask_)) return true;
  std::scoped_lock held(core_->huge_lock);
  for (const detail::buffer_huge* one = core_->huge; one != nullptr; one = one->next) {
    std::uintptr_t start = detail::address_of(one + 1);
    if (at >= start && at < start + one->bytes) return true;
  }
  return false;
}

// ---- Figures

buffer_arena_metrics buffer_arena::metrics() const noexcept {
  buffer_arena_metrics sum;
  std::scoped_lock held(detail::buffer_caches_lock());
  sum.allocations = core_->past_taken;
  sum.frees = core_->past_freed;
  sum.misses = core_->past_missed;
  std::uint64_t cached = 0;  // allocations that went by a cache
  for (std::uint64_t each : core_->past_taken) cached += each;
  for (const buffer_cache* one = core_->caches; one != nullptr; one = one->next_of_arena) {
    ++sum.threads;
    for (std::size_t number = 0; number < one->bins.size(); ++number) {
      const detail::buffer_bin& bin = one->bins[number];
      // Frees first: what is counted as freed was counted as allocated before, mostly.
      sum.frees[number] += bin.put.get();
      sum.allocations[number] += bin.taken.get();
      sum.misses += bin.missed.get();
      cached += bin.taken.get();
    }
  }
  sum.hits = cached - std::min(cached, sum.misses);
  for (std::size_t i = 0; i < core_->chosen.arenas; ++i) {
    const buffer_shard& shard = core_->shards[i];
    std::scoped_lock shard_held(shard.lock);
    for (std::size_t number = 0; number < sum.classes; ++number) {
      sum.allocations[number] += shard.taken[number];
      sum.frees[number] += shard.freed[number];
      sum.misses += shard.taken[number];
    }
    shard.each_chunk([&](const buffer_chunk& chunk) {
      ++sum.chunks[chunk.band.load(std::memory_order_relaxed)];
    });
  }
  for (std::size_t number = 0; number < sum.classes; ++number) {
    auto live = static_cast<std::int64_t>(sum.allocations[number] - sum.frees[number]);
    sum.live_bytes += static_cast<std::size_t>(std::max<std::int64_t>(live, 0)) *
                      detail::buffer_class_bytes(number);
  }
  {
    std::scoped_lock huge_held(core_->huge_lock);
    sum.huge_bytes = core_->huge_bytes;
    sum.huge_blocks = core_->huge_blocks;
  }
  sum.live_bytes += sum.huge_bytes;
  std::size_t handed = core_->handed_bytes.load(std::memory_order_relaxed);
  sum.cached_bytes = handed - std::min(handed, sum.live_bytes);
  sum.held_bytes = core_->source.held_bytes();
  return sum;
}

resource_statistics buffer_arena::statistics() const noexcept {
  buffer_arena_metrics now = metrics();
  std::uint64_t blocks = now.huge_blocks;
  for (std::size_t number = 0; number < now.classes; ++number) {
    auto live = static_cast<std::int64_t>(now.allocations[number] - now.frees[number]);
    blocks += static_cast<std::uint64_t>(std::max<std::int64_t>(live, 0));
  }
  std::size_t peak = core_->peak_handed_bytes.load(std::memory_order_relaxed);
  return {now.held_bytes, now.live_bytes, std::max(peak, now.live_bytes), blocks};
}

std::size_t buffer_arena::arenas() const noexcept { return core_->chosen.arenas; }
std::size_t buffer_arena::threads_of(std::size_t arena) const noexcept {
  return core_->shards[arena].threads.load(std::memory_order_relaxed);
}

// ---- Looking at all of it

bool buffer_core::is_cached(const void* block) const {
  return first_word(block) == stamp_of(block);
}

void buffer_arena::verify() const {
  core_->end_strays();
  std::size_t cached = 0;
  std::size_t chunks = 0;
  {
    std::scoped_lock held(detail::buffer_caches_lock());
    for (const buffer_cache* one = core_->caches; one != nullptr; one = one->next_of_arena) {
      for (std::size_t number = 0; number < one->bins.size(); ++number) {
        cached += core_->verify_bin(one->bins[number], number);
      }
    }
  }
  for (std::size_t i = 0; i < core_->chosen.arenas; ++i) {
    std::scoped_lock held(core_->shards[i].lock);
    core_->shards[i].verify();
    core_->shards[i].each_chunk([&](const buffer_chunk& chunk) {
      detail::check(find_chunk(detail::address_of(&chunk)), buffer_name, &chunk);
      ++chunks;
    });
  }
  detail::check(chunks == core_->chunk_count, buffer_name, this);
  // What threads that a fork left behind were just moving is in no list, and counts as the one or the
  // other.
  detail::check(core_->seat.crossed_fork() || metrics().cached_bytes == cached, buffer_name, this);
}

std::size_t buffer_core::verify_bin(const buffer_bin& bin, std::size_t number) const {
  std::size_t count = 0;
  for (const auto* block = bin.head; block != nullptr; ++count) {
    check(is_cached(block) &&
              chunk_of(address_of(block))
                      ->tag(chunk_of(address_of(block))->page_of(address_of(block))) == number + 1,
          buffer_name, block);
    unpoison(block, sizeof *block);
    const auto* next = block->next;
    poison(block, sizeof *block);
    block = next;
  }
  check(count == bin.count, buffer_name, &bin);
  return count * buffer_class_bytes(number);
}

void buffer_arena::visit_regions(void (*visit)(void*, const region&), void* state) const {
  auto give = [&](const void* start, std::size_t bytes, region_kind kind) {
    visit(state, region{start, bytes, kind});
  };
  auto kind_of = [&](const void* block) {
    return core_->is_cached(block) ? region_kind::free : region_kind::live;
  };
  give(core_, core_->core_bytes, region_kind::overhead);
  for (auto* table = core_->table(); table != nullptr; table = table->older) {
    give(table, sizeof *table + (table->mask + 1) * sizeof(std::uintptr_t), region_kind::overhead);
  }
  for (const buffer_cache* one = core_->caches; one != nullptr; one = one->next_of_arena) {
    give(one, sizeof *one, region_kind::overhead);
  }
  for (const detail::buffer_huge* one = core_->huge; one != nullptr; one = one->next) {
    const std::byte* block = reinterpret_cast<const std::byte*>(one + 1);
    give(block - one->offset, one->offset, region_kind::overhead);
    give(block, one->room, region_kind::live);
  }
  auto visit_run = [&](const buffer_chunk& chunk, std::size_t first, std::size_t pages,
                       std::uint8_t tag, const detail::buffer_subpage* cut) {
    const std::byte* start = chunk.base() + first * buffer_chunk::page_bytes;
    std::size_t bytes = pages * buffer_chunk::page_bytes;
    if (cut == nullptr) return give(start, bytes, tag == 0 ? region_kind::free : kind_of(start));
    std::size_t element_bytes = detail::buffer_class_bytes(tag - 1u);
    for (std::size_t i = 0; i < cut->elements; ++i) {
      const std::byte* block = start + i * element_bytes;
      give(block, element_bytes, cut->is_free(i) ? region_kind::free : kind_of(block));
    }
  };
  for (std::size_t i = 0; i < core_->chosen.arenas; ++i) {
    core_->shards[i].each_chunk([&](const buffer_chunk& chunk) {
      give(&chunk, chunk.head_pages() * buffer_chunk::page_bytes, region_kind::overhead);
      chunk.each_run([&](auto... run) { visit_run(chunk, run...); });
    });
  }
}

}  // namespace strata
