// The slabs of all stack pools, as the handler of faults finds them: without a lock.
//
//   newest --> record --> record --> ...    records are never unmapped, and stay in this list for
//                                           ever; one whose slab is gone has start 0, and serves
//                                           the next
//
// What the handler reads is atomic. It may see a record in the hands of its next user, and then
// finds that the address it asks for is in neither.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <strata/stack_pool.hpp>

namespace strata::detail {

inline std::byte* bytes_at(std::uintptr_t address) { return pointer_to<std::byte>(address); }

struct stack_slab {
  static constexpr std::uint32_t most_slots = 1024;

  std::atomic<std::uintptr_t> start{0};
  std::atomic<std::uintptr_t> end{0};
  std::atomic<std::size_t> stack_bytes{0};
  std::atomic<std::size_t> guard_bytes{0};

  // The pool's, under its mutex. Slots 1 ... slots - 1 are for stacks, those before `opened` have
  // had one, those before `marked` have their guard markers: 1 <= opened <= marked <= slots, where
  // there are markers.
  stack_slab* older = nullptr;
  std::uint64_t first_number = 0;
  std::uint32_t slots = 0;
  std::uint32_t opened = 1;
  std::uint32_t marked = 1;
  std::uint32_t cold = 0;
  std::uint64_t cold_bits[most_slots / 64] = {};
  stack_guard guards[most_slots] = {};

  stack_slab* next_record = nullptr;
  stack_slab* next_spare = nullptr;

  [[nodiscard]] bool is_cold(std::uint32_t index) const {
    return (cold_bits[index / 64] >> (index % 64) & 1) != 0;
  }
  void flip_cold(std::uint32_t index) { cold_bits[index / 64] ^= std::uint64_t{1} << (index % 64); }
  [[nodiscard]] std::uintptr_t slot_start(std::uint32_t index) const {
    return start.load(std::memory_order_relaxed) +
           index * stack_bytes.load(std::memory_order_relaxed);
  }
  // Of the slot that an address lies in.
  [[nodiscard]] std::uint32_t index_of(const volatile void* address) const {
    return static_cast<std::uint32_t>(
        (address_of(address) - start.load(std::memory_order_relaxed)) /
        stack_bytes.load(std::memory_order_relaxed));
  }
};

// A record for a slab of the caller's; null when there is no memory.
stack_slab* take_slab_record(std::uintptr_t start, std::uintptr_t end, std::size_t stack_bytes,
                             std::size_t guard_bytes, std::uint64_t first_number);
void drop_slab_record(stack_slab& one);
// From the first call on.
void guard_slab_records_in_forks();

// The header of the stack whose guard the address lies in, with its number; null when it is in
// none. For handlers of signals.
struct guarded_stack {
  stack_header* header;
  std::uint64_t number;
  std::uintptr_t bottom;
};
guarded_stack find_guard(std::uintptr_t address);

// Writes the report and stops the process.
[[noreturn]] void report_overflow(const char* name, std::uint64_t number, std::size_t limit_bytes,
                                  const void* address);

// Sends overflows to their hooks, or reports them, from now on.
void watch_overflows();

}  // namespace strata::detail
