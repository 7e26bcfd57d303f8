// What lies behind buffer_arena: the shards, each an arena with a lock of its own; the way to
// upstream; huge blocks; the caches of threads; and the buffers that are followed.
//
// Locks, in the order in which they are taken: caches (one for the process, below), a shard's, huge
// blocks', upstream's; leaks' by itself.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include <strata/buffer.hpp>
#include <strata/buffer_arena.hpp>
#include <strata/detail/fork.hpp>

#include "resource/buffer_chunk.hpp"

namespace strata::detail {

inline constexpr const char* buffer_name = "buffer_arena";

// Calls to upstream one at a time, with a limit.
class buffer_source {
 public:
  buffer_source(std::pmr::memory_resource* upstream, std::size_t most_bytes)
      : upstream_(upstream), most_bytes_(most_bytes) {}
  [[nodiscard]] void* take(std::size_t bytes, std::size_t alignment) noexcept;
  void give(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] std::pmr::memory_resource* upstream() const { return upstream_; }
  // What was taken before this was there.
  void count(std::size_t bytes) { held_.fetch_add(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t held_bytes() const { return held_.load(std::memory_order_relaxed); }

 private:
  std::pmr::memory_resource* upstream_;
  std::size_t most_bytes_;
  friend struct buffer_core;
  std::mutex lock_;  // guards calls to upstream and changes of held_
  std::atomic<std::size_t> held_{0};
};

// An arena: chunks in six lists by use, and for each class of elements the sub-pages that have free
// ones. Everything under its lock.
class buffer_shard {
 public:
  void start(buffer_core* core) { core_ = core; }

  // Puts up to `most` blocks of the class into blocks; 0 when there is no memory.
  [[nodiscard]] std::size_t take(std::size_t number, void** blocks, std::size_t most);
  void put(void* block);
  [[nodiscard]] bool resize(void* block, std::size_t new_number);
  // Empty chunks and sub-pages go back.
  void trim();
  void release_all();

  void verify() const;
  // visit(chunk)
  template <class Visit>
  void each_chunk(Visit visit) const {
    for (const buffer_chunk* first : bands_) {
      for (const buffer_chunk* one = first; one != nullptr; one = one->next) visit(*one);
    }
  }

  mutable std::mutex lock;
  std::atomic<std::size_t> threads{0};
  // Of operations that no cache counts.
  std::array<std::uint64_t, buffer_classes> taken{};
  std::array<std::uint64_t, buffer_classes> freed{};

 private:
  static constexpr std::uint32_t visits_between_trims = 4096;

  [[nodiscard]] std::size_t take_elements(std::size_t number, void** blocks, std::size_t most);
  [[nodiscard]] buffer_subpage* partial(std::size_t number) const;
  [[nodiscard]] buffer_subpage* new_subpage(std::size_t number);
  // A run: action(chunk) takes it from the first chunk that fits, in netty's order.
  template <class Action>
  auto from_chunks(std::size_t pages, Action action)
      -> decltype(action(std::declval<buffer_chunk&>()));
  [[nodiscard]] buffer_chunk* new_chunk();
  void place(buffer_chunk* one);
  void link(buffer_chunk* one, std::size_t band);
  void unlink(buffer_chunk* one);
  void give_back(buffer_chunk* one);
  void put_element(buffer_chunk* chunk, void* block);
  void link(buffer_subpage* one);
  void unlink(buffer_subpage* one);

  buffer_core* core_ = nullptr;
  std::array<buffer_chunk*, 6> bands_{};
  std::array<buffer_subpage*, buffer_cached_classes> partial_{};
  std::uint32_t until_trim_ = visits_between_trims;
};

// In front of a huge block.
struct buffer_huge {
  buffer_huge* next;
  buffer_huge* previous;
  std::uint64_t stamp;  // of the block while it lives
  std::size_t bytes;
  std::size_t room;    // from the block to the end
  std::size_t offset;  // from what upstream gave to the block
  std::size_t alignment;
};

struct buffer_core {
  buffer_core(buffer_arena& owner, std::pmr::memory_resource* upstream,
              const buffer_arena_options& options)
      : arena(owner), chosen(options), source(upstream, options.most_bytes) {}

  // ---- Chunks
  [[nodiscard]] bool enter_chunk(const buffer_chunk* one);
  void forget_chunk(const buffer_chunk* one);
  [[nodiscard]] buffer_chunk* chunk_of(std::uintptr_t address) const {
    return pointer_to<buffer_chunk>(align_down(address, chosen.chunk_bytes));
  }
  void note_handed(std::size_t bytes);

  // ---- Huge blocks
  [[nodiscard]] void* take_huge(std::size_t bytes, std::size_t alignment);
  void put_huge(void* block, std::size_t bytes, std::size_t alignment);
  [[nodiscard]] bool resize_huge(void* block, std::size_t old_bytes, std::size_t new_bytes);
  [[nodiscard]] buffer_huge& huge_of(void* block, std::size_t bytes);

  // ---- Caches
  [[nodiscard]] buffer_cache* make_cache();
  void enter_cache(buffer_cache& cache);
  // At least one block of the class, or false.
  [[nodiscard]] bool refill(buffer_cache& cache, std::size_t number);
  // All but the `keep` newest blocks of the class go back.
  void flush(buffer_cache& cache, std::size_t number, std::size_t keep);
  void flush_all(buffer_cache& cache);
  void trim_by_use(buffer_cache& cache);
  // Blocks of chunks that are nearly empty go back.
  void shed(buffer_cache& cache, std::size_t number);
  void see_trims(buffer_cache& cache);
  // Empties the cache, adds its counts to those of the past, and frees it.
  void end(buffer_cache& cache);

  // ---- Forks
  bool try_hold() noexcept;
  void let_go() noexcept;
  void leave_strays() noexcept;
  // Caches of threads that a fork left behind: what is in them goes back.
  void end_strays();
  // visit(lock) until it says false; that one, or null.
  template <class Visit>
  std::mutex* each_lock(Visit visit);
  static const fork_ways at_fork;
  // From the shard; where it has no memory, after everything idle went back, from any.
  [[nodiscard]] std::size_t take(std::size_t shard, std::size_t number, void** blocks,
                                 std::size_t most, buffer_cache* cache);
  void trim_shards();
  [[nodiscard]] void* take_uncached(std::size_t number, std::size_t bytes);
  void put_uncached(void* block, std::size_t number);

  [[nodiscard]] buffer_chunk_table* table() const {
    return arena.table_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t stamp_of(const void* block) const { return arena.stamp_of(block); }
  // Whether a block that its chunk counts as used lies in a cache. For quiet arenas.
  [[nodiscard]] bool is_cached(const void* block) const;
  // Bytes of its blocks.
  [[nodiscard]] std::size_t verify_bin(const buffer_bin& bin, std::size_t number) const;

  // ---- Buffers that are followed
  void follow(buffer_block& one, const code_place& where);
  void unfollow(buffer_block& one);
  void note_access(buffer_block& one, const buffer_access& access);
  void each_leak(void (*visit)(const buffer_leak&, void*), void* state);
  void report_leaks();

  buffer_arena& arena;
  buffer_arena_options chosen;
  buffer_source source;
  std::size_t core_bytes = 0;  // of this and the shards behind it
  std::size_t longest_class = 0;
  buffer_shard* shards = nullptr;
  std::atomic<std::uint64_t> trims{0};
  std::atomic<std::size_t> handed_bytes{0};
  std::atomic<std::size_t> peak_handed_bytes{0};

  mutable std::mutex chunks_lock;  // guards the table's change
  std::size_t chunk_count = 0;

  mutable std::mutex huge_lock;
  buffer_huge* huge = nullptr;
  std::size_t huge_bytes = 0;
  std::size_t huge_blocks = 0;

  // Under the lock of caches.
  buffer_cache* caches = nullptr;
  std::array<std::uint64_t, buffer_classes> past_taken{};
  std::array<std::uint64_t, buffer_classes> past_freed{};
  std::uint64_t past_missed = 0;

  mutable std::mutex leaks_lock;
  leak_track* leaks = nullptr;

  std::atomic<bool> has_strays{false};
  fork_seat seat{at_fork, this};  // entered once all is there

  [[nodiscard]] buffer_chunk_table* make_table(std::size_t slots);
};

// One lock for all caches of the process: an arena's end and a thread's end may meet.
fork_safe_global<std::mutex>& buffer_caches_lock();

}  // namespace strata::detail
