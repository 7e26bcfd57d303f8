// The core of a heap: what every plan stands on.
//
//   a mutator's slow path --> allocate --> from its buffer, or plan.refill, or plan.take_large
//                                | none left
//                                v
//                             collect = stop the world, plan.collect, restart; then try again
//                                | still none after a full one
//                                v
//                             out_of_memory
//
// Locks, in this order: the world's, then lock_, which guards blocks and plan while mutators run, then
// globals_lock_.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "gc/blocks.hpp"
#include "gc/direct.hpp"
#include "gc/frames.hpp"
#include "gc/metaspace.hpp"
#include "gc/object_inl.hpp"
#include "gc/plans/plan.hpp"
#include "gc/row.hpp"
#include "gc/weak_set.hpp"
#include "gc/world.hpp"
#include "strata/gc/global.hpp"
#include "strata/gc/heap.hpp"
#include "strata/gc/listener.hpp"
#include "strata/gc/mutator.hpp"

namespace strata::gc {

class detail::core {
 public:
  explicit core(const heap_options& options);
  core(const core&) = delete;
  core& operator=(const core&) = delete;
  ~core();

  void attach(mutator& self, record& made);
  void detach(record& removed);
  void* allocate(mutator& self, std::size_t bytes, const type& of);
  std::size_t fail_after(record& of, std::size_t allocations);
  // What a thread collects for; null: there is no room. It gets it before the others run, who might take all
  // that the collection has freed.
  struct request {
    std::size_t bytes;
    bool after_failure;  // of a full collection to make room for it
    void* object = nullptr;
  };
  // True when it was the caller that collected.
  bool collect(record* self, collection kind, cause why, request* first = nullptr);
  // A collection of that kind, by whichever thread, has come to its end since the call began.
  void ensure_collected(record* self, collection kind);
  void verify(record* self);
  void pause(record& of);
  void enter_blocking(record& of);
  void leave_blocking();
  // Stops the process when the thread is where it must not collect.
  static void check_may_collect(const record* self) {
    if (STRATA_UNLIKELY(self != nullptr && self->no_gc != 0)) fatal(misuse::collected, self->state);
  }
  gc::world& world() { return world_; }

  void log(record& by, void** field, void* value);
  void add(global_node& added);
  void remove(global_node& removed);

  heap_statistics statistics();

  [[nodiscard]] const heap_options& options() const { return options_; }
  [[nodiscard]] gc::blocks& blocks() { return blocks_; }
  // Held by whoever takes or gives blocks while mutators run.
  [[nodiscard]] std::mutex& lock() { return lock_; }
  // The first so many bytes of the heap are young. Set once, when the plan opens.
  void set_young_bytes(std::size_t bytes) { young_bytes_ = bytes; }
  [[nodiscard]] const plan_base& plan() const { return *plan_; }
  [[nodiscard]] work_stack& stack() { return stack_; }
  [[nodiscard]] weak_set& weaks() { return weaks_; }
  [[nodiscard]] metaspace& types() { return types_; }
  [[nodiscard]] direct_space& direct() { return direct_; }
  // The number that this marking marks objects with.
  [[nodiscard]] std::uint8_t epoch() const { return epoch_; }
  // Once a marking has ended but for what it clears: it has not reached the object.
  [[nodiscard]] bool has_died(void* object) const {
    return detail::address_of(object) - blocks_.base() >= young_bytes_ &&
           header::mark(object) != epoch_;
  }
  void next_epoch() { epoch_ = epoch_ == last_epoch ? 1 : static_cast<std::uint8_t>(epoch_ + 1); }

  // The rest for collectors only: the world is stopped.

  // visit(void** root) for every root, which may be null or, but on shadow stacks, an immediate. What a pinned one refers to must stay where it is.
  template <class Visit>
  void each_root(Visit visit);
  template <class Visit>
  void each_global(Visit visit) {
    // Threads that don't stop may make and destroy globals.
    std::lock_guard guard{globals_lock_};
    for (global_node* at = globals_; at != nullptr; at = at->next) visit(*at);
  }
  // visit(const logged&) for each entry of the logs, which are empty afterwards.
  template <class Visit>
  void each_logged(Visit visit);
  // visit(void* object) for each object that must not move.
  template <class Visit>
  void each_pinned(Visit visit);

 private:
  void* try_allocate(record& of, std::size_t bytes);
  void* try_large(std::size_t bytes);
  std::byte* take_slot(record& of, std::size_t bytes);
  std::byte* bump_or_refill(record& of, std::size_t bytes);
  bool stress_is_due(record& of);
  void delay() const;
  static bool failure_is_due(record& of);
  void zero_behind_roots();
  void open_limit(record& of);
  void give_up_buffers();
  [[nodiscard]] effort effort_for(const request* first) const;
  void collect_stopped(collection_end& what);
  void tell_growth();

  heap_options options_;
  gc::blocks blocks_;
  work_stack stack_;
  weak_set weaks_;
  metaspace types_;
  direct_space direct_;
  gc::world world_;
  std::mutex lock_;
  std::unique_ptr<plan_base> plan_;
  row<logged> orphan_log_;  // of threads that have gone
  std::mutex globals_lock_;
  global_node* globals_ = nullptr;
  heap_statistics statistics_;                 // written under lock_, too
  std::atomic<std::size_t> told_blocks_{0};    // as heap_grows has told
  std::uint64_t allocated_at_full_bytes_ = 0;  // until the last full collection
  std::size_t young_bytes_ = 0;
  std::size_t most_slot_bytes_ = 0;
  std::uint8_t epoch_ = 1;
};

template <class Visit>
void detail::core::each_root(Visit visit) {
  world_.each([&](record& of) {
    for (slot* at = of.stack; at < of.state->top; ++at) {
      if (is_immediate(*at)) continue;
      void* object = detail::pointer_to(*at & ~pinned_slot);
      visit(&object);
      *at = detail::address_of(object) | (*at & pinned_slot);
    }
    each_frame_slot(*of.state, [&](void** slot, strata_gc_frame&) { visit(slot); });
  });
  each_global([&](global_node& at) {
    for (void** root = at.first; root < at.end; ++root) visit(root);
  });
  // Where there are no generations, nothing is young.
  if (young_bytes_ == 0) return;
  for (void** slot : weaks_.slots()) visit(slot);
}

template <class Visit>
void detail::core::each_logged(Visit visit) {
  auto empty = [&](row<logged>& log) {
    for (const logged& each : log) visit(each);
    log.clear();
  };
  world_.each([&](record& of) { empty(of.log); });
  empty(orphan_log_);
}

template <class Visit>
void detail::core::each_pinned(Visit visit) {
  world_.each([&](record& of) {
    for (slot* at = of.stack; at < of.state->top; ++at) {
      if (!is_immediate(*at) && *at > pinned_slot && (*at & pinned_slot) != 0)
        visit(detail::pointer_to(*at - pinned_slot));
    }
  });
}

}  // namespace strata::gc
