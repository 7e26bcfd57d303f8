// Buffer arena: memory for I/O buffers of any size, for many threads: pooled in chunks, cached by each
// thread, and given back when load falls.
//
//   thread  ->  its cache  ->  its arena           ->  upstream
//               40 classes     a lock, chunk lists     4 MiB at a time, and what is longer
//                              by how full they are
//
//   chunk   | head | run | run, cut into elements of 80 bytes | run | free ......... |
//
//   qinit  <25 %    q000  1-50 %    q025  25-75 %    q050  50-100 %    q075  75-100 %    q100  full
//     '--------------->'  '--- a chunk moves on as it fills, and back as it empties --->'
//             q000 and empty: given back
//
//   held = arenas' chunks + huge blocks + tables;  handed = live + what caches hold
//   allocations of a class - frees of it, over all threads = live blocks of it
//
// Blocks up to 28 KiB that are no whole pages are elements of a run; longer ones are runs; what no chunk
// has room for, or stands at more than a page's alignment, comes straight from upstream. New runs come from
// chunks that are half full first (q050, q025, q000, qinit, q075), so that those less full run dry.
//
// A thread's cache is a list of free blocks for each class, linked through the blocks. What it frees it
// keeps, whoever allocated it. Every options.trim_every allocations it gives back the blocks that it
// did not get down to since, and at the thread's end all. Threads go to the arena that has the fewest.
//
// A free block begins with a stamp, its address under a secret. A block that is freed with its stamp on is
// freed twice; one in a cache that has lost it was written to.
//
//   time      O(1) without lock or atomic instruction from the cache; else the arena's lock
//   overhead  classes, four a doubling: less than a fifth; heads of chunks 1.4 %; 2 KiB a thread
//   threads   any number, but for verify and each_region; upstream is called by one at a time
//   exhausted null, after caches of this thread and idle chunks went back; make_buffer throws
//
// Runs, sub-pages, bands and thread caches are netty's PooledByteBufAllocator, after jemalloc. What differs:
// bitmaps where it has priority queues, caches that are refilled and emptied by the batch,
// trim(), and idle chunks that go by themselves.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>

#include <strata/detail/buffer_class.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>

namespace strata {

class buffer;
struct buffer_leak;

// A place in the program's text: as a default argument, where the function was called.
// std::source_location is more than clang 14 has.
struct code_place {
  const char* file;
  std::uint32_t line;

  static constexpr code_place here(const char* file = __builtin_FILE(),
                                   std::uint32_t line = __builtin_LINE()) {
    return {file, line};
  }
};

// Which buffers are followed until they are released. docs/resources/buffer_arena.md.
enum class leak_level : std::uint8_t {
  disabled,
  simple,    // 1 in 128: where it was allocated
  advanced,  // 1 in 128, with where it was touched
  paranoid,  // each, with where it was touched
};

struct buffer_arena_options {
  std::size_t chunk_bytes = std::size_t{4} << 20;  // a power of two, 64 KiB to 32 MiB
  std::size_t arenas = 0;                          // 0: one a processor
  std::size_t most_bytes = SIZE_MAX;               // to be held in all; then allocation fails
  bool thread_caches = true;
  std::uint32_t trim_every = 8192;  // allocations of a thread
  leak_level leaks = leak_level::disabled;
  // Called by the destructor for each buffer that is followed and was not released; without it there is
  // a line on stderr.
  void (*on_leak)(const buffer_leak&) = nullptr;
};

// Chunks of an arena by how full they are.
enum class buffer_band : std::uint8_t { qinit, q000, q025, q050, q075, q100 };

struct buffer_arena_metrics {
  static constexpr std::size_t classes = detail::buffer_classes;
  static constexpr std::size_t class_bytes(std::size_t number) {
    return detail::buffer_class_bytes(number);
  }

