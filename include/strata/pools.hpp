// Pools: a slab for each class of sizes, for programs that allocate a bit of everything. In place of
// std::pmr::unsynchronized_pool_resource and synchronized_pool_resource.
//
//   bytes  0..8  ..16  ..24  ..  ..64   ..80  ..96  ..112  ..128   ..160  ..   ..4096 |  more
//           |      |     |         |      |     |     |       |       |            |  |   |
//         slab   slab  slab  ..  slab   slab  slab   slab   slab    slab   ..    slab | list of large blocks
//             \     |     /                                                  \     /  |   |
//              chunks of 16 KiB (and 32, 64, 128 for the longest classes)      |  upstream
//                                     |                                        |
//                chunk_source: cut from spans; empty ones are for any class that wants one
//                                     |
//                                 upstream
//
// Classes: every 8 bytes to 64, then four to a doubling. So a class's size is a multiple of any power of
// two that divides what was asked for and rounded up: alignments to 256 need nothing but that rounding.
// What is longer than largest_pooled_bytes or aligned to more goes upstream, with a record behind it.
//
//   time      try_allocate, deallocate O(1): to 4096 bytes those of slab and a table of classes before
//   overhead  up to a fifth of a block by rounding, none else; 48 bytes a chunk; 40 a large block
//   threads   pools: one at a time. synchronized_pools: any
//   exhausted null
//
// Tables of classes over slabs are what most allocators are made of: Bonwick (USENIX 1994), Doug Lea's bins;
// four to a doubling is jemalloc's.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <utility>

#include <strata/detail/chunk_source.hpp>
#include <strata/detail/fork.hpp>
#include <strata/detail/support.hpp>
#include <strata/resource.hpp>
#include <strata/slab.hpp>

namespace strata {

struct pools_options {
  std::size_t largest_pooled_bytes = 4096;  // at most 4096; what is longer goes upstream
  std::size_t first_chunk_bytes = 1024;     // of each class; the next three double
  std::size_t spare_bytes = std::size_t{256}
                            << 10;  // so much is kept in empty chunks, for all classes
};

namespace detail {

// The sizes of blocks, and which serves a request.
struct class_sizes {
  static constexpr std::size_t count = 32;
  static constexpr std::size_t largest_bytes = 4096;
  static constexpr std::size_t largest_alignment = 256;
  static constexpr std::size_t plain_alignment = 8;  // which all blocks have

  static constexpr std::size_t bytes_of(std::size_t index) {
    if (index < 8) return (index + 1) * 8;
    return (5 + index % 4) << (index / 4 + 2);
  }
};
struct size_classes : class_sizes {
  static constexpr auto table = [] {
    std::array<std::uint8_t, largest_bytes / 8 + 1> made{};
    std::size_t index = 0;
    for (std::size_t i = 0; i < made.size(); ++i) {
      while (bytes_of(index) < i * 8) ++index;
      made[i] = static_cast<std::uint8_t>(index);
    }
    return made;
  }();
  // bytes: at most largest_bytes.
  static constexpr std::size_t index_of(std::size_t bytes) { return table[(bytes + 7) / 8]; }
};

}  // namespace detail

class STRATA_RESOURCES_API pools {
  using classes = detail::size_classes;

 public:
  using options = pools_options;

  explicit pools(std::pmr::memory_resource* upstream = std::pmr::get_default_resource(),
                 options chosen = {});
  ~pools();
  pools(const pools&) = delete;
  pools& operator=(const pools&) = delete;

