// Threads' caches of a buffer arena: how they fill, empty and end.
#include <algorithm>
#include <new>
#include <utility>

#include "os/process.hpp"
#include "resource/buffer_core.hpp"

namespace strata::detail {

constinit thread_local std::array<buffer_memo, buffer_memos> buffer_memo_of_thread{};

namespace {

// What a bin holds at most: blocks, and bytes, but always some blocks.
constexpr std::size_t most_blocks = 256;
constexpr std::size_t most_bin_bytes = 256 * 1024;
constexpr std::size_t least_blocks = 8;
constexpr std::size_t most_batch = 32;

constexpr std::uint32_t most_of(std::size_t number) {
  std::size_t fit = most_bin_bytes / buffer_class_bytes(number);
  return static_cast<std::uint32_t>(std::clamp(fit, least_blocks, most_blocks));
}

// Set when the thread's caches have ended. What it frees after that, in destructors of other
// thread-local objects, goes past the caches.
constinit thread_local bool thread_has_ended = false;
// This thread's, once it has any: for a child of fork, which must not make it.
constinit thread_local buffer_cache** own_list = nullptr;

// A thread's caches, of all arenas. Under the lock of caches.
struct caches_of_thread {
  buffer_cache* first = nullptr;

  caches_of_thread() = default;
  caches_of_thread(const caches_of_thread&) = delete;
  caches_of_thread& operator=(const caches_of_thread&) = delete;
  ~caches_of_thread() {
    thread_has_ended = true;
    buffer_memo_of_thread = {};
    std::scoped_lock held(buffer_caches_lock());
    while (buffer_cache* one = first) {
      first = one->next_of_thread;
      one->core->end(*one);
    }
  }
};
thread_local caches_of_thread own_caches;

buffer_free_block* next_of(const buffer_free_block* block) {
  unpoison(block, sizeof *block);
  buffer_free_block* next = block->next;
  poison(block, sizeof *block);
  return next;
}

}  // namespace

fork_safe_global<std::mutex>& buffer_caches_lock() {
  static constinit fork_safe_global<std::mutex> lock;
  return lock;
}

// ---- Birth and end

buffer_cache* buffer_core::make_cache() {
  void* memory = source.take(sizeof(buffer_cache), alignof(buffer_cache));
  if (memory == nullptr) return nullptr;
  auto* made = ::new (memory) buffer_cache;
  for (std::size_t number = 0; number < made->bins.size(); ++number) {
    made->bins[number].most = most_of(number);
  }
  made->core = this;
  made->until_trim = chosen.trim_every;
  made->random = os::random_word() | 1;
  made->until_sample = chosen.leaks == leak_level::disabled ? 0 : 1;
  made->trims_seen = trims.load(std::memory_order_relaxed);
  return made;
}

void buffer_core::enter_cache(buffer_cache& cache) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < chosen.arenas; ++i) {
    if (shards[i].threads.load(std::memory_order_relaxed) <
        shards[best].threads.load(std::memory_order_relaxed)) {
      best = i;
    }
  }
  cache.shard = best;
  shards[best].threads.fetch_add(1, std::memory_order_relaxed);
  cache.next_of_arena = caches;
  caches = &cache;
}

void buffer_core::end(buffer_cache& cache) {
  flush_all(cache);
  for (std::size_t number = 0; number < cache.bins.size(); ++number) {
    past_taken[number] += cache.bins[number].taken.get();
    past_freed[number] += cache.bins[number].put.get();
    past_missed += cache.bins[number].missed.get();
  }
  shards[cache.shard].threads.fetch_sub(1, std::memory_order_relaxed);
  buffer_cache** link = &caches;
  while (*link != &cache) link = &(*link)->next_of_arena;
  *link = cache.next_of_arena;
  source.give(&cache, sizeof cache, alignof(buffer_cache));
}

// ---- Filling and emptying

bool buffer_core::refill(buffer_cache& cache, std::size_t number) {
  buffer_bin& bin = cache.bins[number];
  std::array<void*, most_batch> blocks;
  std::size_t count = take(cache.shard, number, blocks.data(), bin.batch, &cache);
  // Lowest addresses on top.
  for (std::size_t i = count; i > 0; --i) arena.push(bin, blocks[i - 1], number);
  bin.batch = std::min<std::uint32_t>({bin.batch * 2, bin.most / 4, most_batch});
  return count != 0;
}

