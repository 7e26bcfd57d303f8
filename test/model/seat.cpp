// The operations of a seat; see seat.hpp.
#include "seat.hpp"

#include <malloc.h>
#include <sched.h>
#include <strata/strata.h>

#include <cstdio>
#include <cstdlib>

#include "failure.hpp"
#include "ways.hpp"

namespace model {

thread_local place here{};

void fail(const char* difference, const block& where, size_t offset) {
  dprintf(2,
          "model: %s, after %s\n"
          "  operation %llu of seat %zu, seed %llu\n"
          "  block %p, %zu bytes asked, %zu used, %zu usable, alignment %zu, pattern %#llx,"
          " origin %d, offset %zu\n",
          difference, here.call, static_cast<unsigned long long>(here.operation), here.seat,
          static_cast<unsigned long long>(here.seed), static_cast<void*>(where.address),
          where.asked, where.size, where.claimed, where.alignment,
          static_cast<unsigned long long>(where.seed), static_cast<int>(where.made_by), offset);
  std::abort();
}

void inbox::lock() {
  while (locked_.test_and_set(std::memory_order_acquire)) {
    sched_yield();
  }
}

bool inbox::put(const block& passed) {
  lock();
  const bool room = count_ < capacity;
  if (room) {
    blocks_[(first_ + count_++) % capacity] = passed;
  }
  unlock();
  return room;
}

bool inbox::take(block& taken) {
  lock();
  const bool any = count_ > 0;
  if (any) {
    taken = blocks_[first_];
    first_ = (first_ + 1) % capacity;
    --count_;
  }
  unlock();
  return any;
}

void seat::open(size_t index, const seat_options& options, claim_map* claims, seat* all,
                size_t all_count) {
  index_ = index;
  options_ = options;
  random_ = random_source(mix(options.seed) + index);
  claims_ = claims;
  all_ = all;
  all_count_ = all_count;
  slots_ = map_array<block>(slot_count);
  for (heap_record& record : heaps_) {
    record.slots = map_array<block>(heap_slot_count);
  }
}

bool seat::work(uint64_t count) {
  here.seed = options_.seed;
  here.seat = index_;
  for (; count > 0 && operation_ < options_.operations; --count) {
    here.operation = operation_++;
    step();
  }
  return operation_ < options_.operations;
}

void seat::step() {
  const size_t dice = random_.below(1000);
  if (dice < 880) {
    step_slot();
  } else if (dice < 900) {
    step_batch();
  } else if (dice < 985) {
    step_heap();
  } else if (dice < 999) {
    empty_inbox();
  } else if (random_.one_in(20)) {
    sweep();
  } else if (random_.one_in(40)) {
    here.call = "malloc_trim";
    malloc_trim(random_.below(2) << 20);
  }
}

void seat::step_slot() {
  block& slot = slots_[random_.below(slot_count)];
  if (slot.empty()) {
    slot = make_block(random_, next_size());
    accept(slot);
    return;
  }
  const size_t dice = random_.below(100);
  if (dice < 60 || live_bytes_ > max_live_bytes) {
    retire(slot);
  } else if (dice < 80) {
    resize(slot);
  } else if (dice < 88) {
    pass(slot);
  } else if (dice < 94) {
    move(slot);
  } else {
    inquire(slot);
  }
}

// Half of a batch goes into slots, the rest is freed as a batch, nulls among it.
void seat::step_batch() {
  constexpr size_t most = 64;
  void* addresses[most];
  const size_t size = random_.below(random_.one_in(50) ? 40000 : 700);
  const size_t count = random_.between(1, most);
  here.call = "strata_malloc_batch";
  if (strata_malloc_batch(size, count, addresses) != count) {
    fail("fewer blocks than asked", block{});
  }
  block made[most];
  for (size_t i = 0; i < count; ++i) {
    made[i] = block{static_cast<unsigned char*>(addresses[i]), size,           size,         0,
                    size >= 16 ? size_t{16} : size_t{8},       random_.next(), origin::plain};
    check_new_block(made[i]);
    accept(made[i]);
  }
  for (size_t i = 0; i < count; ++i) {
    block& slot = slots_[random_.below(slot_count)];
    if (slot.empty()) {
      slot = made[i];
      addresses[i] = nullptr;
    } else {
      retire_unended(made[i]);
    }
  }
  here.call = "strata_free_batch";
  strata_free_batch(addresses, count);
}

void seat::step_heap() {
  heap_record& record = heaps_[random_.below(heap_count)];
  if (record.heap == nullptr) {
    here.call = "strata_heap_create";
    record.heap = strata_heap_create();
    if (record.heap == nullptr) {
      fail("null", block{});
    }
    return;
  }
  block& slot = record.slots[random_.below(heap_slot_count)];
  if (random_.one_in(1000)) {
    destroy_heap(record);
  } else if (slot.empty()) {
    slot = make_heap_block(random_, record.heap, next_size());
    accept(slot);
  } else if (random_.one_in(3) && live_bytes_ < max_live_bytes) {
    resize_accepted(slot, 1 + next_size(), &record);
  } else if (random_.one_in(4)) {
    move(slot);
  } else {
    retire(slot);
  }
}

void seat::destroy_heap(heap_record& record) {
  for (size_t i = 0; i < heap_slot_count; ++i) {
    if (!record.slots[i].empty()) {
      retire_unended(record.slots[i]);
    }
  }
  here.call = "strata_heap_destroy";
  strata_heap_destroy(record.heap);
  record.heap = nullptr;
  ++counts_.heaps;
}

// Ends a stretch of slots at once, so that whole spans and runs fall free.
void seat::sweep() {
  const size_t first = random_.below(slot_count);
  const size_t count = random_.below(slot_count - first);
  retire_slots(slots_ + first, count);
}

void seat::resize(block& slot) {
  const bool nearby = random_.one_in(2);
  const size_t size = nearby ? random_.between(1, 2 * slot.size + 1) : 1 + next_size();
  if (size <= options_.max_size) {
    resize_accepted(slot, size, nullptr);
  }
}

// Wherever it goes, it is as it was.
void seat::move(block& slot) {
  block moved = slot;
  retire_unended(slot);
  here.call = "strata_move";
  void* address = strata_move(moved.address);
  if (address != nullptr) {
    moved.address = static_cast<unsigned char*>(address);
  }
  check(moved);
  const size_t claimed = moved.claimed;
  check_new_block(moved);
  if (moved.claimed != claimed) {
    fail("the usable size has changed", moved, moved.claimed);
  }
  accept(moved);
  slot = moved;
}

// A program that asks for the usable size may use all of it from then on.
void seat::inquire(block& slot) {
  check(slot);
  here.call = "malloc_usable_size";
  const size_t usable = malloc_usable_size(slot.address);
  if (usable != slot.claimed || strata_usable_size(slot.address) != usable) {
    fail("the usable size has changed", slot, usable);
  }
  live_bytes_ += usable - slot.size;
  slot.size = usable;
  fill(slot.address, slot.size, slot.seed);
}

void seat::pass(block& slot) {
  const size_t size = slot.size;
  if (all_[random_.below(all_count_)].inbox_.put(slot)) {
    slot = block{};
    live_bytes_ -= size;
    ++counts_.passed;
  }
}

void seat::empty_inbox() {
  block taken;
  while (inbox_.take(taken)) {
    live_bytes_ += taken.size;
    retire(taken);
  }
}

void seat::close() {
  retire_slots(slots_, slot_count);
  for (heap_record& record : heaps_) {
    if (record.heap != nullptr) {
      destroy_heap(record);
    }
  }
}

size_t seat::next_size() {
  constexpr size_t modest = 4096;
  const bool full = live_bytes_ > max_live_bytes && options_.max_size > modest;
  return random_size(random_, full ? modest : options_.max_size);
}

void seat::accept(block& made) {
  if (!claims_->claim(made.address, made.claimed > 0 ? made.claimed : 1)) {
    fail("the block overlaps another live block", made);
  }
  fill(made.address, made.size, made.seed);
  live_bytes_ += made.size;
  ++counts_.made;
}

void seat::check(const block& live) {
  const size_t at = first_difference(live.address, live.size, live.seed);
  if (at != live.size) {
    fail("a byte of a live block has changed", live, at);
  }
}

void seat::retire(block& live) {
  const block ended = live;
  retire_unended(live);
  end_block(random_, ended);
}

// Everything but the call that frees it.
void seat::retire_unended(block& live) {
  check(live);
  if (!claims_->release(live.address, live.claimed > 0 ? live.claimed : 1)) {
    fail("the model lost a claim", live);
  }
  live_bytes_ -= live.size;
  ++counts_.ended;
  live = block{};
}

void seat::retire_slots(block* slots, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (!slots[i].empty()) {
      retire(slots[i]);
    }
  }
}

void seat::resize_accepted(block& live, size_t size, heap_record* record) {
  block resized = live;
  const size_t kept = live.size < size ? live.size : size;
  retire_unended(live);
  if (record != nullptr) {
    resize_heap_block(record->heap, resized, size);
  } else {
    resize_block(random_, resized, size);
  }
  const size_t at = first_difference(resized.address, kept, resized.seed);
  if (at != kept) {
    fail("the kept prefix has changed", resized, at);
  }
  accept(resized);
  live = resized;
  ++counts_.resized;
}

}  // namespace model
