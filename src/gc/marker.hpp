// Marks what roots reach, without moving it: Tri-colour marking (Dijkstra et al., 1978) with a queue
// before the stack.
//
//   scan of an object --> stack --> queue --> its mark is looked at --> scan ...
//                                   its memory is fetched meanwhile (fetch_queue.hpp)
//
//   white   not marked, not in stack or queue, or not looked at there yet
//   grey    marked, and about to be scanned
//   black   marked and scanned
//
// What goes onto the stack are references, marked or not: an object's header is touched once, when it
// comes out of the queue. Young objects are passed over: they are none of its business.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/compaction.hpp"
#include "gc/fetch_queue.hpp"
#include "gc/line_space.hpp"
#include "gc/long_arrays.hpp"
#include "gc/object_inl.hpp"
#include "gc/row.hpp"
#include "gc/shared_work.hpp"
#include "gc/weak_set.hpp"

namespace strata::gc {

class marker {
 public:
  marker(line_space& lines, weak_set& weaks) : lines_(lines), weaks_(weaks) {}
  bool open(std::size_t most_entries) {
    return stack_.open(most_entries) && arrays_.open(most_entries / long_arrays::piece_length);
  }

  // old_base: what lies below is young.
  void begin(std::uint8_t epoch, std::uintptr_t old_base) {
    epoch_ = epoch;
    old_base_ = old_base;
    live_bytes_ = 0;
  }
  void push(void* object) {
    // null is lower, too, and so are immediates: see is_reference.
    auto half = static_cast<std::int64_t>(std::rotr(base::address_of(object), 1));
    if (half >= static_cast<std::int64_t>(old_base_ >> 1)) stack_.push(object);
  }
  [[nodiscard]] bool done() const { return stack_.empty() && arrays_.empty(); }
  [[nodiscard]] bool is_marked(void* object) const { return header::mark(object) == epoch_; }
  [[nodiscard]] bool is_old(void* object) const { return base::address_of(object) >= old_base_; }
  // Of any reference: it is old, and marked.
  [[nodiscard]] bool has_marked(void* object) const { return is_old(object) && is_marked(object); }
  [[nodiscard]] std::uint64_t live_bytes() const { return live_bytes_; }
  [[nodiscard]] std::uint8_t epoch() const { return epoch_; }
  // It is deep once in a marking, and its pages are soon there again.
  void trim() { stack_.trim(0); }
  // Of what is scanned alone from now on; null: of nothing.
  void note_places_in(compaction* to) { places_ = to; }

  // Scans until nothing is left.
  void run() {
    std::size_t all = ~std::size_t{0};
    run(all);
  }
  // Scans at most so many objects, more than none, and takes them off; true when nothing is left.
  bool run(std::size_t& most_objects) {
    if (!scan_few(most_objects)) return done();
    fetch_queue queue;
    while (!stack_.empty() || !queue.empty() || push_piece()) {
      void* object = queue.turn(stack_.empty() ? nullptr : stack_.pop());
      if (object == nullptr) continue;
      if (is_marked(object)) continue;
      if (others_ != nullptr && !take_among_others(object)) continue;
      scan(object);
      if (--most_objects == 0) break;
    }
    queue.each([this](void* object) { stack_.push(object); });
    return done();
  }

  // Beside others, each with a marker of its own, until none has anything left.
  void run_with(shared_work& others) {
    others_ = &others;
    do run();
    while (others.take(stack_));
    others_ = nullptr;
    trim();
  }
  void add_marked_by(const marker& other) { live_bytes_ += other.live_bytes_; }

  // An object that is new: marked, and not scanned.
  void blacken(void* object, std::size_t bytes) {
    header::set_mark(object, epoch_);
    if (bytes <= detail::most_copied_bytes)
      lines_.mark_lines(static_cast<std::byte*>(object) - header::bytes, bytes, epoch_);
  }

 private:
  static constexpr std::size_t least_given = 32;

  // What the value of an ephemeron leads to is most often not worth a queue. False when `most_objects` are scanned.
  bool scan_few(std::size_t& most_objects) {
    for (unsigned few = 0; few < 16 && !stack_.empty() && stack_.size() <= 4; ++few) {
      void* object = stack_.pop();
      if (is_marked(object) || (others_ != nullptr && !take_among_others(object))) continue;
      scan(object);
      if (--most_objects == 0) return false;
    }
    return true;
  }
  // Whoever marks it first scans it.
  STRATA_NOINLINE bool take_among_others(void* object) {
    if (others_->is_wanted() && stack_.size() >= least_given) others_->give(stack_);
    return header::take_mark(object, epoch_);
  }
  void discover(void* object, shape kind) {
    if (STRATA_LIKELY(kind != shape::weak && kind != shape::ephemeron)) return;
    if (others_ == nullptr) return weaks_.of_old.discover(object, kind);
    std::lock_guard guard{others_->found_lock()};
    weaks_.of_old.discover(object, kind);
  }
  void scan(void* object) {
    type& of = *type_of_object(object);
    std::size_t bytes = object_bytes(object, of);
    blacken(object, bytes);
    if (STRATA_UNLIKELY(places_ != nullptr) && bytes <= detail::most_copied_bytes)
      places_->note(object, bytes);
    weaks_.of_old.reached(object);
    live_bytes_ += bytes;
    if (of.kind == shape::leaf) return;
    discover(object, of.kind);
    if (of.mirror != nullptr) push_field(of.mirror);
    if (arrays_.put_off(object, of)) return;
    each_field(object, of, [this](void** field) { push_field(field); });
  }
  // Mutators may be writing; what was there when marking began, the log has. acquire: see store_field.
  void push_field(void** field) {
    push(std::atomic_ref<void*>(*field).load(std::memory_order_acquire));
  }
  bool push_piece() {
    return arrays_.scan_piece([this](void** field) { push_field(field); });
  }

  line_space& lines_;
  weak_set& weaks_;
  work_stack stack_;
  long_arrays arrays_;
  shared_work* others_ = nullptr;  // null where it marks alone
  compaction* places_ = nullptr;
  std::uint8_t epoch_ = 0;
  std::uintptr_t old_base_ = 0;
  std::uint64_t live_bytes_ = 0;
};

}  // namespace strata::gc