// First out of the cache, then back: a fork in between loses them in the child, and has none twice.
void buffer_core::flush(buffer_cache& cache, std::size_t number, std::size_t keep) {
  buffer_bin& bin = cache.bins[number];
  if (bin.count <= keep) return;
  buffer_free_block* last_kept = nullptr;
  buffer_free_block* one = bin.head;
  for (std::size_t i = 0; i < keep; ++i) {
    last_kept = one;
    one = next_of(one);
  }
  if (last_kept == nullptr) {
    bin.head = nullptr;
  } else {
    unpoison(last_kept, sizeof *last_kept);
    last_kept->next = nullptr;
    poison(last_kept, sizeof *last_kept);
  }
  std::size_t left = bin.count - keep;
  bin.count = static_cast<std::uint32_t>(keep);
  bin.least = std::min(bin.least, bin.count);
  std::atomic_signal_fence(std::memory_order_release);
  std::unique_lock<std::mutex> held;
  for (; left > 0; --left) {
    buffer_free_block* next = next_of(one);
    buffer_shard& owner = *chunk_of(address_of(one))->owner();
    if (held.mutex() != &owner.lock) {
      if (held.owns_lock()) held.unlock();
      held = std::unique_lock(owner.lock);
    }
    owner.put(one);
    one = next;
  }
}

void buffer_core::flush_all(buffer_cache& cache) {
  for (std::size_t number = 0; number < cache.bins.size(); ++number) flush(cache, number, 0);
}

// What lay at the bottom all the time since the last one was of no use, and may be all that keeps
// a chunk here.
void buffer_core::trim_by_use(buffer_cache& cache) {
  cache.until_trim = chosen.trim_every;
  // Where much is held for little, blocks that circulate between program and cache keep chunks here
  // that are empty but for them.
  std::size_t handed = handed_bytes.load(std::memory_order_relaxed);
  bool scattered = source.held_bytes() > 2 * (handed + chosen.chunk_bytes);
  for (std::size_t number = 0; number < cache.bins.size(); ++number) {
    buffer_bin& bin = cache.bins[number];
    if (bin.least == bin.count) bin.batch = 1;
    flush(cache, number, bin.count - bin.least);
    if (scattered) shed(cache, number);
    bin.least = bin.count;
  }
}

void buffer_core::shed(buffer_cache& cache, std::size_t number) {
  buffer_bin& bin = cache.bins[number];
  std::array<buffer_free_block*, most_blocks> kept;
  std::size_t count = 0;
  buffer_free_block* one = std::exchange(bin.head, nullptr);
  bin.count = 0;
  std::atomic_signal_fence(std::memory_order_release);
  while (one != nullptr) {
    buffer_free_block* next = next_of(one);
    buffer_chunk& chunk = *chunk_of(address_of(one));
    if (chunk.band.load(std::memory_order_relaxed) > static_cast<std::size_t>(buffer_band::q000)) {
      kept[count++] = one;
    } else {
      std::scoped_lock held(chunk.owner()->lock);
      chunk.owner()->put(one);
    }
    one = next;
  }
  while (count > 0) arena.push(bin, kept[--count], number);
}

void buffer_core::see_trims(buffer_cache& cache) {
  end_strays();
  std::uint64_t now = trims.load(std::memory_order_relaxed);
  if (cache.trims_seen == now) return;
  cache.trims_seen = now;
  flush_all(cache);
}

}  // namespace strata::detail

