// What a thread has of the place that blocks are routed to. When the thread ends, the next one takes it over,
// with the blocks that are still there.
#pragma once

#include "route/arena.hpp"
#include "route/cells.hpp"

namespace strata::route {

struct seat {
  arena line;
  cells pools;
  std::atomic<bool> is_taken{false};
  // The thread is in it. A handler that interrupts it goes to the heap, and frees as another thread does.
  bool is_entered = false;
  seat* next = nullptr;  // of all
};

// A thread gets its first seat: to be told when it ends. Those who link this without entry need not.
void thread_begins();

// The calling thread's. Null: there is no memory for one, or the thread is about to end.
seat* own_seat();
// The calling thread's, if it has one.
seat* known_seat();
void leave_seat();

}  // namespace strata::route
