#include "resource/stack_slab.hpp"

#include <mutex>
#include <new>

#include <strata/detail/fork.hpp>

#include "os/memory.hpp"

namespace strata::detail {
namespace {

constexpr std::size_t block_bytes = std::size_t{64} << 10;

// Guards the spares and the making of records; the list itself is read without it.
constinit fork_safe_global<std::mutex> making;
constinit stack_slab* spares = nullptr;
constinit std::atomic<stack_slab*> newest{nullptr};

bool make_records() {
  void* block = os::map(block_bytes, os::page_bytes());
  if (block == nullptr) return false;
  for (std::size_t at = 0; at + sizeof(stack_slab) <= block_bytes; at += sizeof(stack_slab)) {
    auto* made = ::new (static_cast<std::byte*>(block) + at) stack_slab;
    made->next_record = newest.load(std::memory_order_relaxed);
    made->next_spare = spares;
    spares = made;
    // release: who finds the record finds what it is made of.
    newest.store(made, std::memory_order_release);
  }
  return true;
}

}  // namespace

void guard_slab_records_in_forks() { making.enter(); }

stack_slab* take_slab_record(std::uintptr_t start, std::uintptr_t end, std::size_t stack_bytes,
                             std::size_t guard_bytes, std::uint64_t first_number) {
  stack_slab* taken = nullptr;
  {
    std::lock_guard section(making);
    if (spares == nullptr && !make_records()) return nullptr;
    taken = spares;
    spares = taken->next_spare;
  }
  taken->end.store(end, std::memory_order_relaxed);
  taken->stack_bytes.store(stack_bytes, std::memory_order_relaxed);
  taken->guard_bytes.store(guard_bytes, std::memory_order_relaxed);
  taken->slots = static_cast<std::uint32_t>((end - start) / stack_bytes);
  taken->first_number = first_number;
  taken->opened = 1;
  taken->marked = 1;
  taken->cold = 0;
  for (std::uint64_t& word : taken->cold_bits) word = 0;
  for (stack_guard& each : taken->guards) each = stack_guard::none;
  // release: who sees the start sees the rest.
  taken->start.store(start, std::memory_order_release);
  return taken;
}

void drop_slab_record(stack_slab& one) {
  one.start.store(0, std::memory_order_relaxed);
  std::lock_guard section(making);
  one.next_spare = spares;
  spares = &one;
}

guarded_stack find_guard(std::uintptr_t address) {
  const stack_slab* one = newest.load(std::memory_order_acquire);
  for (; one != nullptr; one = one->next_record) {
    std::uintptr_t start = one->start.load(std::memory_order_acquire);
    if (start == 0 || address < start || address >= one->end.load(std::memory_order_relaxed))
      continue;
    std::size_t stack_bytes = one->stack_bytes.load(std::memory_order_relaxed);
    std::size_t guard_bytes = one->guard_bytes.load(std::memory_order_relaxed);
    std::uintptr_t bottom = align_down(address + guard_bytes, stack_bytes);
    // The last slot's end is nobody's guard.
    bool guards = address + guard_bytes >= bottom && address < bottom &&
                  bottom + stack_bytes <= one->end.load(std::memory_order_relaxed);
    if (!guards) return {};
    std::uintptr_t header = bottom + stack_bytes - guard_bytes - sizeof(stack_header);
    return {pointer_to<stack_header>(header),
            one->first_number + (bottom - start) / stack_bytes - 1, bottom};
  }
  return {};
}

}  // namespace strata::detail
