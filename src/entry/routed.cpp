#include "entry/routed.hpp"

#include <errno.h>

#include <cstring>

#include "alloc/allocate.hpp"
#include "alloc/clock.hpp"
#include "alloc/live.hpp"
#include "ground/account.hpp"
#include "ground/metadata.hpp"
#include "ground/page_heap.hpp"
#include "route/figures.hpp"

namespace strata::route {

// Told when the thread ends, as when it has a cache.
void thread_begins() { alloc::thread_started(); }

}  // namespace strata::route

namespace strata::entry::routed {
namespace {

// From the system, by the heap and by the place.
std::uint64_t taken_bytes() {
  return ground::account::charged_bytes() - route::region::charged_bytes() +
         ground::page_heap::retained_bytes() + ground::metadata::mapped_bytes() +
         route::region::taken_bytes();
}

void raise(std::atomic<std::uint64_t>& peak, std::uint64_t to) {
  std::uint64_t before = peak.load(std::memory_order_relaxed);
  while (before < to && !peak.compare_exchange_weak(before, to, std::memory_order_relaxed)) {
  }
}

void note_moment(wire::routed_process& of, std::uint64_t operation) {
  if (route::trims()) alloc::trim_all(0);
  std::uint32_t number = of.moments.fetch_add(1, std::memory_order_relaxed);
  if (number >= wire::most_routed_moments) return;
  of.curve[number].operation.store(operation, std::memory_order_relaxed);
  of.curve[number].bytes.store(taken_bytes(), std::memory_order_relaxed);
}

void* out_of_memory() {
  alloc::live::count_failure();
  errno = ENOMEM;
  return nullptr;
}

void* move_to(void* fresh, void* block, std::size_t bytes) {
  std::memcpy(fresh, block, bytes);
  if (route::owns(block))
    route::give_back(block);
  else
    alloc::deallocate(block);
  return fresh;
}

// A routed block keeps to the place, whoever resizes it.
void* resized(void* block, std::size_t size) {
  std::size_t usable = route::usable_size(block);
  if (size > alloc::most_bytes) return out_of_memory();
  if (route::stays(block, size)) return block;
  void* fresh = route::allocate(size, 1);
  if (fresh == nullptr) fresh = alloc::allocate(size);
  if (fresh == nullptr) return size <= usable ? block : out_of_memory();
  return move_to(fresh, block, base::smaller(usable, size));
}

// Null: the heap does it.
void* resized_by_site(void* block, std::size_t size) {
  if (block == nullptr) return route::allocate(size, 1);
  if (size == 0 || route::place() != wire::route_place::reserve) return nullptr;
  void* fresh = route::allocate(size, 1);
  if (fresh == nullptr) return nullptr;
  return move_to(fresh, block, base::smaller(alloc::usable_size(block), size));
}

}  // namespace

// What the operation before has left is what there is now. The heap's tables are there from the first on,
// whoever serves that.
STRATA_NOINLINE void note_operation() {
  wire::routed_process& of = *route::figures;
  if (of.operations.load(std::memory_order_relaxed) == 0) alloc::deallocate(alloc::allocate(1));
  raise(of.peak_bytes, taken_bytes());
  std::uint64_t done = of.operations.fetch_add(1, std::memory_order_relaxed);
  if (done != 0 && done % route::moment_step() == 0) note_moment(of, done);
}

STRATA_NOINLINE bool reallocates(void*& block, std::size_t size, bool is_of_site) {
  void* made = nullptr;
  bool is_done = true;
  if (!route::owns(block)) {
    if (is_of_site) made = resized_by_site(block, size);
    is_done = made != nullptr;
  } else if (size == 0) {
    route::deallocate(block);
  } else {
    made = resized(block, size);
  }
  if (route::watches()) route::note_other_block();
  if (is_done) block = made;
  return is_done;
}

}  // namespace strata::entry::routed
