// A bin: the spans of one size class, sorted by fullness. The shared level that magazines are
// refilled from and flushed to, when the depot can't help.
//
//   lists_[0]  more than 3/4 used, some free    refills come from here first, so that
//   lists_[1]  more than 1/2 used               nearly empty spans run empty and their
//   lists_[2]  more than 1/4 used               pages go back
//   lists_[3]  at most 1/4 used
//   lists_[4]  all used
//
// The front of the first list that is not empty serves next. Moving a block there is worth it when
// its own span is no fuller: one span comes closer to being full and another to being empty.
//
// One lock a bin guards its lists and its spans. An empty span goes back to the page heap at once,
// except one, which is kept until the next trim.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "alloc/span.hpp"
#include "ground/address_map.hpp"
#include "sync/mutex.hpp"

namespace strata::alloc {

struct heap;

struct bin_usage {
  std::size_t spans = 0;
  std::size_t blocks = 0;      // of all spans
  std::size_t free_slots = 0;  // in spans
};

// Blocks that go to a bin, or the room for those that come.
struct block_row {
  std::uintptr_t* blocks;
  std::size_t count;
};

class alignas(base::cache_line_bytes) bin {
 public:
  bin() = default;
  explicit constexpr bin(std::size_t number) : number_(static_cast<ground::size_class>(number)) {}
  // owner: null for the bins of the process, which serve malloc.
  void set_up(ground::size_class number, heap* owner);

  // Takes up to `wanted` free blocks out of spans, and says how many; 0: no memory. Those of a span
  // come in the order of their addresses.
  std::size_t refill(std::uintptr_t* into, std::size_t wanted);
  // The same for several rows: takes what their counts ask for, and sets these to what came.
  void refill(block_row* rows, std::size_t row_count);
  // Puts blocks back. Stops the process when one is free already.
  void flush(const std::uintptr_t* from, std::size_t count);
  void flush(const block_row* rows, std::size_t row_count);

  // Whether a block of the span, which is one of this bin's, is better moved to another. Most answers
  // need no lock.
  bool should_leave(span* from);
  // Takes a free block for one that is better moved out of the span; 0: it is not.
  std::uintptr_t take_better(span* from);

  // Gives back what is empty: the spare span, and pages inside spans that no block in use touches
  // and that nobody freed a block in since before_ms.
  void trim(std::uint64_t before_ms);
  // Gives back every span, whatever is live in it. For a heap that is destroyed.
  void release_all();
  // Calls visit for every block that is not free in its span: cached or live. Under the lock.
  void each_used(void (*visit)(void* block));

  [[nodiscard]] bin_usage usage();
  [[nodiscard]] heap* owner() const { return owner_; }
  [[nodiscard]] ground::size_class number() const { return number_; }
  // Whether its blocks bear stamps while they are cached.
  [[nodiscard]] bool has_stamps() const;
  void verify();

  sync::mutex& lock() { return lock_; }

 private:
  static constexpr std::size_t all_used = 4;
  static constexpr std::size_t list_count = 5;

  span* next_span();
  span* span_with_free_blocks();
  std::size_t take(span* from, std::uintptr_t* into, std::size_t wanted);
  std::size_t take_any(std::uintptr_t* into, std::size_t wanted);
  bool is_better_left(span* from);
  void publish_next();
  span* span_of(std::uintptr_t block);
  span* put_back_all(const std::uintptr_t* from, std::size_t count, span* last,
                     std::uint64_t now_ms);
  void put_back(span* one, std::uintptr_t address);
  void relist(span* changed);
  void drop(span* empty);
  static void purge_inside(span* sparse);

  sync::mutex lock_{sync::rank::bin};
  ground::size_class number_ = 0;
  heap* owner_ = nullptr;
  span* spare_ = nullptr;  // one of the empty spans, also in lists_[3]
  std::size_t spans_ = 0;
  std::size_t blocks_ = 0;
  std::size_t free_ = 0;
  base::list<span> lists_[list_count];
  // The next span and how much of it is free, for who looks without the lock. relaxed, both: what is
  // read may be out of date, and the answer is only a hint.
  std::atomic<const span*> next_{nullptr};
  std::atomic<std::uint32_t> next_free_{0};
};

// The bins of the process, by class or twin. Memory of those that are not used is never written.
bin& bin_of(std::size_t number);

}  // namespace strata::alloc
