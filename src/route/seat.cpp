#include "route/seat.hpp"

#include <new>

#include "os/memory.hpp"

namespace strata::route {
namespace {

constinit std::atomic<seat*> all_seats{nullptr};

struct thread_seat {
  seat* its;
  bool is_ending;
};
constinit thread_local thread_seat own __attribute__((tls_model("initial-exec"))) = {};

// acquire: what the thread before left in it.
bool take(seat& one) { return !one.is_taken.exchange(true, std::memory_order_acquire); }

seat* make_seat() {
  std::size_t bytes = base::align_up(sizeof(seat), os::page_bytes());
  void* memory = os::map(bytes, os::page_bytes());
  if (memory == nullptr) return nullptr;
  auto* made = new (memory) seat;
  made->is_taken.store(true, std::memory_order_relaxed);
  made->next = all_seats.load(std::memory_order_relaxed);
  // release: who finds it finds it whole.
  while (!all_seats.compare_exchange_weak(made->next, made, std::memory_order_release,
                                          std::memory_order_relaxed)) {
  }
  return made;
}

STRATA_NOINLINE seat* find_seat() {
  if (own.is_ending) return nullptr;
  thread_begins();
  for (seat* one = all_seats.load(std::memory_order_acquire); one != nullptr; one = one->next) {
    if (take(*one)) return own.its = one;
  }
  return own.its = make_seat();
}

}  // namespace

__attribute__((weak)) void thread_begins() {}

seat* own_seat() { return STRATA_LIKELY(own.its != nullptr) ? own.its : find_seat(); }
seat* known_seat() { return own.its; }

void leave_seat() {
  own.is_ending = true;
  if (own.its == nullptr) return;
  // release: pairs with take.
  own.its->is_taken.store(false, std::memory_order_release);
  own.its = nullptr;
}

}  // namespace strata::route
