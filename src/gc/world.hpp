// The threads of a heap, and how they are stopped.
//
//            attach                poll seen                      restart
//   (none) ----------> running ----------------> stopped ---------------------> running
//                       |    ^  blocking                    its end, no stop
//                       v    +----------------- blocked <-------------------
//                     blocked                                under way
//
//   running_ = the number of mutators that are running
//   the world is stopped when stopping_ is set and running_ is 0; whoever set it collects
//
// A thread is asked twice: by `poll`, which it looks at in safepoints, and by its buffer's limit, without
// which its next allocation comes to the slow path. One lock guards everything here; a thread's roots
// belong to the collector while the world is stopped, which the same lock makes known.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "base/list.hpp"
#include "gc/line_space.hpp"
#include "gc/row.hpp"
#include "strata/gc/mutator.hpp"

namespace strata::gc {

inline constexpr std::size_t most_slot_words = 32;

// What the barrier notes: the field, and what it referred to. Without a field: an object that a weak
// reference has led to.
struct logged {
  void** field;
  void* before;
};

// What the library keeps of a mutator; the shadow stack lies behind it.
struct record : base::list_node<record> {
  detail::mutator_state* state = nullptr;
  detail::slot* stack = nullptr;
  std::size_t mapped_bytes = 0;

  // The buffer: state->cursor and state->limit move within it.
  std::byte* buffer = nullptr;
  std::byte* buffer_end = nullptr;
  // A second one, for objects that the first has no room for though it has much.
  std::byte* medium = nullptr;
  std::byte* medium_end = nullptr;

  // Slots for small objects by their words, where the plan has such.
  std::array<bump_range, most_slot_words + 1> slots;
  // The block with holes that the buffer is one of.
  line_cursor cursor;
  // Fields of old objects that were stored to since the last collection.
  row<logged> log;
  detail::core* owner = nullptr;
  record* next_of_thread = nullptr;  // a thread may have mutators on several heaps

  std::uint64_t allocated_bytes = 0;  // in buffers given up
  std::size_t until_stress = 0;
  std::size_t stresses = 0;
  std::size_t until_failure = 0;
  unsigned no_gc = 0;  // scopes in which it must not collect
};

class world {
 public:
  void attach(record& added);
  void detach(record& removed);

  // Makes the caller the collector, with everybody else stopped: true. Or waits until another's
  // collection is over: false. self: the caller's own record, null when it has none.
  bool stop(record* self);
  void restart(record* self);

  // Waits while the world is stopped. The caller is running.
  void pause();
  // The thread comes to each place where it may stop, and its allocations leave the fast path; or it does
  // so only when it is asked again.
  void call_always(record& of);
  void call_when_stopping(record& of);
  void enter_blocking();
  void leave_blocking();

  // The world is stopped.
  void set_marking(detail::marking_now to) {
    marking_ = to;
    each([this](record& of) { of.state->marking.store(marking_, std::memory_order_relaxed); });
  }
  template <class Visit>
  void each(Visit visit) {
    for (record* at = records_.front(); at != nullptr; at = records_.after(at)) visit(*at);
  }
  [[nodiscard]] bool empty() const { return records_.empty(); }

 private:
  using guard = std::unique_lock<std::mutex>;
  void wait_for_restart(guard& held);

  std::mutex lock_;
  std::condition_variable stopped_;    // running_ became 0
  std::condition_variable restarted_;  // stopping_ became false
  base::list<record> records_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  detail::marking_now marking_ = detail::marking_now::no;
};

}  // namespace strata::gc
