#include "workload.hpp"

#include <pthread.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "alloc/allocate.hpp"
#include "alloc/bin.hpp"
#include "alloc/clock.hpp"
#include "alloc/heap.hpp"
#include "alloc/large.hpp"
#include "ground/page_heap.hpp"

namespace fault_test {

using namespace strata;
using base::KiB;
using base::MiB;

void fail(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "fault: %s at %s:%d\n", condition, file, line);
  std::_Exit(1);
}

namespace {

// ---- Blocks with contents

struct block {
  unsigned char* at = nullptr;  // null: there was no memory for it
  std::size_t size = 0;
};

unsigned char fill_of(const block& one) {
  return static_cast<unsigned char>(one.size * 31 % 251 + 1);
}

// The bytes of a block that are written and checked: every one of a small block, some of each page of
// a middling one, some of the pages of a large one.
std::size_t step_of(std::size_t size) {
  return size <= 4 * KiB ? 1 : size <= 256 * KiB ? 1009 : size / 61;
}

template <typename Action>
void each_byte(std::size_t size, Action action) {
  for (std::size_t i = 0; i < size; i += step_of(size)) action(i);
  if (size > 0) action(size - 1);
}

block filled(void* at, std::size_t size) {
  block made{static_cast<unsigned char*>(at), size};
  if (at == nullptr) return made;
  FAULT_CHECK(alloc::usable_size(at) >= size);
  each_byte(size, [&](std::size_t i) { made.at[i] = fill_of(made); });
  return made;
}

void check(const block& one, const block& as, std::size_t size) {
  each_byte(size, [&](std::size_t i) { FAULT_CHECK(one.at[i] == fill_of(as)); });
}

void free_checked(block& one) {
  if (one.at != nullptr) check(one, one, one.size);
  alloc::deallocate(one.at);
  one = {};
}

void resize(block& one, std::size_t size) {
  if (one.at == nullptr) return;
  void* moved = alloc::reallocate(one.at, size);
  if (moved == nullptr) return check(one, one, one.size);  // refused: the old block stands
  block now{static_cast<unsigned char*>(moved), size};
  std::size_t kept = base::smaller(one.size, size);
  for (std::size_t i = 0; i < kept; i += step_of(one.size)) FAULT_CHECK(now.at[i] == fill_of(one));
  one = filled(moved, size);
}

// ---- The parts of the workload

constexpr std::size_t sizes[] = {1,        24,       100,       1000, 1500,    5000,     20'000,
                                 32 * KiB, 40 * KiB, 256 * KiB, MiB,  3 * MiB, 33 * MiB, 80 * MiB};

void every_size() {
  block blocks[std::size(sizes)][2];
  for (std::size_t i = 0; i < std::size(sizes); ++i) {
    for (block& one : blocks[i]) one = filled(alloc::allocate(sizes[i]), sizes[i]);
  }
  for (auto& pair : blocks) {
    for (block& one : pair) free_checked(one);
  }
}

void zeroed_after_use() {
  for (std::size_t size : sizes) {
    block used = filled(alloc::allocate(size), size);
    free_checked(used);
    auto* at = static_cast<unsigned char*>(alloc::allocate_zeroed(size));
    if (at == nullptr) continue;
    each_byte(size, [at](std::size_t i) { FAULT_CHECK(at[i] == 0); });
    alloc::deallocate(at);
  }
}

void many_small() {
  constexpr std::size_t count = 10'000;
  auto* blocks = static_cast<block*>(alloc::allocate_zeroed(count * sizeof(block)));
  if (blocks == nullptr) return;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t size = 16 + i % 40 * 16;
    blocks[i] = filled(alloc::allocate(size), size);
  }
  for (std::size_t i = 0; i < count; i += 2) free_checked(blocks[i]);
  for (std::size_t i = 1; i < count; i += 2) free_checked(blocks[i]);
  alloc::deallocate(blocks);
}

