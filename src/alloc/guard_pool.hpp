// The slots of guarded blocks (guard.hpp draws them), and who a stray access belongs to.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bits.hpp"
#include "base/check.hpp"
#include "ground/size_class.hpp"
#include "os/stack_trace.hpp"

namespace strata::alloc::guard {

inline constexpr std::size_t slot_count = 256;

enum class slot_state : std::uint8_t { unused, live, freed };

struct slot {
  // relaxed: changes under the lock; who reads without it reports what it sees.
  std::atomic<slot_state> state{slot_state::unused};
  std::uint8_t number = 0;
  std::uintptr_t start = 0;
  std::size_t size = 0;
  os::stack_trace allocated;
  os::stack_trace freed;

  [[nodiscard]] bool is(slot_state wanted) const {
    return state.load(std::memory_order_relaxed) == wanted;
  }
  // From the block to the address, in bytes; 0: inside, or at its very end or start.
  [[nodiscard]] std::size_t distance_to(std::uintptr_t address) const {
    if (address < start) return start - address;
    return address < start + size ? 0 : address - (start + size);
  }
};

struct pool {
  std::uintptr_t start = 0;
  std::size_t bytes = 0;  // 0: there is none
  std::size_t page = 0;   // of the system
  slot* slots = nullptr;

  [[nodiscard]] std::size_t slot_bytes() const {
    return base::align_up(ground::medium_bytes, page);
  }
  [[nodiscard]] std::size_t stride() const { return page + slot_bytes(); }
  [[nodiscard]] std::uintptr_t slot_start(std::size_t index) const {
    return start + index * stride() + page;
  }
  // The slot that the address lies in, or that the block belongs to which is nearer to an inaccessible
  // page; null when nothing was ever there.
  [[nodiscard]] slot* slot_at(std::uintptr_t address) const {
    std::size_t index = (address - start) / stride();
    bool between = (address - start) % stride() < page;
    slot* right = used(index);
    slot* left = between && index > 0 ? used(index - 1) : nullptr;
    if (right == nullptr || left == nullptr) return right == nullptr ? left : right;
    return right->distance_to(address) < left->distance_to(address) ? right : left;
  }

 private:
  [[nodiscard]] slot* used(std::size_t index) const {
    return index < slot_count && !slots[index].is(slot_state::unused) ? &slots[index] : nullptr;
  }
};
extern pool the_pool __attribute__((visibility("hidden")));

// ---- Messages (guard_report.cpp)

// Stops the process for what was done to the block at the address, now by this thread.
[[noreturn]] void stop(misuse kind, const slot& to, std::uintptr_t address);
// A fault at the address: returns when it is none of the pool's.
void judge_fault(std::uintptr_t address, const void* context);

}  // namespace strata::alloc::guard
