// One of the model's --threads: a table of live blocks, heaps and an inbox, worked by one thread
// after another.
//
//   slots_   blocks that this seat may end, resize or pass on
//   heaps_   strata heaps, each with the blocks that live in it
//   inbox_   blocks that other seats passed on, to be ended here
//
// A block's life: made → claimed → filled → (checked, resized, moved, passed …) → checked → released →
// ended. It is released before it is ended, for its bytes may be another thread's at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "block.hpp"
#include "claims.hpp"

struct strata_heap;

namespace model {

struct seat_options {
  uint64_t seed;
  uint64_t operations;  // of this seat
  size_t max_size;
};

struct counts {
  uint64_t made;
  uint64_t resized;
  uint64_t ended;
  uint64_t passed;
  uint64_t heaps;  // destroyed
};

// A bounded queue of blocks; what does not fit stays with the sender.
class inbox {
 public:
  bool put(const block& passed);
  bool take(block& taken);

 private:
  static constexpr size_t capacity = 256;
  void lock();
  void unlock() { locked_.clear(std::memory_order_release); }

  std::atomic_flag locked_ = ATOMIC_FLAG_INIT;
  size_t first_ = 0;
  size_t count_ = 0;
  block blocks_[capacity];
};

class seat {
 public:
  // all: the seats that blocks may be passed to.
  void open(size_t index, const seat_options& options, claim_map* claims, seat* all,
            size_t all_count);
  // Does at most count operations; false when the seat's work is done.
  bool work(uint64_t count);
  // Ends every block and heap; and, once no other seat works, what came in.
  void close();
  void empty_inbox();

  const counts& counted() const { return counts_; }

 private:
  static constexpr size_t slot_count = 4096;
  static constexpr size_t heap_count = 6;
  static constexpr size_t heap_slot_count = 256;
  static constexpr size_t max_live_bytes = size_t{192} << 20;

  struct heap_record {
    strata_heap* heap;
    block* slots;
  };

  void step();
  void step_slot();
  void step_batch();
  void step_heap();
  void sweep();
  void resize(block& slot);
  void move(block& slot);
  void inquire(block& slot);
  void pass(block& slot);
  void destroy_heap(heap_record& record);

  size_t next_size();
  void accept(block& made);
  void check(const block& live);
  void retire(block& live);
  void retire_unended(block& live);
  void retire_slots(block* slots, size_t count);
  void resize_accepted(block& live, size_t size, heap_record* record);

  size_t index_;
  seat_options options_;
  random_source random_{0};
  uint64_t operation_;
  size_t live_bytes_;
  claim_map* claims_;
  seat* all_;
  size_t all_count_;
  block* slots_;
  heap_record heaps_[heap_count];
  counts counts_;
  inbox inbox_;
};

}  // namespace model