namespace strata {

using detail::buffer_cache;

// ---- Forks

namespace detail {

constinit const fork_ways buffer_core::at_fork = {
    [](void* core) noexcept { return static_cast<buffer_core*>(core)->try_hold(); },
    [](void* core) noexcept { static_cast<buffer_core*>(core)->let_go(); },
    [](void* core) noexcept { static_cast<buffer_core*>(core)->leave_strays(); }};

template <class Visit>
std::mutex* buffer_core::each_lock(Visit visit) {
  for (std::size_t i = 0; i < chosen.arenas; ++i) {
    if (!visit(shards[i].lock)) return &shards[i].lock;
  }
  for (std::mutex* each : {&chunks_lock, &huge_lock, &leaks_lock, &source.lock_}) {
    if (!visit(*each)) return each;
  }
  return nullptr;
}

bool buffer_core::try_hold() noexcept {
  std::mutex* refused = each_lock([](std::mutex& each) { return each.try_lock(); });
  if (refused == nullptr) return true;
  each_lock([&](std::mutex& each) {
    if (&each == refused) return false;
    each.unlock();
    return true;
  });
  return false;
}

void buffer_core::let_go() noexcept {
  each_lock([](std::mutex& each) { return each.unlock(), true; });
}

void buffer_core::leave_strays() noexcept {
  for (buffer_cache* each = caches; each != nullptr; each = each->next_of_arena) {
    if (each->thread == own_list) continue;
    each->thread = nullptr;
    has_strays.store(true, std::memory_order_relaxed);
  }
}

// Their lists are whole, but a count may be one off.
void buffer_core::end_strays() {
  // relaxed: set while there was one thread, and looked at again under the lock.
  if (!has_strays.load(std::memory_order_relaxed)) return;
  std::scoped_lock held(buffer_caches_lock());
  has_strays.store(false, std::memory_order_relaxed);
  buffer_cache* next = nullptr;
  for (buffer_cache* one = caches; one != nullptr; one = next) {
    next = one->next_of_arena;
    if (one->thread != nullptr) continue;
    for (buffer_bin& bin : one->bins) {
      bin.count = 0;
      for (buffer_free_block* each = bin.head; each != nullptr; each = next_of(each)) ++bin.count;
    }
    end(*one);
  }
}

}  // namespace detail

// ---- The arena's side

buffer_cache* buffer_arena::cache_of_thread() noexcept {
  detail::buffer_memo& memo = detail::buffer_memo_of_thread[number_ % detail::buffer_memos];
  if (memo.arena == number_) return memo.cache;
  if (detail::thread_has_ended || !core_->chosen.thread_caches) return nullptr;
  buffer_cache* cache = nullptr;
  {
    std::scoped_lock held(detail::buffer_caches_lock());
    cache = detail::own_caches.first;
    while (cache != nullptr && cache->core != core_) cache = cache->next_of_thread;
  }
  if (cache == nullptr) {
    // Not under the lock: upstream may be an arena too.
    cache = core_->make_cache();
    if (cache == nullptr) return nullptr;
    std::scoped_lock held(detail::buffer_caches_lock());
    core_->enter_cache(*cache);
    cache->thread = detail::own_list = &detail::own_caches.first;
    cache->next_of_thread = *cache->thread;
    *cache->thread = cache;
  }
  memo = {number_, cache};
  return cache;
}

void* buffer_arena::allocate_without_memo(std::size_t number, std::size_t bytes) noexcept {
  if (cache_of_thread() == nullptr) return core_->take_uncached(number, bytes);
  return allocate_class(number, bytes);
}

void buffer_arena::deallocate_without_memo(void* block, std::size_t number) noexcept {
  if (cache_of_thread() == nullptr) return core_->put_uncached(block, number);
  deallocate_checked(block, number);
}

// The bin is empty, or it is time to look at all of them.
void* buffer_arena::allocate_after_visit(buffer_cache& cache, std::size_t number,
                                         std::size_t bytes) noexcept {
  core_->see_trims(cache);
  if (cache.until_trim == 0) core_->trim_by_use(cache);
  detail::buffer_bin& bin = cache.bins[number];
  if (bin.head == nullptr) {
    if (!core_->refill(cache, number)) return nullptr;
    bin.missed.add_one();
  }
  return pop(bin, bytes);
}

// The bin is full.
void buffer_arena::deallocate_after_visit(buffer_cache& cache, void* block,
                                          std::size_t number) noexcept {
  core_->see_trims(cache);
  core_->flush(cache, number, cache.bins[number].most / 2);
  deallocate_checked(block, number);
}

}  // namespace strata