  std::array<std::size_t, 6> chunks{};               // by buffer_band
  std::array<std::uint64_t, classes> allocations{};  // so far
  std::array<std::uint64_t, classes> frees{};
  std::uint64_t hits = 0;        // allocations that a thread's cache answered
  std::uint64_t misses = 0;      // those that took an arena's lock
  std::size_t live_bytes = 0;    // in blocks that the program holds
  std::size_t cached_bytes = 0;  // in blocks that threads' caches hold
  std::size_t held_bytes = 0;
  std::size_t huge_bytes = 0;  // of live_bytes, straight from upstream
  std::size_t huge_blocks = 0;
  std::size_t threads = 0;  // that have a cache
};

namespace detail {

struct buffer_core;
struct leak_track;

struct buffer_free_block {
  std::uint64_t stamp;
  buffer_free_block* next;
};
// Counts of one thread, which others may read.
class buffer_count {
 public:
  // relaxed: only this thread writes, and readers want a figure, no order.
  void add_one() { value_.store(get() + 1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};
// A thread's free blocks of a class.
struct buffer_bin {
  buffer_free_block* head = nullptr;
  std::uint32_t count = 0;
  std::uint32_t most = 0;
  buffer_count taken;
  buffer_count put;
  buffer_count missed;
  std::uint32_t least = 0;  // that count was since the last trim: so many were of no use
  std::uint32_t batch = 1;  // what the next refill brings
};
struct buffer_cache {
  std::array<buffer_bin, buffer_cached_classes> bins;
  std::uint32_t until_trim = 0;
  std::uint32_t until_sample = 0;  // buffers until the next one that is followed; 0: none is
  std::uint64_t random = 0;
  std::uint64_t trims_seen = 0;
  std::size_t shard = 0;
  buffer_core* core = nullptr;
  buffer_cache** thread = nullptr;  // the thread's list; null: of one that a fork left behind
  buffer_cache* next_of_thread = nullptr;
  buffer_cache* next_of_arena = nullptr;
};

// A thread's latest caches, by number of their arena. Numbers are never used twice, so what an arena
// leaves behind here is harmless.
struct buffer_memo {
  std::uint64_t arena;
  buffer_cache* cache;
};
inline constexpr std::size_t buffer_memos = 4;
STRATA_RESOURCES_API extern constinit thread_local std::array<buffer_memo, buffer_memos>
    buffer_memo_of_thread;

// Which chunks there are: addresses in a table with open addressing. Slots are never emptied, only
// marked gone, so that readers need no lock.
struct buffer_chunk_table {
  static constexpr std::uintptr_t gone = 1;
  std::size_t mask;
  buffer_chunk_table* older;

  [[nodiscard]] std::atomic<std::uintptr_t>* slots() {
    return reinterpret_cast<std::atomic<std::uintptr_t>*>(this + 1);
  }
};

}  // namespace detail

class STRATA_RESOURCES_API buffer_arena {
 public:
  using options = buffer_arena_options;
  // strata/watch.hpp
  static constexpr bool statistics_from_any_thread = true;

  // Throw std::bad_alloc where upstream has not even memory for the tables.
  buffer_arena() : buffer_arena(std::pmr::get_default_resource()) {}
  explicit buffer_arena(std::pmr::memory_resource* upstream, const options& chosen = {});
  buffer_arena(const buffer_arena&) = delete;
  buffer_arena& operator=(const buffer_arena&) = delete;
  // No other thread uses it any more, but they may live on. Reports leaks, and gives all memory back.
  ~buffer_arena();

  // Null when upstream has no memory, or most_bytes is reached.
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    bytes += bytes == 0 ? 1 : 0;
    if (bytes > detail::buffer_cached_bytes || alignment > detail::buffer_quantum) [[unlikely]]
      return allocate_odd(bytes, alignment);
    return allocate_class(detail::buffer_class_of(bytes), bytes);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    bytes += bytes == 0 ? 1 : 0;
    if (bytes > detail::buffer_cached_bytes || alignment > detail::buffer_quantum) [[unlikely]]
      return deallocate_odd(block, bytes, alignment);
    deallocate_class(block, detail::buffer_class_of(bytes));
  }

