#include "gc/world.hpp"

namespace strata::gc {

void world::wait_for_restart(guard& held) {
  restarted_.wait(held, [this] { return !stopping_; });
}

void world::attach(record& added) {
  guard held{lock_};
  wait_for_restart(held);
  added.state->marking.store(marking_, std::memory_order_relaxed);
  records_.push_back(&added);
  ++running_;
}

void world::detach(record& removed) {
  guard held{lock_};
  if (--running_ == 0) stopped_.notify_all();
  wait_for_restart(held);
  base::list<record>::remove(&removed);
}

bool world::stop(record* self) {
  guard held{lock_};
  if (self != nullptr && --running_ == 0) stopped_.notify_all();
  if (stopping_) {
    wait_for_restart(held);
    if (self != nullptr) ++running_;
    return false;
  }
  stopping_ = true;
  each([](record& each) {
    each.state->poll.store(1, std::memory_order_relaxed);
    // seq_cst, as is the owner's store: of the two the later one counts, and the owner looks at poll after
    // its own.
    each.state->limit.store(nullptr, std::memory_order_seq_cst);
  });
  stopped_.wait(held, [this] { return running_ == 0; });
  return true;
}

void world::restart(record* self) {
  guard held{lock_};
  each([](record& each) { each.state->poll.store(0, std::memory_order_relaxed); });
  stopping_ = false;
  if (self != nullptr) ++running_;
  restarted_.notify_all();
}

void world::pause() {
  guard held{lock_};
  if (!stopping_) return;
  if (--running_ == 0) stopped_.notify_all();
  wait_for_restart(held);
  ++running_;
}

void world::call_always(record& of) {
  guard held{lock_};
  of.state->poll.store(1, std::memory_order_relaxed);
  of.state->limit.store(nullptr, std::memory_order_relaxed);
}

void world::call_when_stopping(record& of) {
  guard held{lock_};
  of.state->poll.store(stopping_ ? 1 : 0, std::memory_order_relaxed);
}

void world::enter_blocking() {
  guard held{lock_};
  if (--running_ == 0) stopped_.notify_all();
}

void world::leave_blocking() {
  guard held{lock_};
  wait_for_restart(held);
  ++running_;
}

}  // namespace strata::gc