void aligned() {
  block blocks[2 * std::size(sizes)];
  std::size_t made = 0;
  for (std::size_t size : {std::size_t{1}, std::size_t{5000}, 100 * KiB, 3 * MiB}) {
    for (std::size_t alignment = 32; alignment <= 64 * MiB; alignment *= 64) {
      block& one = blocks[made++];
      one = filled(alloc::allocate_aligned(alignment, size), size);
      FAULT_CHECK(base::is_aligned(base::address_of(one.at), alignment));
    }
  }
  while (made > 0) free_checked(blocks[--made]);
}

void growth() {
  block one = filled(alloc::allocate(10), 10);
  for (std::size_t size = 100; size < 100 * MiB; size *= 4) resize(one, size);
  for (std::size_t size = 50 * MiB; size > 100; size /= 10) resize(one, size);
  free_checked(one);
  block other = filled(alloc::allocate(40 * KiB), 40 * KiB);
  for (std::size_t size = 80 * KiB; size < 500 * KiB; size += 80 * KiB) resize(other, size);
  free_checked(other);
}

void heaps() {
  alloc::heap* one = alloc::make_heap();
  if (one == nullptr) return;
  for (int round = 0; round < 6; ++round) {
    for (std::size_t size : {std::size_t{24}, std::size_t{3000}, 40 * KiB, 40 * MiB}) {
      block made = filled(alloc::allocate_in(one, 1, size, false), size);
      if (made.at != nullptr && round % 3 == 0) free_checked(made);
    }
  }
  alloc::destroy_heap(one);
}

// ---- Threads

void* own_work(void*) {
  block blocks[400];
  for (std::size_t i = 0; i < std::size(blocks); ++i) {
    std::size_t size = 8 + i * 97 % 9000;
    blocks[i] = filled(alloc::allocate(size), size);
  }
  for (block& one : blocks) free_checked(one);
  alloc::thread_registry::leave();
  return nullptr;
}

// One after the other, so that the order of system calls is the same each time.
void threads() {
  for (int i = 0; i < 3; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, own_work, nullptr) != 0) return;
    FAULT_CHECK(pthread_join(thread, nullptr) == 0);
  }
}

struct meeting {
  pthread_barrier_t cached;
  pthread_barrier_t lifted;
};

void* idle_between(void* shared) {
  auto* both = static_cast<meeting*>(shared);
  block blocks[100];
  for (block& one : blocks) one = filled(alloc::allocate(64), 64);
  for (block& one : blocks) free_checked(one);
  pthread_barrier_wait(&both->cached);
  pthread_barrier_wait(&both->lifted);
  own_work(nullptr);
  return nullptr;
}

void lift() {
  meeting both;
  FAULT_CHECK(pthread_barrier_init(&both.cached, nullptr, 2) == 0);
  FAULT_CHECK(pthread_barrier_init(&both.lifted, nullptr, 2) == 0);
  pthread_t thread;
  if (pthread_create(&thread, nullptr, idle_between, &both) != 0) return;
  pthread_barrier_wait(&both.cached);
  alloc::thread_registry::lift_idle(UINT64_MAX);
  pthread_barrier_wait(&both.lifted);
  FAULT_CHECK(pthread_join(thread, nullptr) == 0);
}

// Where the system refuses, the blocks are ordinary ones.
void guarded() {
  for (std::size_t size : sizes) {
    alloc::this_thread.guard_next = true;
    alloc::this_thread.tick = 0;
    block one = filled(alloc::allocate_slow(size), size);
    alloc::this_thread.guard_next = true;
    alloc::this_thread.tick = 0;
    resize(one, size + 1);
    free_checked(one);
  }
}

void verify() {
  ground::page_heap::verify();
  for (std::size_t number = 1; number < ground::number_count; ++number) {
    alloc::bin_of(number).verify();
  }
}

}  // namespace

void run_workload() {
  alloc::start();
  many_small();
  every_size();
  alloc::trim_all(0);
  zeroed_after_use();
  aligned();
  growth();
  heaps();
  threads();
  lift();
  guarded();
  alloc::trim_all(0);
}

void check_healed() {
  verify();
  for (std::size_t size : sizes) {
    block one = filled(alloc::allocate(size), size);
    FAULT_CHECK(one.at != nullptr);
    free_checked(one);
  }
  run_workload();
  FAULT_CHECK(alloc::large_total().blocks == 0);
  verify();
}

}  // namespace fault_test