  // Makes a block longer or shorter where it stands; false when it can't, and then it is as it was. Runs
  // grow into free pages behind them.
  [[nodiscard]] bool resize(void* block, std::size_t old_bytes, std::size_t new_bytes,
                            std::size_t alignment) noexcept;

  // A buffer with one handle. try_buffer: an empty handle when there is no memory; make_buffer throws
  // std::bad_alloc. What `where` says is part of leak reports. strata/buffer.hpp.
  [[nodiscard]] buffer try_buffer(std::size_t bytes,
                                  code_place where = code_place::here()) noexcept;
  [[nodiscard]] buffer make_buffer(std::size_t bytes, code_place where = code_place::here());

  // Gives back what this thread's cache holds, and idle chunks. Other threads' caches follow the next
  // time they come to an arena.
  void trim() noexcept;

  // Calls visit(leak) for each buffer that is followed and not released. They may be in use still: a
  // program asks when it believes to have none.
  void each_leak(void (*visit)(const buffer_leak&, void* state), void* state) const;

  // True for addresses in chunks, used or not, and in huge blocks.
  [[nodiscard]] bool owns(const void* address) const noexcept;
  // O(threads). peak_used_bytes counts what caches held as used. From several threads the figures need not
  // be of one moment.
  [[nodiscard]] resource_statistics statistics() const noexcept;
  [[nodiscard]] buffer_arena_metrics metrics() const noexcept;
  [[nodiscard]] std::size_t arenas() const noexcept;
  [[nodiscard]] std::size_t threads_of(std::size_t arena) const noexcept;

  // No other thread uses it meanwhile.
  void verify() const;
  template <class Visit>
  void each_region(Visit visit) const {
    visit_regions([](void* state, const region& one) { (*static_cast<Visit*>(state))(one); },
                  &visit);
  }

 private:
  friend class buffer;
  friend struct detail::buffer_core;

  // This thread's, where it is known already. For those who need it twice: in a shared library it takes
  // a call to find.
  [[nodiscard]] detail::buffer_cache* known_cache() const noexcept {
    detail::buffer_memo& memo = detail::buffer_memo_of_thread[number_ % detail::buffer_memos];
    return memo.arena == number_ ? memo.cache : nullptr;
  }
  void* allocate_class(std::size_t number, std::size_t bytes) noexcept {
    detail::buffer_memo& memo = detail::buffer_memo_of_thread[number_ % detail::buffer_memos];
    if (memo.arena != number_) [[unlikely]]
      return allocate_without_memo(number, bytes);
    return allocate_from(*memo.cache, number, bytes);
  }
  void* allocate_from(detail::buffer_cache& cache, std::size_t number, std::size_t bytes) noexcept {
    detail::buffer_bin& bin = cache.bins[number];
    if (bin.head == nullptr || --cache.until_trim == 0) [[unlikely]]
      return allocate_after_visit(cache, number, bytes);
    return pop(bin, bytes);
  }
  // The slow ways are tail calls, so that the short one keeps no registers.
  void deallocate_class(void* block, std::size_t number) noexcept {
    if (!looks_right(block, number)) [[unlikely]]
      return deallocate_odd_looking(block, number);
    deallocate_checked(block, number);
  }
  void deallocate_checked(void* block, std::size_t number) noexcept {
    detail::buffer_memo& memo = detail::buffer_memo_of_thread[number_ % detail::buffer_memos];
    if (memo.arena != number_) [[unlikely]]
      return deallocate_without_memo(block, number);
    deallocate_to(*memo.cache, block, number);
  }
  void deallocate_to(detail::buffer_cache& cache, void* block, std::size_t number) noexcept {
    detail::buffer_bin& bin = cache.bins[number];
    if (bin.count >= bin.most) [[unlikely]]
      return deallocate_after_visit(cache, block, number);
    push(bin, block, number);
    bin.put.add_one();
  }

