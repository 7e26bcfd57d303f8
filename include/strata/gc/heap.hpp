// gc::heap: memory that frees itself. Threads use it through a gc::mutator each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <strata/gc/config.hpp>
#include <strata/gc/header.hpp>

namespace strata::gc {

// How a heap collects. docs/gc/README.md says which is for whom.
enum class plan : std::uint8_t {
  semispace,                // copies what lives into the other half
  mark_sweep,               // marks what lives, and gives the lines between it to new objects
  immix,                    // the same, and empties blocks that hold little
  generational,             // new objects are copied once or twice, and then live in an immix space
  generational_concurrent,  // and the old ones are marked while the program runs
  lisp2,                    // slides what lives together, in three passes; needs no room for copies
  compressor,               // the same in one pass, by tables beside the heap
  two_finger,               // puts the last small objects of a size where the first have died
};

enum class collection : std::uint8_t { young, full };

class listener;

// For tests of programs and of Strata: makes rare things happen all the time.
struct stress_options {
  // Collect at each so-manieth allocation; 0: only when need be.
  std::size_t collect_every = 0;
  // The so-manieth allocation of each mutator is out of memory, once; 0: none is. mutator::fail_after says
  // so again.
  std::size_t fail_after = 0;
  // Memory that a collection has moved objects out of stays inaccessible until it is needed again: a
  // stale pointer faults.
  bool protect_moved = false;
  // Threads wait for up to so long, at random, before they stop, and where they begin and end to block.
  std::uint32_t delay_us = 0;
  // A concurrent marking begins as soon as the last one is over.
  bool mark_always = false;
  // Full collections of immix and the generational plans slide what is small together, as they do as a last resort.
  bool compact_always = false;
  // Collections that may share their work among `workers` do, however little there is.
  bool share_always = false;
  // Verify the heap before and after each collection.
  bool verify = false;
  // Where it is verified, words that a type's map knows for plain must not look like an object's address: for
  // types whose gc::fields<T> may lack a member. Integers that are addresses are taken for such, too.
  bool check_maps = false;
};

struct heap_options {
  // Of objects, and of what copying them needs; where there are generations also of tables beside them.
  std::size_t max_bytes = std::size_t{256} << 20;
  gc::plan plan = gc::plan::semispace;
  // At most, between two young collections. 0: 2 MiB; generational makes it more, up to 16 MiB and a quarter of what a
  // full collection has left free, where little survives.
  std::size_t young_bytes = 0;
  // Of generational_concurrent: what young pauses aim to stay below, by allocating less than young_bytes
  // between them where much survives; 0: nothing.
  std::uint32_t pause_goal_us = 1000;
  // Threads that work in a pause: that mark, where nothing is moved, and that copy what survives in young
  // collections, where there is enough of it; 0: one a processor, 4 at most.
  std::uint32_t workers = 0;
  std::size_t metaspace_max_bytes = std::size_t{256} << 20;  // of types made at run time
  std::size_t direct_max_bytes = 0;                          // of direct buffers; 0: as max_bytes
  std::uint64_t direct_wait_ms = 500;              // for direct memory that is about to be freed
  std::size_t most_locals = std::size_t{1} << 20;  // of one mutator, at once
  stress_options stress = {};
  gc::listener* listener = nullptr;  // is told what the heap does (listener.hpp), and outlives it
};

// Options for a purpose; docs/gc/README.md says what each chooses, and why.
enum class preset : std::uint8_t {
  throughput,  // the least processor time in all
  latency,     // the shortest pauses
  small,       // the least memory beside what lives
};
[[nodiscard]] STRATA_GC_API heap_options options_for(preset purpose, std::size_t max_bytes);

// How long the world stood still, from the moment that it was asked to stop. Four buckets a doubling.
class pause_histogram {
 public:
  static constexpr std::size_t bucket_count = 160;
  STRATA_GC_API void add(std::uint64_t ns);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t longest_ns() const { return longest_ns_; }
  [[nodiscard]] std::uint64_t total_ns() const { return total_ns_; }
  // An upper bound of the pause that `share` of all (0.99, say) don't exceed; good to a fifth.
  [[nodiscard]] STRATA_GC_API std::uint64_t quantile_ns(double share) const;
  // How many pauses took more than the bucket before this one tells, and at most end_ns(bucket).
  [[nodiscard]] std::uint64_t in_bucket(std::size_t bucket) const { return buckets_[bucket]; }
  [[nodiscard]] STRATA_GC_API static std::uint64_t end_ns(std::size_t bucket);
  // What came after an earlier copy of this. Its longest is good to a fifth, too.
  [[nodiscard]] STRATA_GC_API pause_histogram since(const pause_histogram& earlier) const;

 private:
  std::array<std::uint64_t, bucket_count> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t total_ns_ = 0;
  std::uint64_t longest_ns_ = 0;
};

struct heap_statistics {
  std::uint64_t young_collections = 0;
  std::uint64_t full_collections = 0;
  std::uint64_t concurrent_markings = 0;  // that young collections have ended
  std::uint64_t allocated_bytes = 0;      // by mutators, up to their last refill
  std::uint64_t moved_bytes = 0;          // by collections
  std::uint64_t promoted_bytes = 0;       // of these, out of the young generation
  std::uint64_t live_bytes = 0;           // that the last full collection reached
  std::size_t held_bytes = 0;             // blocks that hold objects
  std::size_t committed_bytes = 0;        // that the system has been asked for, held or free
  pause_histogram pauses;
};

namespace detail {
class core;
STRATA_GC_API core* make_core(const heap_options& options, std::size_t header_bytes);
}  // namespace detail

class STRATA_GC_API heap {
 public:
  // Throws std::bad_alloc when the system refuses the address space.
  explicit heap(const heap_options& options = {})
      : core_(detail::make_core(options, detail::header::bytes)) {}
  heap(const heap&) = delete;
  heap& operator=(const heap&) = delete;
  // No mutator is attached any more, and no global is left.
  ~heap();

  // By a thread without a mutator on this heap; others ask their mutator, which says what it promises.
  void collect(collection kind = collection::full);
  // Runs what gc::when_dead has been given for objects that have died since; returns how many.
  std::size_t run_cleaners();
  [[nodiscard]] heap_statistics statistics() const;
  // Stops the process when an object or a reference is not as it should be. By a thread without a
  // mutator on this heap.
  void verify();

  [[nodiscard]] detail::core& core() const { return *core_; }

 private:
  detail::core* core_;
};

}  // namespace strata::gc