  // Null when upstream has no memory.
  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > largest_pooled_bytes_ || alignment > classes::plain_alignment) [[unlikely]]
      return allocate_otherwise(bytes, alignment);
    return slabs_[classes::index_of(bytes)].try_allocate();
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > largest_pooled_bytes_ || alignment > classes::plain_alignment) [[unlikely]]
      return deallocate_otherwise(block, bytes, alignment);
    slabs_[classes::index_of(bytes)].deallocate(block);
  }

  // Gives empty chunks back upstream.
  void trim() noexcept;
  // Takes all blocks back, and gives all memory upstream.
  void release() noexcept;

  [[nodiscard]] bool owns(const void* address) const noexcept;
  // O(classes + fronts of their slabs). peak_used_bytes is the sum of the classes' peaks, which need not have been at the same
  // time: never less than the true one.
  [[nodiscard]] resource_statistics statistics() const noexcept;
  void verify() const;
  template <class Visit>
  void each_region(Visit visit) const;

 private:
  // Classes apart, each with what its hot path reads in one cache line.
  struct alignas(64) class_slab : slab {
    using slab::slab;
  };
  using slab_array = std::array<class_slab, classes::count>;
  // Stands behind a block that came from upstream.
  struct large_record {
    const pools* owner;
    large_record* next;
    large_record* previous;
    std::size_t bytes;  // of the block
    std::size_t alignment;
  };

  template <std::size_t... Index>
  static slab_array make_slabs(detail::chunk_source* chunks, const options& chosen,
                               std::index_sequence<Index...> /*each*/);
  static std::size_t record_offset(std::size_t bytes) {
    return detail::align_up(bytes, alignof(large_record));
  }
  static std::uintptr_t block_of(const large_record& one) {
    return detail::address_of(&one) - record_offset(one.bytes);
  }
  // What the slabs are asked for, or more than they have.
  [[nodiscard]] std::size_t pooled_bytes(std::size_t bytes, std::size_t alignment) const;
  void* allocate_otherwise(std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_otherwise(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void* allocate_large(std::size_t bytes, std::size_t alignment) noexcept;
  void give_back(large_record* one) noexcept;

  std::size_t largest_pooled_bytes_;
  std::pmr::memory_resource* upstream_;
  detail::chunk_source chunks_;
  slab_array slabs_;
  large_record* large_ = nullptr;
  std::size_t large_blocks_ = 0;
  std::size_t large_used_bytes_ = 0;
  std::size_t large_peak_bytes_ = 0;
};

// The same for any number of threads. Each thread has one of 16 fronts: a mutex, which threads seldom share, and
// some free blocks of each class. Only when a front has none, or too many, does it go with a few of
// them to the pools behind, which have a mutex too. Blocks may be freed by any thread.
class STRATA_RESOURCES_API synchronized_pools {
  using classes = detail::size_classes;

 public:
  using options = pools_options;
  // strata/watch.hpp
  static constexpr bool statistics_from_any_thread = true;

  explicit synchronized_pools(
      std::pmr::memory_resource* upstream = std::pmr::get_default_resource(), options chosen = {});
  synchronized_pools(const synchronized_pools&) = delete;
  synchronized_pools& operator=(const synchronized_pools&) = delete;

  [[nodiscard]] void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate(void* block, std::size_t bytes, std::size_t alignment) noexcept;
  void trim() noexcept;

  // These stop all threads' use for a while.
  [[nodiscard]] bool owns(const void* address) const noexcept;
  // Blocks in fronts are not in use, but peak_used_bytes counts them.
  [[nodiscard]] resource_statistics statistics() const noexcept;
  void verify() const;
  template <class Visit>
  void each_region(Visit visit) const {
    lock_all();
    detail::undo unlock([&] { unlock_all(); });
    drain();
    std::lock_guard hold(behind_lock_);
    behind_.each_region(visit);
  }

 private:
  struct stash {
    void* first = nullptr;
    std::size_t blocks = 0;
    void push(void* block, std::size_t bytes) noexcept;
    void* pop(std::size_t bytes) noexcept;
  };
  struct alignas(64) front {
    std::mutex lock;
    std::array<stash, classes::count> stashes;
  };
  static constexpr std::size_t fronts = 16;

  [[nodiscard]] std::size_t class_of(std::size_t bytes, std::size_t alignment) const;
  front& mine() noexcept;
  void fill(stash& into, std::size_t index) noexcept;
  void empty(stash& from, std::size_t index, std::size_t blocks) const noexcept;
  void lock_all() const noexcept;
  void unlock_all() const noexcept;
  void drain() const noexcept;
  bool try_lock_all() noexcept;
  static const detail::fork_ways at_fork;

  std::size_t largest_pooled_bytes_;
  // Order of locks: fronts by their number, then behind_lock_. Those who only look empty the fronts first.
  mutable std::array<front, fronts> fronts_;
  mutable std::mutex behind_lock_;
  mutable pools behind_;
  detail::fork_member seat_;
};

template <class Visit>
void pools::each_region(Visit visit) const {
  for (const class_slab& each : slabs_) each.each_region(visit);
  chunks_.each_region(visit);
  for (const large_record* one = large_; one != nullptr; one = one->next) {
    visit(region{detail::pointer_to(block_of(*one)), record_offset(one->bytes), region_kind::live});
    visit(region{one, sizeof(large_record), region_kind::overhead});
  }
}

}  // namespace strata