  // The block's chunk is ours and in its own slot of the table, the page has blocks of this class, and
  // this one isn't free.
  [[nodiscard]] bool looks_right(void* block, std::size_t number) const noexcept {
    std::uintptr_t at = detail::address_of(block);
    std::uintptr_t chunk = at & ~chunk_mask_;
    // acquire: pairs with the table's publication, so that its slots are there.
    auto* table = table_.load(std::memory_order_acquire);
    auto& slot = table->slots()[(at >> chunk_shift_) & table->mask];
    return slot.load(std::memory_order_relaxed) == chunk && is_live(block, number);
  }
  // For a block in a chunk of ours.
  [[nodiscard]] bool is_live(void* block, std::size_t number) const noexcept {
    std::uintptr_t at = detail::address_of(block);
    const auto* tags =
        detail::pointer_to<std::uint8_t>((at & ~chunk_mask_) + detail::buffer_tags_offset);
    if (tags[(at & chunk_mask_) / detail::buffer_page_bytes] != number + 1) return false;
    detail::unpoison(block, sizeof(std::uint64_t));
    return !is_stamped(block);
  }
  [[nodiscard]] std::uint64_t stamp_of(const void* block) const {
    return key_ ^ detail::address_of(block);
  }
  [[nodiscard]] bool is_stamped(const void* block) const {
    return static_cast<const detail::buffer_free_block*>(block)->stamp == stamp_of(block);
  }
  void push(detail::buffer_bin& bin, void* block, [[maybe_unused]] std::size_t number) const {
    detail::unpoison(block, sizeof(detail::buffer_free_block));
    auto* now = ::new (block) detail::buffer_free_block{stamp_of(block), bin.head};
    // In this order for a child of fork too, which may find this thread stopped in between.
    std::atomic_signal_fence(std::memory_order_release);
    bin.head = now;
    ++bin.count;
    detail::poison(block, detail::buffer_class_bytes(number));
  }
  void* pop(detail::buffer_bin& bin, [[maybe_unused]] std::size_t bytes) const {
    detail::buffer_free_block* block = bin.head;
    detail::unpoison(block, sizeof *block);
    if (!is_stamped(block)) [[unlikely]]
      stop_damaged(block);
    bin.head = block->next;
    if (--bin.count < bin.least) bin.least = bin.count;
    bin.taken.add_one();
    block->stamp = 0;
    detail::poison(block, sizeof *block);
    detail::unpoison(block, bytes);
    return block;
  }

  void* allocate_odd(std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_odd(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void* allocate_without_memo(std::size_t number, std::size_t bytes) noexcept;
  void deallocate_without_memo(void* block, std::size_t number) noexcept;
  void* allocate_after_visit(detail::buffer_cache& cache, std::size_t number,
                             std::size_t bytes) noexcept;
  void deallocate_odd_looking(void* block, std::size_t number) noexcept;
  void deallocate_after_visit(detail::buffer_cache& cache, void* block,
                              std::size_t number) noexcept;
  // Stops unless the block is a live one of the class.
  void check_block(void* block, std::size_t number) const noexcept;
  [[nodiscard]] bool find_chunk(std::uintptr_t chunk) const noexcept;
  [[noreturn]] void stop_misuse(const void* block, std::size_t number) const noexcept;
  [[noreturn]] static void stop_damaged(const void* block) noexcept;
  [[nodiscard]] std::size_t route(std::size_t bytes, std::size_t alignment) const noexcept;
  [[nodiscard]] detail::buffer_cache* cache_of_thread() noexcept;
  [[nodiscard]] bool follows_next() noexcept;
  void visit_regions(void (*visit)(void*, const region&), void* state) const;

  std::uint64_t number_;
  std::uint64_t key_;
  std::uintptr_t chunk_mask_;
  unsigned chunk_shift_;
  std::atomic<detail::buffer_chunk_table*> table_{nullptr};
  detail::buffer_core* core_;
};

}  // namespace strata
